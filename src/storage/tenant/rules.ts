import type { Client } from "../../tenants/client.ts";
import { initialKeyRoles } from "../../tenants/key-roles.ts";
import { fileOf, lookUpsOf, recordName, recordsOf, type StoredPermission } from "../../tenants/records.ts";
import type { SamlIdentityProvider } from "../../tenants/saml-identity-provider.ts";
import type { TenantFile, TenantSettings } from "../../tenants/tenant.ts";
import type { Applied, ApplyTenant, Change, Confirmation, PruneBounds, Records } from "../tenant-store.ts";
import { conflictsOf, decidedByApi, isDecidedByApi, orphansOf, permissionOf } from "./api-permissions.ts";
import { accessOf, effectiveRecord } from "./clients.ts";
import { keepLifetimes, lifetimesOf } from "./keys.ts";
import { current, type TenantRows } from "./rows.ts";

// Whoever has missed more than this starts anew, which is less to tell.
const CHANGES_TOLD = 1000;

/** A tenant file that has been checked and hashed, ready to be applied in one turn. */
export interface PreparedTenant {
  readonly file: TenantFile;
  readonly records: readonly { readonly name: string; readonly hash: string; readonly body: string }[];
}

/** Hashes the records of a tenant file: everything of an application that needs time. */
export async function prepareTenant(file: TenantFile, hash: (text: string) => Promise<string>): Promise<PreparedTenant> {
  const bodies = [...recordsOf(file)].map(([name, record]) => ({ name, body: JSON.stringify(record) }));
  return { file, records: await Promise.all(bodies.map(async ({ name, body }) => ({ name, body, hash: await hash(body) }))) };
}

/** Creates and changes what the file declares; deletes only when told to; never touches what the API decided. One turn. */
export function applyTenant(rows: TenantRows, now: number, prepared: PreparedTenant, ask: Omit<ApplyTenant, "file">): Applied {
  const settings = current<TenantSettings>(rows, recordName.tenant);
  if (settings !== undefined && settings.jurisdiction !== prepared.file.jurisdiction) return { ok: false, reason: "tenant_jurisdiction_fixed" };
  const problems = conflictsOf(rows, prepared.file);
  if (problems.length > 0) return { ok: false, reason: "problems", problems };
  const decided = decidedByApi(rows, prepared.file);
  const changes: Change[] = [];
  const version = rows.version() + 1;
  const puts = prepared.records.filter(({ name, hash }) => {
    const known = rows.hash(name);
    if (known === hash || decided.has(name) || (known !== undefined && isDecidedByApi(rows, name))) return false;
    changes.push({ action: known === undefined ? "create" : "change", record: name });
    return true;
  });
  const declared = new Set(prepared.records.map(({ name }) => name));
  const left = ask.prune ? undeclared(rows, declared, ask.within) : [];
  const stale = [...left, ...staleLookUps(rows, declared, changes, left), ...orphansOf(rows, left), ...accessOf(rows, left)];
  changes.push(...stale.map((name) => ({ action: "delete" as const, record: name })));
  if (ask.dryRun || changes.length === 0) return { ok: true, version: version - 1, changes };
  for (const row of puts) rows.put(row, version);
  for (const name of stale) rows.remove(name, version);
  if (rows.record(recordName.keys) === undefined) {
    rows.put({ name: recordName.keys, hash: `keys-${version}`, body: JSON.stringify(initialKeyRoles(ask.deployed, now, lifetimesOf(rows))) }, version);
  } else if (changes.some(({ record }) => record === recordName.tenant || record.startsWith("client/"))) keepLifetimes(rows, version);
  rows.addHistory({ version, at: now, operator: ask.operator, changes: JSON.stringify(changes) });
  return { ok: true, version, changes };
}

/** What has changed since a version. */
export function confirmTenant(rows: TenantRows, since: number | undefined): Confirmation {
  const version = rows.version();
  if (since === undefined || since > version) return { version, changed: "everything" };
  const changed = since === version ? [] : rows.changedSince(since, CHANGES_TOLD + 1);
  return { version, changed: changed.length > CHANGES_TOLD ? "everything" : changed };
}

/** Records as they are now. */
export function readTenant(rows: TenantRows, names: readonly string[]): Records {
  const records = Object.fromEntries(names.map((name) => [name, current<object>(rows, name) ?? null]));
  return { version: rows.version(), records, subjectKey: rows.subjectKey() };
}

/** The file that the current records stand for, also without its permissions; undefined before the first application. */
export function exportTenant(rows: TenantRows, leaveOut?: "permissions"): { readonly version: number; readonly file: TenantFile | undefined } {
  const version = rows.version();
  if (version === 0) return { version, file: undefined };
  const declared = ["idp/", "saml-idp/", "client/", ...(leaveOut === undefined ? ["permission/"] : [])].flatMap((kind) => rows.names(kind));
  return { version, file: fileOf([recordName.tenant, ...declared].map((name) => [name, effectiveRecord(rows, name)])) };
}

// What the file does not declare, within its bounds, and a file may delete.
function undeclared(rows: TenantRows, declared: ReadonlySet<string>, { from = "", to }: PruneBounds = {}): readonly string[] {
  const isWithin = (name: string) => {
    const place = name.startsWith("client/") ? `${name.slice("client/".length)} ` : name.slice("permission/".length);
    return !/^(client|permission)\//.test(name) || (place >= from && (to === undefined || place < to));
  };
  const names = ["idp/", "saml-idp/", "client/", "permission/"].flatMap((kind) => rows.names(kind));
  return names.filter((name) => !declared.has(name) && isWithin(name) && !isDecidedByApi(rows, name));
}

// Look-ups go when what they follow from goes or has changed. Those of clients that this file leaves out, and that stay, stay with them.
function staleLookUps(rows: TenantRows, declared: ReadonlySet<string>, changes: readonly Change[], gone: readonly string[]): readonly string[] {
  const changed = changes.flatMap(({ action, record }) => (action === "change" ? [record] : []));
  const before = new Set([...changed, ...gone].flatMap((name) => lookUpNames(rows, name)));
  const dropped = [...before].filter((name) => !declared.has(name) && rows.hash(name) !== undefined && !isDecidedByApi(rows, name));
  if (dropped.length === 0) return [];
  const going = new Set(gone);
  const staying = ["client/", "saml-idp/"].flatMap((kind) => rows.names(kind)).filter((name) => !declared.has(name) && !going.has(name));
  const kept = new Set(staying.flatMap((name) => lookUpNames(rows, name)));
  return dropped.filter((name) => !kept.has(name));
}

// The look-ups that follow from a record as it is now.
function lookUpNames(rows: TenantRows, name: string): readonly string[] {
  if (name.startsWith("permission/")) {
    const { consumer = "", name: named = "" } = current<StoredPermission>(rows, name) ?? {};
    const dependency = recordName.dependency(consumer, named);
    return permissionOf(rows, dependency) === name ? [dependency] : [];
  }
  if (name.startsWith("saml-idp/")) return [recordName.asserter(current<SamlIdentityProvider>(rows, name)?.entityId ?? "")];
  const client = name.startsWith("client/") ? current<Client>(rows, name) : undefined;
  return client === undefined ? [] : lookUpsOf("", client).map(([lookUp]) => lookUp);
}
