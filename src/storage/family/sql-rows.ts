import { forgetOldest } from "../../protocol/bounded.ts";
import type { NodeId } from "../lineage.ts";
import { type Columns, columnsOf, fromColumn, toColumn, toFamily, toNode } from "./columns.ts";
import type { CodeRow, FamilyRow, FamilyRows, NodeRow, SessionRow } from "./rows.ts";
import { ADD_NODE, PUT_CODE, PUT_FAMILY, PUT_NODE, PUT_REFUSALS, PUT_SESSION, RENEW_NODE, SCHEMA } from "./statements.ts";
import type { RefusedExchange } from "./status-ask.ts";

// How many parents' counts are remembered, nodes, sessions (a family rarely has more than two), and ids that were revoked.
const COUNTS_KEPT = 1000;
const NODES_KEPT = 100;
const SESSIONS_KEPT = 20;
const REVOKED_KEPT = 1000;

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
  const write = (query: string, ...values: SqlStorageValue[]) => {
    if (!written) {
      sql.exec(SCHEMA);
      written = true;
    }
    return sql.exec(query, ...values);
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
  const keepSession = (row: SessionRow): void => {
    sessions.set(row.id, row);
    forgetOldest(sessions, SESSIONS_KEPT);
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
    putFamily: (row) => {
      const { op, tenant, kind, root, closes, user, principal, revoked } = row;
      write(PUT_FAMILY, 1, op, tenant, kind, root, closes, user ?? null, toColumn(principal), revoked ?? null);
      family = row;
    },
    session: (id) => {
      const known = sessions.get(id);
      if (known !== undefined) return known;
      const session = fromColumn<SessionRow>(read("SELECT row FROM sessions WHERE id = ?", id)[0]?.row);
      if (session !== undefined) keepSession(session);
      return session;
    },
    putSession: (row) => {
      write(PUT_SESSION, row.id, toColumn(row));
      keepSession(row);
    },
    code: (id) => fromColumn<CodeRow>(read("SELECT row FROM codes WHERE id = ?", id)[0]?.row),
    putCode: (row) => void write(PUT_CODE, row.id, toColumn(row)),
    node,
    putNode: (row) => {
      write(PUT_NODE, ...columnsOf(row));
      counts.delete(row.parent);
      keep(row);
    },
    addNode: (row) => {
      if (write(ADD_NODE, ...columnsOf(row)).rowsWritten === 0) return node(row.parent, row.id) ?? row;
      const exchanges = counts.get(row.parent);
      if (exchanges !== undefined && row.kind === undefined) counts.set(row.parent, exchanges + 1);
      return keep(row);
    },
    renewNode: (row) => {
      write(RENEW_NODE, row.expires, toColumn(row.leaves), toColumn(row.chain), row.parent, row.id);
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
    sessions: () => read("SELECT row FROM sessions ORDER BY id").flatMap(({ row }) => fromColumn<SessionRow>(row) ?? []),
    revokedNodes: (limit) => read("SELECT id FROM revoked ORDER BY id LIMIT ?", limit).map(({ id }) => String(id)),
    refusals: () => fromColumn<readonly RefusedExchange[]>(read("SELECT row FROM refusals")[0]?.row) ?? [],
    putRefusals: (refusals) => void write(PUT_REFUSALS, 1, toColumn(refusals)),
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
