import type { KeyAlgorithm } from "./token-policy.ts";

/** Where a key stands: published only, signing, no longer signing but trusted, or gone. */
export type KeyRole = "next" | "current" | "previous" | "dropped";

/** The public half of a signing key. It stands in the record, so that every version of the Worker publishes and trusts the same keys. */
export interface SigningPublicJwk {
  readonly kty: "EC" | "RSA" | "OKP";
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly n?: string;
  readonly e?: string;
  /** The certificate of a SAML key, base64 (RFC 7517 §4.7). */
  readonly x5c?: string[];
}

interface Standing {
  readonly role: KeyRole;
  /** When it was given this role; `published`: when it was first seen. Seconds. */
  readonly since: number;
  readonly published?: number;
  /** The longest that something may live which was made with it. Seconds. */
  readonly lifetime?: number;
}

/** The role of one signing key; `number` is the n of `SIGNING_KEY_<n>`. */
export interface SigningKeyRole extends Standing {
  readonly number: number;
  readonly keyId: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicJwk?: SigningPublicJwk;
}

/** The role of one token key; `number` is the n of `TOKEN_KEY_<n>`. */
export interface TokenKeyRole extends Standing {
  readonly number: number;
}

/** Which keys a tenant signs and seals with. A configuration record, so that promotion and drop take hold within its bound. */
export interface KeyRoles {
  readonly signing: readonly SigningKeyRole[];
  readonly token: readonly TokenKeyRole[];
}

/** A key that this deployment holds. */
export interface DeployedKeys {
  readonly signing: readonly { readonly number: number; readonly keyId: string; readonly algorithm: KeyAlgorithm; readonly publicJwk?: SigningPublicJwk }[];
  readonly token: readonly number[];
}

/** How long what is made with a key may live. Seconds. */
export interface Lifetimes {
  readonly signing: number;
  readonly token: number;
}

/** Keys sign, or they seal: the roles of one kind have nothing to do with those of the other. */
export type KeyKind = "signing" | "token";

/** What is done with the roles of keys. */
export type KeyAct =
  /** Keys that were deployed since are published, as next. */
  | { readonly action: "register" }
  /** The next key becomes current, the former current one previous. */
  | { readonly action: "promote"; readonly kind: KeyKind; readonly number: number }
  /** A previous key that nothing alive needs any more is dropped. */
  | { readonly action: "retire"; readonly kind: KeyKind; readonly number: number }
  /** Any key is dropped now, whatever was made with it. `force`: also where nothing fit to follow it is there. */
  | { readonly action: "drop"; readonly kind: KeyKind; readonly number: number; readonly force: boolean };

/** Why a role does not change. */
export type KeyFault = "key_unknown" | "key_not_deployed" | "key_too_young" | "key_state" | "key_needed" | "key_last" | "key_number_used";

/** How long a verifier may keep the key set. */
export const KEY_SET_MAX_AGE_SECONDS = 300;
/** Until every isolate decides by a new role: the bound of configuration. */
const CONFIGURATION_SECONDS = 10;
/** Beyond the last expiry: skew, the bound of configuration, and isolates that cannot reach it for a while. */
const RETIRE_MARGIN_SECONDS = 120;

type Entry = SigningKeyRole | TokenKeyRole;

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
