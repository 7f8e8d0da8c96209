import { judgeClaims, nodeOf } from "../federation/external-token.ts";
import { askAboutToken } from "../federation/opaque-token.ts";
import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { TOKEN_TYPE } from "../protocol/names.ts";
import { externalSubject, onlyOne, readExternalJwt, subjectIssuersOf, unreadable } from "./external-token.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

// RFC 6750 §2.1.
const BEARER = /^[A-Za-z0-9._~+/-]{1,4096}=*$/;

/** An access token of a corporate IdP: a JWT, or one that the IdP is asked about, which `subject_issuer` names. */
export const externalAccessToken: SubjectTokenType = {
  type: TOKEN_TYPE.access_token,
  isActor: false,
  isExternal: true,
  read: async (request, text) => {
    if (openIdentityProviderJwt(text) !== undefined) return await readExternalJwt(request, text, [undefined, "jwt", "at+jwt"]);
    const issuer = onlyOne(await subjectIssuersOf(request));
    if (issuer.rules.opaque === undefined || !BEARER.test(text) || text.startsWith("cambio_")) return unreadable(request, "malformed", "opaque");
    const claims = await askAboutToken(request.service, issuer.idp, text);
    if (claims === undefined) return unreadable(request, "claims", "the IdP does not know it");
    const said = judgeClaims(issuer.rules, claims, request.service.now());
    return typeof said === "string" ? unreadable(request, "claims", said) : await externalSubject(request, issuer, said, await nodeOf(text, false));
  },
  accepts: () => true,
};
