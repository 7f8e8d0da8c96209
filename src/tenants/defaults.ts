import type { AuthenticationMethodName, Client } from "./client.ts";
import type { TenantSettings } from "./tenant.ts";
import type { TokenPolicy } from "./token-policy.ts";

// What holds where a tenant file says nothing. Apart from the schemas, because every request needs it and none needs them.

/** How many certificates a client may have, of both kinds together. */
export const CERTIFICATES_LIMIT = 80;

/** The methods a client may use: what it registered, else both secret methods, or none for a public client. */
export function authenticationMethods(client: Client): readonly AuthenticationMethodName[] {
  if (client.authenticationMethods !== undefined) return client.authenticationMethods;
  return client.public ? ["none"] : ["client_secret_basic", "client_secret_post"];
}

/** Where the users of a client log in unless something else is asked for: the tenant's default where it may be, else the client's first. */
export function defaultIdentityProvider({ identityProviders }: Client, { defaultIdentityProvider: alias }: TenantSettings): string | undefined {
  return identityProviders === undefined || (alias !== undefined && identityProviders.includes(alias)) ? alias : identityProviders[0];
}

/** A token policy with nothing left out: the client's word, else the tenant's, else the dialect's, else the product's. */
export type ResolvedTokenPolicy = { readonly [Name in keyof TokenPolicy]-?: Exclude<TokenPolicy[Name], undefined> };

/** Seconds, by retry window; `mobile` is as long as the refresh token itself lives. */
export const RETRY_WINDOW_SECONDS: Readonly<Record<ResolvedTokenPolicy["refreshRetry"], number>> = {
  strict: 0,
  grace: 10,
  online: 300,
  mobile: Number.MAX_SAFE_INTEGER,
};

const HOUR = 3600;

const DEFAULTS: ResolvedTokenPolicy = {
  accessTokenLifetime: 300,
  opaqueTokenLifetime: HOUR,
  idTokenLifetime: HOUR,
  refreshTokenLifetime: 12 * HOUR,
  sessionLifetime: 12 * HOUR,
  ssoTokenLifetime: 300,
  samlLifetime: 600,
  codeLifetime: 60,
  accessTokenFormat: "grant",
  refreshRetry: "grace",
  refreshParallel: 10,
  maxExchangePeriod: 7_776_000,
  maxHops: 5,
  exchangeBudget: 1000,
  coalesceSeconds: 0,
  independentOfSession: false,
  signingAlgorithm: "ES256",
};

/** Fills a policy up from the most particular to the most general. */
export function resolveTokenPolicy(client: TokenPolicy, tenant: TokenPolicy, dialect: TokenPolicy): ResolvedTokenPolicy {
  const given = (policy: TokenPolicy) => Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
  return { ...DEFAULTS, ...given(dialect), ...given(tenant), ...given(client) };
}
