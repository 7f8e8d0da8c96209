import type { Problem } from "../../tenants/check.ts";
import type { Client } from "../../tenants/client.ts";
import { type RecordTypes, recordName, type StoredPermission } from "../../tenants/records.ts";
import type { TenantFile } from "../../tenants/tenant.ts";
import { current, type TenantRows } from "./rows.ts";

/** True for a permission that the API decided, and for the name that leads to it: no file touches them. */
export function isDecidedByApi(rows: TenantRows, name: string): boolean {
  const permission = name.startsWith("dependency/") ? permissionOf(rows, name) : name;
  return permission.startsWith("permission/") && current<StoredPermission>(rows, permission)?.origin === "api";
}

/** The record of the permission that a dependency's name leads to. */
export function permissionOf(rows: TenantRows, dependency: string): string {
  const consumer = dependency.slice(dependency.indexOf("/") + 1, dependency.indexOf(" "));
  return recordName.permission(consumer, current<RecordTypes["dependency"]>(rows, dependency)?.provider ?? "");
}

/** The records that a file declares in vain: permissions that the API has decided since, and their names. */
export function decidedByApi(rows: TenantRows, file: TenantFile): ReadonlySet<string> {
  const decided = file.permissions.filter(({ consumer, provider }) => isDecidedByApi(rows, recordName.permission(consumer, provider)));
  return new Set(decided.flatMap(({ consumer, provider, name }) => [recordName.permission(consumer, provider), recordName.dependency(consumer, name)]));
}

/** What a file says against permissions that were granted through the API: a name that one of them has, a scope less than one of them lists. */
export function conflictsOf(rows: TenantRows, file: TenantFile): readonly Problem[] {
  const names = file.permissions.flatMap(({ consumer, provider, name }, index) => {
    const named = current<RecordTypes["dependency"]>(rows, recordName.dependency(consumer, name))?.provider ?? provider;
    const other = named === provider ? undefined : current<StoredPermission>(rows, recordName.permission(consumer, named));
    const isTaken = other?.origin === "api" && other.status === "granted" && other.name === name;
    return isTaken ? [{ path: `permissions.${index}.name`, message: "this consumer has another permission of this name, granted through the API" }] : [];
  });
  return [...lostScopes(rows, file), ...names];
}

// A permission lists scopes that its provider has: only a provider that loses one can have lost one of those.
function lostScopes(rows: TenantRows, { clients }: TenantFile): readonly Problem[] {
  const losing = Object.entries(clients).filter(([id, { ownScopes }]) => current<Client>(rows, recordName.client(id))?.ownScopes.some((scope) => !ownScopes.includes(scope)));
  if (losing.length === 0) return [];
  const granted = permissionsDecidedByApi(rows).filter(({ status }) => status === "granted");
  return losing.flatMap(([id, { ownScopes }]) =>
    granted.flatMap(({ consumer, provider, scopes }) =>
      scopes
        .filter((scope) => provider === id && !ownScopes.includes(scope))
        .map((scope) => ({ path: `clients.${id}.ownScopes`, message: `lacks ${scope}, which is granted to ${consumer} through the API: grant less or withdraw it first` })),
    ),
  );
}

/** What was decided through the API about clients that are about to go: it goes with them, so that nobody inherits it. */
export function orphansOf(rows: TenantRows, gone: readonly string[]): readonly string[] {
  const orphans = permissionsDecidedByApi(rows).filter(({ consumer, provider }) => [consumer, provider].some((id) => gone.includes(recordName.client(id))));
  const names = orphans.flatMap(({ consumer, provider, name }) => [recordName.permission(consumer, provider), recordName.dependency(consumer, name)]);
  return names.filter((name) => isDecidedByApi(rows, name));
}

function permissionsDecidedByApi(rows: TenantRows): readonly StoredPermission[] {
  return rows
    .names("permission/")
    .flatMap((name) => current<StoredPermission>(rows, name) ?? [])
    .filter(({ origin }) => origin === "api");
}
