import { defined } from "../tokens/claims.ts";
import type { Dialect, TokenSet } from "./dialect.ts";

/** RFC 6749 and RFC 8693 as they are written: the default. */
export const rfc8693: Dialect = {
  tokenPolicy: {},
  acceptsQuery: false,
  introspectsIdTokens: false,
  revokesSession: false,
  accessTokenFormat: () => "jwt",
  options: () => ({}),
  accessTokenClaims: ({ roles }) => (roles.length === 0 ? {} : { roles }),
  userAttributes: () => ({}),
  tokenResponse,
};

/** The response of RFC 6749 §5.1 and OpenID Connect Core §3.1.3.3; what every dialect builds on. */
export function tokenResponse(tokens: TokenSet) {
  return defined({
    access_token: tokens.accessToken,
    token_type: "Bearer",
    expires_in: tokens.expiresIn,
    refresh_token: tokens.refreshToken,
    id_token: tokens.idToken,
    scope: tokens.scope.length === 0 ? undefined : tokens.scope.join(" "),
  });
}
