/** The tables of a family. Only ever added to: an older version of the Worker must be able to read what a newer one wrote. */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS family (k INTEGER PRIMARY KEY CHECK (k = 1), op TEXT, tenant TEXT, kind TEXT, root INTEGER, closes INTEGER, user TEXT, principal TEXT, revoked INTEGER);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes (parent TEXT, id TEXT, client TEXT, issued INTEGER, expires INTEGER, record TEXT, leaves TEXT, chain TEXT, kind TEXT, sso TEXT, redeemed TEXT, PRIMARY KEY (parent, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refusals (k INTEGER PRIMARY KEY CHECK (k = 1), row TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revoked (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
`;

// In this order `columnsOf` gives the values.
const NODE = ["parent", "id", "client", "issued", "expires", "record", "leaves", "chain", "kind", "sso", "redeemed"];
/** Writes the family. Column by column: what a newer version has added to a row stays as it is, here and below. */
export const PUT_FAMILY = upsert("family", ["k"], ["op", "tenant", "kind", "root", "closes", "user", "principal", "revoked"]);
/** Writes a session. */
export const PUT_SESSION = upsert("sessions", ["id"], ["row"]);
/** Writes a code. */
export const PUT_CODE = upsert("codes", ["id"], ["row"]);
/** Writes the last refusals. */
export const PUT_REFUSALS = upsert("refusals", ["k"], ["row"]);
/** Writes a node. */
export const PUT_NODE = upsert("nodes", ["parent", "id"], NODE.slice(2));
/** Writes a node unless it stands there. */
export const ADD_NODE = `INSERT INTO nodes (${NODE.join()}) VALUES (${NODE.map(() => "?").join()}) ON CONFLICT DO NOTHING`;
/** Writes what a refresh changes of a node. */
export const RENEW_NODE = "UPDATE nodes SET expires = ?, leaves = ?, chain = ? WHERE parent = ? AND id = ?";

function upsert(table: string, key: readonly string[], columns: readonly string[]): string {
  const all = [...key, ...columns];
  const changes = columns.map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${table} (${all.join()}) VALUES (${all.map(() => "?").join()}) ON CONFLICT DO UPDATE SET ${changes.join()}`;
}
