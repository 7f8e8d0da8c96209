import { TOKEN_TYPE } from "../protocol/names.ts";
import { readExternalJwt } from "./external-token.ts";
import type { SubjectTokenType } from "./subject-token-type.ts";

/** Any JWT of a corporate IdP that stands for a user: an ID token, an access token, an authorization grant. */
export const externalJwt: SubjectTokenType = {
  type: TOKEN_TYPE.jwt,
  isActor: false,
  isExternal: true,
  read: (request, text) => readExternalJwt(request, text, [undefined, "jwt", "at+jwt", "authorization-grant+jwt"]),
  accepts: () => true,
};
