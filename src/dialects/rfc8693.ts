import { TOKEN_TYPE } from "../protocol/names.ts";
import type { Dialect } from "./dialect.ts";
import { standardExchange, standardTargets } from "./exchange.ts";
import { rolesClaim, tokenResponse } from "./response.ts";

/** RFC 6749 and RFC 8693 as they are written: the default. */
export const rfc8693: Dialect = {
  tokenPolicy: {},
  acceptsQuery: false,
  acceptsTokenEndpointAudience: false,
  acceptsBearerAuthentication: false,
  introspectsIdTokens: false,
  namesSession: false,
  revokesSession: false,
  subjectTokenTypes: [TOKEN_TYPE.access_token, TOKEN_TYPE.refresh_token, TOKEN_TYPE.id_token, TOKEN_TYPE.jwt, TOKEN_TYPE.saml2],
  assertionGives: "access_token",
  idTokenIsJwt: false,
  accessTokenFormat: () => "jwt",
  targets: standardTargets,
  exchange: standardExchange,
  accessTokenClaims: (view) => ({ roles: rolesClaim(view) }),
  userAttributes: () => ({}),
  tokenResponse,
};
