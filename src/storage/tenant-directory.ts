import { forgetOldest } from "../protocol/bounded.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Client } from "../tenants/client.ts";
import { type ClientAccess, withAccess } from "../tenants/client-access.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { KeyRoles } from "../tenants/key-roles.ts";
import { type RecordTypes, recordName, type StoredPermission } from "../tenants/records.ts";
import type { SamlIdentityProvider } from "../tenants/saml-identity-provider.ts";
import type { TenantSettings } from "../tenants/tenant.ts";
import type { TenantStore } from "./tenant-store.ts";

// In whole seconds an age of ten may be all but eleven: so it is asked at ten, and ahead at five.
/** Every decision uses configuration that was confirmed at most this long ago. */
export const CONFIRM_SECONDS = 10;
/** After this long an isolate asks again, once a response has been sent. */
const ASK_AHEAD_SECONDS = 5;
const RECORDS_KEPT = 20_000;
const READS = 3;

/** One tenant as a request sees it: its current records, confirmed within the bound. */
export interface Tenant {
  readonly issuer: string;
  /** Another one after any change of the configuration. */
  readonly version: number;
  readonly settings: TenantSettings;
  readonly keys: KeyRoles;
  /** Derives subject ids; base64url. */
  readonly subjectKey: string;
  client(id: string): Promise<Client | undefined>;
  identityProvider(alias: string): Promise<IdentityProvider | undefined>;
  samlIdentityProvider(alias: string): Promise<SamlIdentityProvider | undefined>;
  /** The client that is the SAML application of this entity id. */
  samlApplication(entityId: string): Promise<string | undefined>;
  /** The alias of the SAML IdP of this entity id. */
  asserter(entityId: string): Promise<string | undefined>;
  permission(consumer: string, provider: string): Promise<StoredPermission | undefined>;
  /** Up to when what a consumer was issued is dead, by provider; undefined where no owner has cut anything off. Seconds. */
  permissionCutoffs(consumer: string): Promise<Readonly<Record<string, number>> | undefined>;
  /** The client that a resource URL belongs to. */
  resourceOwner(url: string): Promise<string | undefined>;
  /** Whether any client declares this origin. */
  declaresOrigin(origin: string): Promise<boolean>;
  /** The provider behind a consumer's dependency. */
  dependency(consumer: string, name: string): Promise<string | undefined>;
}

/** The tenants that this isolate knows. */
export interface TenantDirectory {
  /** The tenant, confirmed within the bound; undefined when it was never applied. Throws `unavailable` when nobody can tell. */
  open(issuer: string, after: (work: Promise<unknown>) => void): Promise<Tenant | undefined>;
  /** Forgets what is known of a tenant, so that the next request asks. */
  forget(issuer: string): void;
}

// What an isolate keeps are values, never promises: no request may wait for another's.
interface Known {
  version: number;
  confirmed: number;
  subjectKey: string;
  readonly records: Map<string, object | null>;
  /** What requests see of it; made anew whenever something above changes. */
  tenant: Tenant | undefined;
}

// A client with its access is one object as long as the records are that it is made of: what others derive of it is kept with it.
const merged = new WeakMap<Client, { readonly access: ClientAccess; readonly client: Client }>();

function accessible(declared: Client, access: ClientAccess): Client {
  const known = merged.get(declared);
  if (known?.access === access) return known.client;
  const client = withAccess(declared, access);
  merged.set(declared, { access, client });
  return client;
}

/** Keeps each tenant's records in the isolate, and asks their one writer whether they are still current. `now` is in seconds. */
export function tenantDirectory(store: TenantStore, now: () => number, outageSeconds: number): TenantDirectory {
  const tenants = new Map<string, Known>();

  async function confirm(issuer: string): Promise<Known> {
    const asked = now();
    const known = tenants.get(issuer) ?? { version: -1, confirmed: 0, subjectKey: "", records: new Map(), tenant: undefined };
    const { version, changed } = await store.confirm(issuer, known.version < 0 ? undefined : known.version);
    if (changed === "everything") known.records.clear();
    else for (const name of changed) known.records.delete(name);
    // Answers may overtake each other: a late one tells less than is known.
    known.version = changed === "everything" ? version : Math.max(known.version, version);
    known.tenant = undefined;
    known.confirmed = Math.max(known.confirmed, asked);
    tenants.set(issuer, known);
    return known;
  }

  async function read(issuer: string, known: Known, names: readonly string[]): Promise<ReadonlyMap<string, object | null>> {
    for (let attempt = 1; attempt <= READS; attempt++) {
      const { version, records, subjectKey } = await store.read(issuer, names);
      // An answer that a confirmation has overtaken may hold what that confirmation called changed: it is asked again.
      if (version < known.version) continue;
      // A record newer than what was confirmed is fine; the next confirmation names it once more.
      for (const [name, record] of Object.entries(records)) known.records.set(name, record);
      // The oldest goes first: a tenant that uses more than is kept asks again for some of it, never for all at once.
      forgetOldest(known.records, RECORDS_KEPT);
      known.subjectKey = subjectKey;
      known.tenant = undefined;
      return new Map(Object.entries(records));
    }
    throw new Rejection("unavailable", { note: "configuration goes back" });
  }

  async function lookUp<K extends keyof RecordTypes>(issuer: string, known: Known, name: string): Promise<RecordTypes[K] | undefined> {
    const records = known.records.has(name) ? known.records : await read(issuer, known, [name]);
    return (records.get(name) ?? undefined) as RecordTypes[K] | undefined;
  }

  async function current(issuer: string, after: (work: Promise<unknown>) => void): Promise<Known> {
    const known = tenants.get(issuer);
    const age = known === undefined ? Number.POSITIVE_INFINITY : now() - known.confirmed;
    if (known === undefined || age >= CONFIRM_SECONDS) {
      try {
        return await confirm(issuer);
      } catch (cause) {
        if (known === undefined || age > CONFIRM_SECONDS + outageSeconds) throw cause;
        return known;
      }
    }
    if (age >= ASK_AHEAD_SECONDS) after(confirm(issuer).catch(() => undefined));
    return known;
  }

  async function clientOf(issuer: string, known: Known, id: string): Promise<Client | undefined> {
    const [name, accessName] = [recordName.client(id), recordName.access(id)];
    const records = known.records.has(name) && known.records.has(accessName) ? known.records : await read(issuer, known, [name, accessName]);
    const client = (records.get(name) ?? undefined) as RecordTypes["client"] | undefined;
    const access = (records.get(accessName) ?? undefined) as RecordTypes["access"] | undefined;
    return client === undefined || access === undefined ? client : accessible(client, access);
  }

  // Made and kept in one turn: no confirmation comes between the records and what is made of them.
  async function tenantOf(issuer: string, known: Known): Promise<Tenant> {
    for (let attempt = 1; attempt <= READS; attempt++) {
      const missing = [recordName.tenant, recordName.keys].filter((name) => !known.records.has(name));
      if (missing.length === 0) {
        known.tenant = seen(issuer, known);
        return known.tenant;
      }
      await read(issuer, known, missing);
    }
    throw new Rejection("unavailable", { note: "configuration goes back" });
  }

  function seen(issuer: string, known: Known): Tenant {
    const settings = known.records.get(recordName.tenant) as RecordTypes["tenant"] | null;
    const keys = known.records.get(recordName.keys) as RecordTypes["keys"] | null;
    if (settings === null || keys === null) throw new Rejection("unavailable", { note: "tenant record" });
    return {
      issuer,
      version: known.version,
      settings,
      keys,
      subjectKey: known.subjectKey,
      client: (id) => clientOf(issuer, known, id),
      identityProvider: (alias) => lookUp<"idp">(issuer, known, recordName.idp(alias)),
      samlIdentityProvider: (alias) => lookUp<"samlIdp">(issuer, known, recordName.samlIdp(alias)),
      samlApplication: async (entityId) => (await lookUp<"entity">(issuer, known, recordName.entity(entityId)))?.client,
      asserter: async (entityId) => (await lookUp<"asserter">(issuer, known, recordName.asserter(entityId)))?.idp,
      permission: (consumer, provider) => lookUp<"permission">(issuer, known, recordName.permission(consumer, provider)),
      permissionCutoffs: (consumer) => lookUp<"cutoffs">(issuer, known, recordName.cutoffs(consumer)),
      resourceOwner: async (url) => (await lookUp<"resource">(issuer, known, recordName.resource(url)))?.client,
      declaresOrigin: async (origin) => (await lookUp<"origin">(issuer, known, recordName.origin(origin))) !== undefined,
      dependency: async (consumer, name) => (await lookUp<"dependency">(issuer, known, recordName.dependency(consumer, name)))?.provider,
    };
  }

  return {
    forget: (issuer) => void tenants.delete(issuer),
    open: async (issuer, after) => {
      const known = await current(issuer, after);
      if (known.version === 0) return undefined;
      return known.tenant ?? (await tenantOf(issuer, known));
    },
  };
}
