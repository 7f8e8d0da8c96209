import type { Problem } from "../../tenants/check.ts";
import type { Client } from "../../tenants/client.ts";
import type { PermissionContents } from "../../tenants/permission.ts";
import { type RecordTypes, recordName, type StoredPermission } from "../../tenants/records.ts";
import type { Refused } from "../families.ts";
import { CONFIRM_SECONDS } from "../tenant-directory.ts";
import type { ChangePermission, Party, PermissionAct, PermissionChanged, PermissionFilter, PermissionList } from "../tenant-store.ts";
import { effectiveClient } from "./clients.ts";
import { current, type TenantRows } from "./rows.ts";

const LISTED = 1000;

/**
 * Moves a permission on, in one turn: requested → granted | denied → withdrawn; what was denied or withdrawn can be
 * requested again. A consumer asks, the provider's owner or an operator decides, and nobody grants to itself. What is
 * repeated changes nothing. From then on no tenant file touches the permission.
 */
export function changePermission(rows: TenantRows, now: number, ask: ChangePermission): PermissionChanged {
  const { consumer, provider, act } = ask;
  const known = current<StoredPermission>(rows, recordName.permission(consumer, provider));
  const fault = partyFault(rows, ask);
  if (fault !== undefined) return { ok: false, reason: fault };
  const next = act.action === "request" ? requested(rows, now, ask, act, known) : decided(now, ask, act, known);
  if ("ok" in next) return next;
  const problems = next === known ? [] : problemsOf(rows, next, act);
  if (problems.length > 0) return { ok: false, reason: "problems", problems };
  if (next !== known) write(rows, now, ask, known, next);
  return { ok: true, permission: next };
}

/** The permissions that someone may see: an operator all of them, a client those that it is a party of. */
export function listPermissions(rows: TenantRows, { by, consumer, provider, status }: PermissionFilter): PermissionList {
  const permissions: StoredPermission[] = [];
  const prefix = consumer === undefined ? "permission/" : recordName.permission(consumer, "");
  // The name says who the parties are: a record is read only where they are those that are asked for.
  for (const name of rows.names(prefix)) {
    const parties = name.slice(name.indexOf("/") + 1).split(" ");
    if ((provider !== undefined && parties[1] !== provider) || ("client" in by && !parties.includes(by.client))) continue;
    const permission = current<StoredPermission>(rows, name);
    if (permission === undefined || (status ?? permission.status) !== permission.status) continue;
    if (permissions.length === LISTED) return { permissions, truncated: true };
    permissions.push(permission);
  }
  return { permissions, truncated: false };
}

// To a client, what is not its own side and what is not there are the same.
function partyFault(rows: TenantRows, { by, consumer, provider, act }: ChangePermission) {
  if (rows.version() === 0) return "tenant_unknown";
  const isRequest = act.action === "request";
  if ("client" in by) {
    const self = effectiveClient(rows, by.client);
    if (self === undefined || self.disabled) return "client_disabled";
    if (by.client !== (isRequest ? consumer : provider) || consumer === provider) return "permission_not_own";
  }
  if (!isRequest) return undefined;
  const target = effectiveClient(rows, provider);
  if (target === undefined || current<object>(rows, recordName.client(consumer)) === undefined) return "permission_client_unknown";
  return target.disabled && "client" in by ? "permission_client_unknown" : undefined;
}

type Next = StoredPermission | Refused;

const STATE: Refused = { ok: false, reason: "permission_state" };

// A request that waits cannot be changed: the owner would decide about another one than it has seen.
function requested(
  rows: TenantRows,
  now: number,
  { by, consumer, provider }: ChangePermission,
  { name, contents }: Extract<PermissionAct, { action: "request" }>,
  known: StoredPermission | undefined,
): Next {
  if (known?.status === "requested" && known.name === name && isSame(known, contents)) return known;
  if (known?.status === "requested" || known?.status === "granted") return STATE;
  const cutoff = cutoffsOf(rows, consumer)[provider];
  return {
    ...{ consumer, provider, name, ...contents, status: "requested", origin: "api", asked: contents },
    ...{ requestedBy: nameOf(by), requestedAt: now },
    ...(cutoff === undefined ? {} : { cutoff }),
  };
}

function decided(now: number, { by }: ChangePermission, act: Exclude<PermissionAct, { action: "request" }>, known: StoredPermission | undefined): Next {
  if (known === undefined) return { ok: false, reason: "permission_unknown" };
  const { status } = known;
  const decision = { origin: "api", decidedBy: nameOf(by), decidedAt: now } as const;
  switch (act.action) {
    case "grant": {
      if (status !== "requested" && status !== "granted") return STATE;
      const { apis = known.apis, scopes = known.scopes, tokenTypes = known.tokenTypes } = act.contents;
      const contents = { apis, scopes, tokenTypes };
      const asked = known.asked ?? { apis: known.apis, scopes: known.scopes, tokenTypes: known.tokenTypes };
      return status === "granted" && isSame(known, contents) ? known : { ...known, ...contents, asked, status: "granted", ...decision };
    }
    case "deny":
      if (status === "denied") return known;
      return status === "requested" ? { ...known, status: "denied", ...decision } : STATE;
    case "withdraw":
      if (status === "requested") return STATE;
      if (status === "withdrawn" && !act.cutOff) return known;
      // Until everybody knows, tokens may still be issued: those end too.
      return { ...known, status: "withdrawn", ...decision, ...(act.cutOff ? { cutoff: now + CONFIRM_SECONDS } : {}) };
  }
}

// What the parts of a permission say of the provider and of each other.
function problemsOf(rows: TenantRows, { consumer, provider, name, ...contents }: StoredPermission, { action }: PermissionAct): readonly Problem[] {
  if (action !== "request" && action !== "grant") return [];
  const own = current<Client>(rows, recordName.client(provider))?.ownScopes ?? [];
  const asked: Readonly<Record<keyof PermissionContents, readonly string[]>> = contents.asked ?? contents;
  const wider = (["apis", "scopes", "tokenTypes"] as const).flatMap((member) =>
    contents[member].flatMap((item, index) =>
      asked[member].includes(item) ? [] : [{ path: `${member}.${index}`, message: "was not asked for: a grant is never more than the request" }],
    ),
  );
  const foreign = contents.scopes.flatMap((scope, index) => (own.includes(scope) ? [] : [{ path: `scopes.${index}`, message: "is no scope of the provider (ownScopes)" }]));
  const named = current<RecordTypes["dependency"]>(rows, recordName.dependency(consumer, name))?.provider ?? provider;
  const isTaken = named !== provider && current<StoredPermission>(rows, recordName.permission(consumer, named))?.name === name;
  return [...wider, ...foreign, ...(isTaken ? [{ path: "name", message: "this consumer has another permission of this name" }] : [])];
}

function write(rows: TenantRows, now: number, { by, consumer, provider, act }: ChangePermission, known: StoredPermission | undefined, next: StoredPermission): void {
  const version = rows.version() + 1;
  const put = (kind: string, name: string, record: object) => rows.put({ name, hash: `${kind}-${version}`, body: JSON.stringify(record) }, version);
  const record = recordName.permission(consumer, provider);
  put("permission", record, next);
  // The name leads to the provider while the permission is granted, and is free for another one otherwise.
  const dependency = recordName.dependency(consumer, next.name);
  if (next.status === "granted") put("dependency", dependency, { provider });
  else if (current<RecordTypes["dependency"]>(rows, dependency)?.provider === provider) rows.remove(dependency, version);
  if (act.action === "withdraw" && next.cutoff !== undefined) put("cutoffs", recordName.cutoffs(consumer), { ...cutoffsOf(rows, consumer), [provider]: next.cutoff });
  const change = { action: act.action, record, from: known?.status, to: next };
  rows.addHistory({ version, at: now, operator: nameOf(by), changes: JSON.stringify([change]) });
}

function isSame(known: PermissionContents, contents: PermissionContents): boolean {
  const text = ({ apis, scopes, tokenTypes }: PermissionContents) => JSON.stringify([apis, scopes, tokenTypes].map((list) => list.toSorted()));
  return text(known) === text(contents);
}

function nameOf(by: Party): string {
  return "operator" in by ? `operator/${by.operator}` : `client/${by.client}`;
}

function cutoffsOf(rows: TenantRows, consumer: string): RecordTypes["cutoffs"] {
  return current<RecordTypes["cutoffs"]>(rows, recordName.cutoffs(consumer)) ?? {};
}
