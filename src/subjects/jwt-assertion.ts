import { nodeOf } from "../federation/external-token.ts";
import { isConfirmed, readConfirmation } from "../protocol/confirmation.ts";
import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { parseScope } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import { readToken, type Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { externalSubject, isExternal, readExternalJwt, unreadable, verifyExternalJwt } from "./external-token.ts";

/** What an assertion allows at most; what it does not speak of is not bounded by it. */
export interface AssertionLimits {
  readonly scope?: readonly string[];
  readonly resources?: readonly string[];
}

/** A JWT presented as an assertion, and what it allows. */
export interface JwtAssertion {
  readonly token: VerifiedToken | Unreadable;
  readonly limits: AssertionLimits;
}

const SKEW_SECONDS = 10;
const ID_JAG = JWT_TYPE.idJag.toLowerCase();
const TYPES = [undefined, "jwt", "at+jwt", JWT_TYPE.authorizationGrant.toLowerCase()];

/** Reads the assertion of a JWT bearer grant (RFC 7523 §3): a token of ours, a JWT of a corporate IdP, or an ID-JAG. */
export async function readJwtAssertion(request: ClientRequest, text: string): Promise<JwtAssertion> {
  if (!isExternal(request, text)) return { token: await readToken(request.ring, text, request.service.now()), limits: {} };
  if (openIdentityProviderJwt(text)?.type === ID_JAG) return await readIdJag(request, text);
  return { token: await readExternalJwt(request, text, TYPES), limits: {} };
}

/** An ID-JAG: for this issuer alone, for this client alone, once, and with the proof that it is bound to. */
async function readIdJag(request: ClientRequest, text: string): Promise<JwtAssertion> {
  const { tenant, clientId, proven, service } = request;
  const external = await verifyExternalJwt(request, text, [ID_JAG], (rules) => ({ ...rules, audiences: [tenant.issuer] }));
  if ("format" in external) return { token: external, limits: {} };
  const { aud, client_id, jti, cnf, scope, resource } = external.said.claims;
  const refused = (note: string): JwtAssertion => ({ token: unreadable(request, "claims", note), limits: {} });
  if (Array.isArray(aud) && aud.length !== 1) return refused("aud");
  if (client_id !== clientId) return refused("client_id");
  if (typeof jti !== "string" || !/^[\x21-\x7e]{1,256}$/.test(jti)) return refused("jti");
  if (!isConfirmed(readConfirmation(cnf), proven)) return refused("cnf");
  const resources = resource === undefined || Array.isArray(resource) ? resource : [resource];
  if ((scope !== undefined && typeof scope !== "string") || resources?.every((one) => typeof one === "string") === false) return refused("scope or resource");
  // Asked only after everything else about it holds.
  const use = { tenant: tenant.issuer, issuer: external.alias, kind: "id_jag" } as const;
  if (!(await service.singleUse.use(use, jti, external.said.expires + SKEW_SECONDS))) return refused("used");
  return {
    token: await externalSubject(request, external, external.said, await nodeOf(text, true)),
    limits: { ...(scope === undefined ? {} : { scope: parseScope(scope) }), ...(resources === undefined ? {} : { resources: resources as readonly string[] }) },
  };
}
