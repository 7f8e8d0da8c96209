import type { RequestedToken } from "../policy.ts";
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
  /** The subscriber tenant that the request is made in. */
  readonly appTid?: string;
}

/** How a request names one target. */
export type TargetName =
  | { readonly by: "client"; readonly id: string; readonly appTid?: string }
  | { readonly by: "resource"; readonly url: string }
  /** A permission of the requester, by its name; `isOwn`: for its own APIs only. */
  | { readonly by: "dependency"; readonly name: string; readonly isOwn: boolean }
  /** A client that has given roles to the requester, without a permission to exchange. */
  | { readonly by: "role"; readonly id: string };

/** What a request asks of the targets: which, and which scope of them. */
export interface TargetAsk {
  readonly targets: readonly TargetName[];
  /** Undefined: everything that may be had. */
  readonly scope?: readonly string[];
  /** The scope is the dialect's default: what exceeds is left out instead of refused. */
  readonly isDefaultScope: boolean;
}

/** What an exchange asks for, in the words of policy. */
export interface ExchangeAsk extends TargetAsk {
  readonly subjectTokenType: string;
  readonly requested: RequestedToken;
  /** The alias of the IdP whose own token is asked for (Keycloak's `requested_issuer`). */
  readonly requestedIssuer?: string;
  /** False when `requested_token_type` was left to the dialect. */
  readonly isExplicit: boolean;
  /** Whether an ID token is to come beside it. */
  readonly withIdToken?: boolean;
  /** Set when the requested type fixes the form. */
  readonly format?: "jwt" | "saml2" | "saml2_header" | "id_jag";
}

/** A set of tokens on its way into a response body. */
export interface TokenSet {
  /** What stands in `access_token`, whatever its type (RFC 8693 §2.2.1). */
  readonly accessToken: string;
  /** Set on an exchange. */
  readonly issuedTokenType?: string;
  /** `N_A` for what is no access token. */
  readonly tokenType: "Bearer" | "DPoP" | "N_A";
  /** Seconds. */
  readonly expiresIn: number;
  readonly issuedAt: number;
  readonly scope: readonly string[];
  readonly refreshToken?: string;
  readonly refreshExpiresIn?: number;
  readonly idToken?: string;
  /** A reference to the login session that the tokens end with, where something names it. */
  readonly sessionState?: string;
}

/** What stands in an access token besides the claims of RFC 9068. */
export interface AccessTokenView {
  readonly clientId: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  readonly principal: Principal | undefined;
  /** The roles that each target gives, by the target's client id. Targets that give none are left out. */
  readonly roles: Readonly<Record<string, readonly string[]>>;
  readonly apis: readonly string[];
  readonly sid: string | undefined;
  /** The subscriber tenant of the one target, and of the client where it is another. */
  readonly appTid: string | undefined;
  readonly azpAppTid: string | undefined;
}

/** What the clients of one product write and read differently on the wire. */
export interface Dialect {
  /** Lifetimes and limits where neither client nor tenant says anything. */
  readonly tokenPolicy: TokenPolicy;
  /** Whether a POST may carry parameters in its URL (never secrets or tokens). */
  readonly acceptsQuery: boolean;
  /** Whether the audience of a client assertion may be the token endpoint instead of the issuer. */
  readonly acceptsTokenEndpointAudience: boolean;
  /** Whether a client may introspect, revoke and list with an access token of its own instead of its credentials. */
  readonly acceptsBearerAuthentication: boolean;
  /** Whether an ID token may be introspected by a client in its audience. */
  readonly introspectsIdTokens: boolean;
  /** Whether access tokens and responses name the login session: a reference that is made for each of them. */
  readonly namesSession: boolean;
  /** Whether revoking any token revokes every grant of that client in the session. */
  readonly revokesSession: boolean;
  accessTokenFormat(grant: GrantName): "jwt" | "opaque";
  /** The types of subject token that an exchange takes. */
  readonly subjectTokenTypes: readonly string[];
  /** What an assertion grant gives: whoever holds an assertion needs no refresh token (RFC 7521 §4.1), unless the product gives one. */
  readonly assertionGives: "access_token" | "token_set";
  /** Whether an ID token may be presented as `jwt`. */
  readonly idTokenIsJwt: boolean;
  /** Left out where a request may say nothing beyond the RFC. */
  readonly options?: (form: Form) => TokenOptions;
  /** Which targets, and which scope of them. */
  targets(form: Form): TargetAsk;
  exchange(form: Form): ExchangeAsk;
  accessTokenClaims(view: AccessTokenView): Claims;
  /** The product's own names for the user's attributes, beside the standard claims. */
  userAttributes(principal: Principal, scope: readonly string[]): Claims;
  tokenResponse(tokens: TokenSet): Claims;
}
