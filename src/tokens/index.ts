import { authorizationGrant, idJag } from "./authorization-grant.ts";
import { idToken } from "./id-token.ts";
import type { IssuedTokenType } from "./issued-token-type.ts";
import { jwtAccessToken } from "./jwt-access-token.ts";
import { opaqueAccessToken, ssoToken } from "./opaque-access-token.ts";
import { samlAssertion, samlHeader, samlResponse } from "./saml-assertion.ts";

/** What is given: every type of token that hangs below a grant as a leaf. Refresh tokens are the grant's own. */
export const ISSUED_TOKEN_TYPES = {
  jwt: jwtAccessToken,
  opaque: opaqueAccessToken,
  sso: ssoToken,
  saml2: samlAssertion,
  saml2_header: samlHeader,
  saml2_response: samlResponse,
  id_jag: idJag,
  jwt_grant: authorizationGrant,
  id_token: idToken,
} as const satisfies Record<string, IssuedTokenType>;

/** The form of an access token: a key of the table above. */
export type AccessTokenForm = Exclude<keyof typeof ISSUED_TOKEN_TYPES, "id_token">;
