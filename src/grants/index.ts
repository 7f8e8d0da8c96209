import { authorizationCode } from "./authorization-code.ts";
import { clientCredentials } from "./client-credentials.ts";
import type { Grant } from "./grant.ts";
import { jwtBearer } from "./jwt-bearer.ts";
import { refreshToken } from "./refresh-token.ts";
import { saml2Bearer } from "./saml2-bearer.ts";
import { tokenExchange } from "./token-exchange.ts";

/** What is asked for: every grant of the token endpoint. */
const GRANTS: readonly Grant[] = [authorizationCode, refreshToken, clientCredentials, tokenExchange, jwtBearer, saml2Bearer];

/** The grant of a `grant_type`, compared as bytes; undefined for one that is not here. */
export function grantOf(grantType: string): Grant | undefined {
  return GRANTS.find((grant) => grant.grantType === grantType);
}

/** Every `grant_type`, as metadata has them (RFC 8414). */
export function grantTypes(): readonly string[] {
  return GRANTS.map(({ grantType }) => grantType);
}
