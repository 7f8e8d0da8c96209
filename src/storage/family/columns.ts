import type { Principal } from "../../tenants/principal.ts";
import type { RootKind } from "../lineage.ts";
import type { Leaf, SsoRecord, TokenRecord } from "./record.ts";
import type { Chain, FamilyRow, NodeRow } from "./rows.ts";

/** A row as SQLite gives it. */
export type Columns = Readonly<Record<string, SqlStorageValue>>;

/** The family of a row as it is read. */
export function toFamily(row: Columns | undefined): FamilyRow | undefined {
  if (row === undefined) return undefined;
  const principal = fromColumn<Principal>(row.principal);
  return {
    op: String(row.op),
    tenant: String(row.tenant),
    kind: row.kind as RootKind,
    root: Number(row.root),
    closes: Number(row.closes),
    ...(row.user === null ? {} : { user: String(row.user) }),
    ...(principal === undefined ? {} : { principal }),
    ...(row.revoked === null ? {} : { revoked: Number(row.revoked) }),
  };
}

/** The values of a node as they are written, in the order of its statements. */
export function columnsOf({ parent, id, client, issued, expires, record, leaves, chain, kind, sso, redeemed }: NodeRow): SqlStorageValue[] {
  return [parent, id, client, issued, expires, toColumn(record), toColumn(leaves), toColumn(chain), kind ?? null, toColumn(sso), redeemed ?? null];
}

/** The node of a row as it is read. */
export function toNode(row: Columns | undefined): NodeRow | undefined {
  const record = fromColumn<TokenRecord>(row?.record);
  if (row === undefined || record === undefined) return undefined;
  const chain = fromColumn<Chain>(row.chain);
  const sso = fromColumn<SsoRecord>(row.sso);
  return {
    parent: String(row.parent),
    id: String(row.id),
    client: String(row.client),
    issued: Number(row.issued),
    expires: Number(row.expires),
    record,
    leaves: fromColumn<readonly Leaf[]>(row.leaves) ?? [],
    ...(chain === undefined ? {} : { chain }),
    ...(row.kind === "leaf" ? { kind: "leaf" } : {}),
    ...(sso === undefined ? {} : { sso }),
    ...(typeof row.redeemed === "string" ? { redeemed: row.redeemed } : {}),
  };
}

/** The text of a column; NULL for what is not there. */
export function toColumn(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** The value of a column. What stands in it was written by the functions here and by nothing else. */
export function fromColumn<T>(value: SqlStorageValue | undefined): T | undefined {
  return typeof value === "string" ? (JSON.parse(value) as T) : undefined;
}
