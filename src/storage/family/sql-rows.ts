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

// How many parents' counts are remembered, sessions (a family rarely has more than two), and ids that were revoked.
const COUNTS_KEPT = 1000;
const SESSIONS_KEPT = 20;
const REVOKED_KEPT = 1000;

type Columns = Record<string, SqlStorageValue>;

/**
 * The rows of one family in the SQLite database of its Durable Object. Reading an object that was never written stores
 * nothing: the schema comes with the first write. The family's own row, which every rule looks at, its sessions,
 * what was revoked, and the counts of exchanges are remembered: nobody else writes this database, and whoever
 * rolls it back makes these rows anew.
 */
export function sqlRows(sql: SqlStorage): FamilyRows {
  let written = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'family'").toArray().length > 0;
  // An object that an older version wrote gets the tables that came since.
  if (written) sql.exec(SCHEMA);
  let family: FamilyRow | undefined;
  const counts = new Map<NodeId, number>();
  const sessions = new Map<NodeId, SessionRow>();
  // All of them, as far as they are few.
  let revoked: Set<NodeId> | undefined;
  const read = (query: string, ...values: SqlStorageValue[]): Columns[] => (written ? sql.exec(query, ...values).toArray() : []);
  const write = (query: string, ...values: SqlStorageValue[]): void => {
    if (!written) {
      sql.exec(SCHEMA);
      written = true;
    }
    sql.exec(query, ...values);
  };
  // By name and column by column: what a newer version has added to a row stays as it is.
  const put = (table: string, key: readonly string[], row: Readonly<Record<string, SqlStorageValue>>): void => {
    const names = Object.keys(row);
    const changes = names.filter((name) => !key.includes(name)).map((name) => `${name} = excluded.${name}`);
    write(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => "?").join()}) ON CONFLICT DO UPDATE SET ${changes.join()}`, ...Object.values(row));
  };
  return {
    family: () => {
      family ??= toFamily(read("SELECT * FROM family")[0]);
      return family;
    },
    putFamily: ({ op, tenant, kind, root, closes, user = null, principal, revoked = null }) => {
      put("family", ["k"], { k: 1, op, tenant, kind, root, closes, user, principal: toJson(principal), revoked });
      family = undefined;
    },
    session: (id) => {
      const session = sessions.get(id) ?? fromJson<SessionRow>(read("SELECT row FROM sessions WHERE id = ?", id)[0]?.row);
      if (sessions.size >= SESSIONS_KEPT) sessions.clear();
      if (session !== undefined) sessions.set(id, session);
      return session;
    },
    putSession: (row) => {
      put("sessions", ["id"], { id: row.id, row: toJson(row) });
      sessions.delete(row.id);
    },
    code: (id) => fromJson<CodeRow>(read("SELECT row FROM codes WHERE id = ?", id)[0]?.row),
    putCode: (row) => put("codes", ["id"], { id: row.id, row: toJson(row) }),
    node: (parent, id) => toNode(read("SELECT * FROM nodes WHERE parent = ? AND id = ?", parent, id)[0]),
    putNode: (row) => {
      put("nodes", ["parent", "id"], fromNode(row));
      counts.delete(row.parent);
    },
    addNode: (row) => {
      put("nodes", ["parent", "id"], fromNode(row));
      const count = counts.get(row.parent);
      if (count !== undefined && row.kind === undefined) counts.set(row.parent, count + 1);
    },
    children: (parent, limit) => read("SELECT * FROM nodes WHERE parent = ? ORDER BY id LIMIT ?", parent, limit).flatMap((row) => toNode(row) ?? []),
    exchanges: (parent, limit) => {
      const known = counts.get(parent);
      if (known !== undefined) return Math.min(known, limit);
      // The limit stands in the text: a statement whose LIMIT is bound is prepared anew each time.
      const count = Number(read(`SELECT count(*) AS n FROM (SELECT 1 FROM nodes WHERE parent = ? AND kind IS NULL LIMIT ${Math.trunc(limit)})`, parent)[0]?.n ?? 0);
      if (counts.size >= COUNTS_KEPT) counts.clear();
      // What reached the limit may be more.
      if (count < limit) counts.set(parent, count);
      return count;
    },
    nodesOf: (client) => read("SELECT * FROM nodes WHERE client = ? ORDER BY issued, id", client).flatMap((row) => toNode(row) ?? []),
    nodes: (limit) => read("SELECT * FROM nodes ORDER BY issued, id LIMIT ?", limit).flatMap((row) => toNode(row) ?? []),
    sessions: () => read("SELECT row FROM sessions ORDER BY id").flatMap(({ row }) => fromJson<SessionRow>(row) ?? []),
    revokedNodes: (limit) => read("SELECT id FROM revoked ORDER BY id LIMIT ?", limit).map(({ id }) => String(id)),
    refusals: () => fromJson<readonly RefusedExchange[]>(read("SELECT row FROM refusals")[0]?.row) ?? [],
    putRefusals: (refusals) => put("refusals", ["k"], { k: 1, row: toJson(refusals) }),
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

function fromNode({ record, leaves, chain, kind, sso, redeemed, ...row }: NodeRow): Readonly<Record<string, SqlStorageValue>> {
  return { ...row, record: toJson(record), leaves: toJson(leaves), chain: toJson(chain), kind: kind ?? null, sso: toJson(sso), redeemed: redeemed ?? null };
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
