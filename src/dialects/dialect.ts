import type { Form } from "../protocol/form.ts";
import type { GrantName } from "../tenants/client.ts";
import type { Principal } from "../tenants/principal.ts";
import type { TokenPolicy } from "../tenants/token-policy.ts";
import type { Claims } from "../tokens/claims.ts";

/** What a request may say of the tokens it asks for, beyond the RFC. */
export interface TokenOptions {
  readonly format?: "jwt" | "opaque";
  /** Seconds; zero suppresses the refresh token. */
  readonly refreshExpiry?: number;
  /** Seconds; only ever shortens. */
  readonly maxExchangePeriod?: number;
}

/** A set of tokens on its way into a response body. */
export interface TokenSet {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly issuedAt: number;
  readonly scope: readonly string[];
  readonly refreshToken?: string;
  readonly refreshExpiresIn?: number;
  readonly idToken?: string;
  /** A reference to the login session that the tokens end with. */
  readonly sessionState?: string;
}

/** What stands in an access token besides the claims of RFC 9068. */
export interface AccessTokenView {
  readonly clientId: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  readonly principal: Principal | undefined;
  readonly roles: readonly string[];
  readonly sid: string | undefined;
}

/** What the clients of one product write and read differently on the wire. */
export interface Dialect {
  /** Lifetimes and limits where neither client nor tenant says anything. */
  readonly tokenPolicy: TokenPolicy;
  /** Whether a POST may carry parameters in its URL (never secrets or tokens). */
  readonly acceptsQuery: boolean;
  /** Whether an ID token may be introspected by a client in its audience. */
  readonly introspectsIdTokens: boolean;
  /** Whether revoking any token revokes every grant of that client in the session. */
  readonly revokesSession: boolean;
  accessTokenFormat(grant: GrantName): "jwt" | "opaque";
  options(form: Form): TokenOptions;
  accessTokenClaims(view: AccessTokenView): Claims;
  /** The product's own names for the user's attributes, beside the standard claims. */
  userAttributes(principal: Principal, scope: readonly string[]): Claims;
  tokenResponse(tokens: TokenSet): Claims;
}
