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

/** From when on a key may be promoted: every verifier and every isolate has seen it by then. Undefined unless it is next. */
export function promotableFrom({ role, published, since }: Entry): number | undefined {
  return role === "next" ? (published ?? since) + KEY_SET_MAX_AGE_SECONDS + CONFIGURATION_SECONDS : undefined;
}

/** From when on nothing alive can need a key. Undefined unless it is previous. */
export function retirableFrom({ role, since, lifetime }: Entry, longest: number): number | undefined {
  return role === "previous" ? since + (lifetime ?? longest) + RETIRE_MARGIN_SECONDS : undefined;
}

/** Keys in use now remember the longest lifetime that was ever configured while they were. The same value when there is nothing to remember. */
export function rememberLifetimes(roles: KeyRoles, lifetimes: Lifetimes): KeyRoles {
  const remember = <E extends Entry>(entries: readonly E[], longest: number): E[] =>
    entries.map((entry) => (entry.role === "current" && (entry.lifetime ?? 0) < longest ? { ...entry, lifetime: longest } : entry));
  const isKnown = (entries: readonly Entry[], longest: number) => entries.every(({ role, lifetime }) => role !== "current" || (lifetime ?? 0) >= longest);
  if (isKnown(roles.signing, lifetimes.signing) && isKnown(roles.token, lifetimes.token)) return roles;
  return { signing: remember(roles.signing, lifetimes.signing), token: remember(roles.token, lifetimes.token) };
}

/** The roles after an act, or why it cannot be. What is so already stays as it is. */
export function changeKeyRoles(roles: KeyRoles, deployed: DeployedKeys, now: number, lifetimes: Lifetimes, act: KeyAct): KeyRoles | KeyFault {
  if (act.action === "register") return register(roles, deployed, now);
  if (act.kind === "signing") {
    const isDeployed = ({ number, keyId }: SigningKeyRole) => deployed.signing.some((key) => key.number === number && key.keyId === keyId);
    const changed = changeOne(roles.signing, act, { now, longest: lifetimes.signing, isDeployed, isRival: (a, b) => a.algorithm === b.algorithm });
    return typeof changed === "string" ? changed : { ...roles, signing: changed };
  }
  const isDeployed = ({ number }: TokenKeyRole) => deployed.token.includes(number);
  const changed = changeOne(roles.token, act, { now, longest: lifetimes.token, isDeployed, isRival: () => true });
  return typeof changed === "string" ? changed : { ...roles, token: changed };
}

// A number, and a key, is used once: a dropped key must not come back under another number, nor another key under a number that tokens name.
function register(roles: KeyRoles, deployed: DeployedKeys, now: number): KeyRoles | KeyFault {
  const standing = { role: "next" as const, since: now, published: now };
  const signing = [...roles.signing];
  for (const key of deployed.signing) {
    const place = signing.findIndex(({ number, keyId }) => number === key.number || keyId === key.keyId);
    const known = signing[place];
    if (known === undefined) signing.push({ ...key, ...standing });
    else if (known.number !== key.number || known.keyId !== key.keyId) return "key_number_used";
    else if (known.publicJwk === undefined && key.publicJwk !== undefined) signing[place] = { ...known, publicJwk: key.publicJwk };
  }
  const fresh = deployed.token.filter((number) => !roles.token.some((key) => key.number === number));
  return { signing, token: [...roles.token, ...fresh.map((number) => ({ number, ...standing }))] };
}

interface Rules<E> {
  readonly now: number;
  readonly longest: number;
  readonly isDeployed: (entry: E) => boolean;
  /** Two of which at most one is current. */
  readonly isRival: (a: E, b: E) => boolean;
}

function changeOne<E extends Entry>(entries: readonly E[], act: Exclude<KeyAct, { action: "register" }>, rules: Rules<E>): E[] | KeyFault {
  const entry = entries.find(({ number }) => number === act.number);
  if (entry === undefined) return "key_unknown";
  switch (act.action) {
    case "promote":
      if (entry.role === "current") return [...entries];
      if (entry.role !== "next") return "key_state";
      if (!rules.isDeployed(entry)) return "key_not_deployed";
      return isRipe(entry, rules) ? succeed(entries, entry, "previous", rules) : "key_too_young";
    case "retire":
      if (entry.role === "dropped") return [...entries];
      if (entry.role !== "previous") return "key_state";
      return rules.now >= (retirableFrom(entry, rules.longest) ?? 0) ? withRole(entries, entry, "dropped", rules.now) : "key_needed";
    case "drop": {
      if (entry.role === "dropped") return [...entries];
      if (entry.role !== "current") return withRole(entries, entry, "dropped", rules.now);
      const heir = heirOf(entries, entry, act.force, rules);
      if (heir !== undefined) return succeed(entries, heir, "dropped", rules);
      return act.force ? withRole(entries, entry, "dropped", rules.now) : "key_last";
    }
  }
}

function isRipe(entry: Entry, { now }: { readonly now: number }): boolean {
  return now >= (promotableFrom(entry) ?? Number.POSITIVE_INFINITY);
}

// The newest that verifiers know: one that waits, else one that has signed before. In need, one that they may not have seen yet.
function heirOf<E extends Entry>(entries: readonly E[], gone: E, force: boolean, rules: Rules<E>): E | undefined {
  const able = entries.filter((entry) => entry !== gone && rules.isRival(entry, gone) && rules.isDeployed(entry)).toSorted((a, b) => b.since - a.since || b.number - a.number);
  return able.find((entry) => isRipe(entry, rules)) ?? able.find(({ role }) => role === "previous") ?? (force ? able.find(({ role }) => role === "next") : undefined);
}

function succeed<E extends Entry>(entries: readonly E[], heir: E, formerRole: KeyRole, rules: Rules<E>): E[] {
  return entries.map((entry) => {
    if (entry === heir) return { ...entry, role: "current" as const, since: rules.now, lifetime: Math.max(entry.lifetime ?? 0, rules.longest) };
    return entry.role === "current" && rules.isRival(entry, heir) ? { ...entry, role: formerRole, since: rules.now } : entry;
  });
}

function withRole<E extends Entry>(entries: readonly E[], changed: E, role: KeyRole, now: number): E[] {
  return entries.map((entry) => (entry === changed ? { ...entry, role, since: now } : entry));
}
