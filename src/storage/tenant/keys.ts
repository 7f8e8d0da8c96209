import type { Client } from "../../tenants/client.ts";
import { resolveTokenPolicy } from "../../tenants/defaults.ts";
import { changeKeyRoles, type KeyRoles, type Lifetimes, rememberLifetimes } from "../../tenants/key-roles.ts";
import { recordName } from "../../tenants/records.ts";
import type { TenantSettings } from "../../tenants/tenant.ts";
import type { ChangeKeys, KeysChanged, KeysNow } from "../tenant-store.ts";
import { current, type TenantRows } from "./rows.ts";

/** No dialect has longer defaults than this for what is signed. */
const DIALECTS_LONGEST_SECONDS = 3600;

/** Changes the roles of keys, in one turn. What is so already makes no version. */
export function changeKeys(rows: TenantRows, now: number, { operator, deployed, act }: ChangeKeys): KeysChanged {
  const known = keysNow(rows);
  if (known === undefined) return { ok: false, reason: "tenant_unknown" };
  const roles = changeKeyRoles(known.roles, deployed, now, known.lifetimes, act);
  if (typeof roles === "string") return { ok: false, reason: roles };
  if (JSON.stringify(roles) === JSON.stringify(known.roles)) return { ok: true, ...known };
  const version = known.version + 1;
  put(rows, roles, version);
  rows.addHistory({ version, at: now, operator, changes: JSON.stringify([{ record: recordName.keys, ...act, from: known.roles, to: roles }]) });
  return { ok: true, version, roles, lifetimes: known.lifetimes };
}

/** The roles as they are now; undefined before the tenant's first application. */
export function keysNow(rows: TenantRows): KeysNow | undefined {
  const roles = current<KeyRoles>(rows, recordName.keys);
  return roles === undefined ? undefined : { version: rows.version(), roles, lifetimes: lifetimesOf(rows) };
}

/** How long what is made with the keys may live, by the policies of this moment. */
export function lifetimesOf(rows: TenantRows): Lifetimes {
  const tenant = current<TenantSettings>(rows, recordName.tenant)?.tokenPolicy ?? {};
  const policies = rows.names("client/").map((name) => resolveTokenPolicy(current<Client>(rows, name)?.tokenPolicy ?? {}, tenant, {}));
  const signing = policies.flatMap(({ accessTokenLifetime, idTokenLifetime }) => [accessTokenLifetime, idTokenLifetime]);
  const token = policies.flatMap(({ opaqueTokenLifetime, refreshTokenLifetime, sessionLifetime }) => [opaqueTokenLifetime, refreshTokenLifetime, sessionLifetime]);
  const longestSigned = Math.max(DIALECTS_LONGEST_SECONDS, ...signing);
  // A JWT carries its sealed lineage.
  return { signing: longestSigned, token: Math.max(longestSigned, ...token) };
}

/** Lets the keys in use remember the lifetimes that a version of the configuration brings. */
export function keepLifetimes(rows: TenantRows, version: number): void {
  const roles = current<KeyRoles>(rows, recordName.keys);
  if (roles === undefined) return;
  const kept = rememberLifetimes(roles, lifetimesOf(rows));
  if (kept !== roles) put(rows, kept, version);
}

function put(rows: TenantRows, roles: KeyRoles, version: number): void {
  rows.put({ name: recordName.keys, hash: `keys-${version}`, body: JSON.stringify(roles) }, version);
}
