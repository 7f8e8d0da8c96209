import type { Claims } from "../tokens/claims.ts";
import type { AccessTokenView, TokenSet } from "./dialect.ts";

/** Every role of every target in one list; none where there is none. */
export function rolesClaim({ roles }: AccessTokenView): readonly string[] | undefined {
  const all = [...new Set(Object.values(roles).flat())];
  return all.length === 0 ? undefined : all;
}

/** The response of RFC 6749 §5.1, RFC 8693 §2.2.1 and OpenID Connect Core §3.1.3.3; what every dialect builds on. */
export function tokenResponse(tokens: TokenSet): Claims {
  return {
    access_token: tokens.accessToken,
    issued_token_type: tokens.issuedTokenType,
    token_type: tokens.tokenType,
    expires_in: tokens.expiresIn,
    refresh_token: tokens.refreshToken,
    id_token: tokens.idToken,
    scope: tokens.scope.length === 0 ? undefined : tokens.scope.join(" "),
  };
}
