import { randomId } from "../../protocol/bytes.ts";
import type { HistoryRow, RecordRow, TenantRows } from "./rows.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (k INTEGER PRIMARY KEY CHECK (k = 1), subject_key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bodies (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (name TEXT PRIMARY KEY, hash TEXT, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_version ON records (version);
CREATE TABLE IF NOT EXISTS history (version INTEGER PRIMARY KEY, at INTEGER NOT NULL, operator TEXT NOT NULL, changes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history_more (version INTEGER, part INTEGER, changes TEXT NOT NULL, PRIMARY KEY (version, part)) WITHOUT ROWID;
`;

// No row may be longer than two million bytes; what a large file changed takes several. A character is four bytes at most.
const PIECES = /.{1,400000}/gsu;

/** The rows of one tenant in the SQLite database of its Durable Object. A deleted record keeps its name, without a hash. */
export function sqlTenantRows(sql: SqlStorage): TenantRows {
  sql.exec(SCHEMA);
  const column = (query: string, ...values: SqlStorageValue[]): string[] => [...sql.exec(query, ...values).raw()].map(([value]) => String(value));
  return {
    version: () => Number(column("SELECT coalesce(max(version), 0) FROM history")[0]),
    subjectKey: () => {
      sql.exec("INSERT OR IGNORE INTO meta VALUES (1, ?)", randomId(32));
      return column("SELECT subject_key FROM meta")[0] ?? "";
    },
    record: (name) => sql.exec<RecordRow & Record<string, SqlStorageValue>>("SELECT name, hash, body FROM records JOIN bodies USING (hash) WHERE name = ?", name).toArray()[0],
    hash: (name) => column("SELECT hash FROM records WHERE name = ? AND hash IS NOT NULL", name)[0],
    names: (prefix = "") =>
      prefix === ""
        ? column("SELECT name FROM records WHERE hash IS NOT NULL ORDER BY name")
        : column("SELECT name FROM records WHERE name >= ? AND name < ? AND hash IS NOT NULL ORDER BY name", prefix, after(prefix)),
    changedSince: (version, limit) => column("SELECT name FROM records WHERE version > ? LIMIT ?", version, limit),
    put: ({ name, hash, body }, version) => {
      sql.exec("INSERT OR IGNORE INTO bodies VALUES (?, ?)", hash, body);
      sql.exec("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", name, hash, version);
    },
    remove: (name, version) => void sql.exec("INSERT OR REPLACE INTO records VALUES (?, NULL, ?)", name, version),
    addHistory: ({ version, at, operator, changes }) => {
      const [first = "", ...more] = changes.match(PIECES) ?? [];
      sql.exec("INSERT INTO history VALUES (?, ?, ?, ?)", version, at, operator, first);
      for (const [part, piece] of more.entries()) sql.exec("INSERT INTO history_more VALUES (?, ?, ?)", version, part, piece);
    },
    history: (limit) => {
      const rows = sql.exec<HistoryRow & Record<string, SqlStorageValue>>("SELECT * FROM history ORDER BY version DESC LIMIT ?", limit).toArray();
      return rows.map(({ changes, ...row }) => ({
        ...row,
        changes: [changes, ...column("SELECT changes FROM history_more WHERE version = ? ORDER BY part", row.version)].join(""),
      }));
    },
  };
}

// The first text after all that begin so. A prefix ends in a separator, which is ASCII.
function after(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}
