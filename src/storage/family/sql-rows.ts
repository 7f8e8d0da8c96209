import { forgetOldest } from "../../protocol/bounded.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, RootKind } from "../lineage.ts";
import type { Leaf, SsoRecord, TokenRecord } from "./record.ts";
import type { Chain, CodeRow, FamilyRow, FamilyRows, NodeRow, SessionRow } from "./rows.ts";
import type { RefusedExchange } from "./status-ask.ts";

// Only ever added to: an older version of the Worker must be able to read what a newer one wrote.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS family (k INTEGER PRIMARY KEY CHECK (k = 1), op TEXT, tenant TEXT, kind TEXT, root INTEGER, closes INTEGER, user TEXT, principal TEXT, revoked INTEGER);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (parent TEXT, id TEXT, client TEXT, issued INTEGER, expires INTEGER, record TEXT, leaves TEXT, chain TEXT, kind TEXT, sso TEXT, redeemed TEXT, PRIMARY KEY (parent, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (k INTEGER PRIMARY KEY CHECK (k = 1), row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revoked (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
`;

// How many parents' counts are remembered, nodes, sessions (a family rarely has more than two), and ids that were revoked.
const COUNTS_KEPT = 1000;
const NODES_KEPT = 100;
const SESSIONS_KEPT = 20;
const REVOKED_KEPT = 1000;

const NODE = ["parent", "id", "client", "issued", "expires", "record", "leaves", "chain", "kind", "sso", "redeemed"];
// By name and column by column: what a newer version has added to a row stays as it is.
const PUT_FAMILY = upsert("family", ["k"], ["op", "tenant", "kind", "root", "closes", "user", "principal", "revoked"]);
const PUT_SESSION = upsert("sessions", ["id"], ["row"]);
const PUT_CODE = upsert("codes", ["id"], ["row"]);
const PUT_REFUSALS = upsert("refusals", ["k"], ["row"]);
const PUT_NODE = upsert("nodes", ["parent", "id"], NODE.slice(2));
const ADD_NODE = `INSERT INTO nodes (${NODE.join()}) VALUES (${NODE.map(() => "?").join()}) ON CONFLICT DO NOTHING`;
const RENEW_NODE = "UPDATE nodes SET expires = ?, leaves = ?, chain = ? WHERE parent = ? AND id = ?";

type Columns = Record<string, SqlStorageValue>;

/**
 * The rows of one family in the SQLite database of its Durable Object. Reading an object that was never written stores
 * nothing: the schema comes with the first write. The family's own row, which every rule looks at, its sessions, the last
 * nodes, what was revoked, and the counts of exchanges are remembered: nobody else writes this database, and of a write
 * that failed nothing is left, these rows included.
 */
export function sqlRows(sql: SqlStorage): FamilyRows {
  let written = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'family'").toArray().length > 0;
  // An object that an older version wrote gets the tables that came since.
  if (written) sql.exec(SCHEMA);
  let family: FamilyRow | undefined;
  const counts = new Map<NodeId, number>();
  const nodes = new Map<string, NodeRow>();
  const sessions = new Map<NodeId, SessionRow>();
  // All of them, as far as they are few.
  let revoked: Set<NodeId> | undefined;
  const read = (query: string, ...values: SqlStorageValue[]): Columns[] => (written ? sql.exec(query, ...values).toArray() : []);
  // How many rows were written.
  const write = (query: string, ...values: SqlStorageValue[]): number => {
    if (!written) {
      sql.exec(SCHEMA);
      written = true;
    }
    return sql.exec(query, ...values).rowsWritten;
  };
  const keep = (row: NodeRow): NodeRow => {
    const key = `${row.parent}/${row.id}`;
    nodes.delete(key);
    nodes.set(key, row);
    forgetOldest(nodes, NODES_KEPT);
    return row;
  };
  const node = (parent: NodeId, id: NodeId): NodeRow | undefined => {
    const known = nodes.get(`${parent}/${id}`);
    if (known !== undefined) return known;
    const row = toNode(read("SELECT * FROM nodes WHERE parent = ? AND id = ?", parent, id)[0]);
    return row === undefined ? undefined : keep(row);
  };
  const count = (parent: NodeId, exchanges: number): void => {
    counts.set(parent, exchanges);
    forgetOldest(counts, COUNTS_KEPT);
  };
  return {
    family: () => {
      family ??= toFamily(read("SELECT * FROM family")[0]);
      return family;
    },
    putFamily: ({ op, tenant, kind, root, closes, user = null, principal, revoked = null }) => {
      write(PUT_FAMILY, 1, op, tenant, kind, root, closes, user, toJson(principal), revoked);
      family = undefined;
    },
    session: (id) => {
      const session = sessions.get(id) ?? fromJson<SessionRow>(read("SELECT row FROM sessions WHERE id = ?", id)[0]?.row);
      if (sessions.size >= SESSIONS_KEPT) sessions.clear();
      if (session !== undefined) sessions.set(id, session);
      return session;
    },
    putSession: (row) => {
      write(PUT_SESSION, row.id, toJson(row));
      sessions.delete(row.id);
    },
    code: (id) => fromJson<CodeRow>(read("SELECT row FROM codes WHERE id = ?", id)[0]?.row),
    putCode: (row) => void write(PUT_CODE, row.id, toJson(row)),
    node,
    putNode: (row) => {
      write(PUT_NODE, ...columnsOf(row));
      counts.delete(row.parent);
      keep(row);
    },
    addNode: (row) => {
      if (write(ADD_NODE, ...columnsOf(row)) === 0) return node(row.parent, row.id) ?? row;
      const exchanges = counts.get(row.parent);
      if (exchanges !== undefined && row.kind === undefined) counts.set(row.parent, exchanges + 1);
      return keep(row);
    },
    renewNode: (row) => {
      write(RENEW_NODE, row.expires, toJson(row.leaves), toJson(row.chain), row.parent, row.id);
      keep(row);
    },
    addLeaves: (leaves) => {
      for (const { id } of leaves) count(id, 0);
    },
    children: (parent, limit) => read("SELECT * FROM nodes WHERE parent = ? ORDER BY id LIMIT ?", parent, limit).flatMap((row) => toNode(row) ?? []),
    exchanges: (parent, limit) => {
      const known = counts.get(parent);
      if (known !== undefined) return Math.min(known, limit);
      // The limit stands in the text: a statement whose LIMIT is bound is prepared anew each time.
      const found = Number(read(`SELECT count(*) AS n FROM (SELECT 1 FROM nodes WHERE parent = ? AND kind IS NULL LIMIT ${Math.trunc(limit)})`, parent)[0]?.n ?? 0);
      // What reached the limit may be more.
      if (found < limit) count(parent, found);
      return found;
    },
    nodesOf: (client) => read("SELECT * FROM nodes WHERE client = ? ORDER BY issued, id", client).flatMap((row) => toNode(row) ?? []),
    nodes: (limit) => read("SELECT * FROM nodes ORDER BY issued, id LIMIT ?", limit).flatMap((row) => toNode(row) ?? []),
    sessions: () => read("SELECT row FROM sessions ORDER BY id").flatMap(({ row }) => fromJson<SessionRow>(row) ?? []),
    revokedNodes: (limit) => read("SELECT id FROM revoked ORDER BY id LIMIT ?", limit).map(({ id }) => String(id)),
    refusals: () => fromJson<readonly RefusedExchange[]>(read("SELECT row FROM refusals")[0]?.row) ?? [],
    putRefusals: (refusals) => void write(PUT_REFUSALS, 1, toJson(refusals)),
    anyRevoked: (ids) => {
      revoked ??= new Set(read(`SELECT id FROM revoked LIMIT ${REVOKED_KEPT + 1}`).map(({ id }) => String(id)));
      if (revoked.size <= REVOKED_KEPT) return ids.some((id) => revoked?.has(id));
      return ids.length > 0 && read(`SELECT 1 FROM revoked WHERE id IN (${ids.map(() => "?").join()}) LIMIT 1`, ...ids).length > 0;
    },
    revoke: (id, at) => {
      write("INSERT INTO revoked (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING", id, at);
      revoked?.add(id);
    },
  };
}

function toFamily(row: Columns | undefined): FamilyRow | undefined {
  if (row === undefined) return undefined;
  const principal = fromJson<Principal>(row.principal);
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

function upsert(table: string, key: readonly string[], columns: readonly string[]): string {
  const all = [...key, ...columns];
  const changes = columns.map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${table} (${all.join()}) VALUES (${all.map(() => "?").join()}) ON CONFLICT DO UPDATE SET ${changes.join()}`;
}

// In the order of NODE.
function columnsOf({ parent, id, client, issued, expires, record, leaves, chain, kind, sso, redeemed }: NodeRow): SqlStorageValue[] {
  return [parent, id, client, issued, expires, toJson(record), toJson(leaves), toJson(chain), kind ?? null, toJson(sso), redeemed ?? null];
}

function toNode(row: Columns | undefined): NodeRow | undefined {
  const record = fromJson<TokenRecord>(row?.record);
  if (row === undefined || record === undefined) return undefined;
  const chain = fromJson<Chain>(row.chain);
  const sso = fromJson<SsoRecord>(row.sso);
  return {
    parent: String(row.parent),
    id: String(row.id),
    client: String(row.client),
    issued: Number(row.issued),
    expires: Number(row.expires),
    record,
    leaves: fromJson<readonly Leaf[]>(row.leaves) ?? [],
    ...(chain === undefined ? {} : { chain }),
    ...(row.kind === "leaf" ? { kind: "leaf" } : {}),
    ...(sso === undefined ? {} : { sso }),
    ...(typeof row.redeemed === "string" ? { redeemed: row.redeemed } : {}),
  };
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

// What stands in these columns was written by the functions above and by nothing else.
function fromJson<T>(value: SqlStorageValue | undefined): T | undefined {
  return typeof value === "string" ? (JSON.parse(value) as T) : undefined;
}
