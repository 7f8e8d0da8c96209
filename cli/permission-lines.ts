import type { PermissionAnswer } from "../src/endpoints/api/contract/permissions.ts";

/** Permissions as lines of a table. */
export function permissionTable(permissions: readonly PermissionAnswer[]): readonly string[] {
  const rows = [["CONSUMER", "PROVIDER", "NAME", "STATUS", "MAY ASK FOR", "BY"], ...permissions.map(rowOf)];
  const widths = rows[0]?.map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** What has become of one permission. */
export function permissionLine(permission: PermissionAnswer): string {
  const { consumer, provider, name, status, cutoff } = permission;
  const ended = status === "withdrawn" && cutoff !== undefined ? `; what was issued until ${new Date(cutoff * 1000).toISOString().replace(".000Z", "Z")} is cut off` : "";
  return `${status}: ${consumer} → ${provider} (${name}), ${contentsOf(permission)}${ended}`;
}

function rowOf(permission: PermissionAnswer): string[] {
  const { consumer, provider, name, status, decidedBy, requestedBy } = permission;
  return [consumer, provider, name, status, contentsOf(permission), decidedBy ?? requestedBy ?? "file"];
}

function contentsOf({ scopes, apis, tokenTypes }: PermissionAnswer): string {
  return [...tokenTypes, ...scopes.map((scope) => `scope ${scope}`), ...apis.map((api) => `api ${api}`)].join(", ");
}
