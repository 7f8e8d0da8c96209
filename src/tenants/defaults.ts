import type { AuthenticationMethodName, Client } from "./client.ts";
import type { DeployedKeys, KeyRoles } from "./key-roles.ts";
import type { TokenPolicy } from "./token-policy.ts";

// What holds where a tenant file says nothing. Apart from the schemas, because every request needs it and none needs them.

/** The methods a client may use: what it registered, else both secret methods, or none for a public client. */
export function authenticationMethods(client: Client): readonly AuthenticationMethodName[] {
  if (client.authenticationMethods !== undefined) return client.authenticationMethods;
  return client.public ? ["none"] : ["client_secret_basic", "client_secret_post"];
}

/** A token policy with nothing left out: the client's word, else the tenant's, else the dialect's, else the product's. */
export type ResolvedTokenPolicy = { readonly [Name in keyof TokenPolicy]-?: Exclude<TokenPolicy[Name], undefined> };

/** Seconds, by retry window; `mobile` is as long as the refresh token itself lives. */
export const RETRY_WINDOW_SECONDS: Readonly<Record<ResolvedTokenPolicy["refreshRetry"], number>> = {
  strict: 0,
  grace: 10,
  online: 300,
  mobile: Number.POSITIVE_INFINITY,
};

const HOUR = 3600;

const DEFAULTS: ResolvedTokenPolicy = {
  accessTokenLifetime: 300,
  opaqueTokenLifetime: HOUR,
  idTokenLifetime: HOUR,
  refreshTokenLifetime: 12 * HOUR,
  sessionLifetime: 12 * HOUR,
  ssoTokenLifetime: 300,
  codeLifetime: 60,
  accessTokenFormat: "grant",
  refreshRetry: "grace",
  refreshParallel: 10,
  maxExchangePeriod: 7_776_000,
  maxHops: 5,
  exchangeBudget: 1000,
  independentOfSession: false,
  signingAlgorithm: "ES256",
};

/** Fills a policy up from the most particular to the most general. */
export function resolveTokenPolicy(client: TokenPolicy, tenant: TokenPolicy, dialect: TokenPolicy): ResolvedTokenPolicy {
  const given = (policy: TokenPolicy) => Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined));
  return { ...DEFAULTS, ...given(dialect), ...given(tenant), ...given(client) };
}

/** The roles that a new tenant begins with: the lowest-numbered key of each algorithm signs, the others wait. */
export function initialKeyRoles(deployed: DeployedKeys, now: number, lifetimes?: Lifetimes): KeyRoles {
  const taken = new Set<string>();
  const standing = (group: string, lifetime: number | undefined) => {
    const role = taken.has(group) ? ("next" as const) : ("current" as const);
    taken.add(group);
    return { role, since: now, published: now, ...(role === "current" && lifetime !== undefined ? { lifetime } : {}) };
  };
  const signing = deployed.signing.toSorted((a, b) => a.number - b.number).map((key) => ({ ...key, ...standing(key.algorithm, lifetimes?.signing) }));
  const token = deployed.token.toSorted((a, b) => a - b).map((number) => ({ number, ...standing("token", lifetimes?.token) }));
  return { signing, token };
}
