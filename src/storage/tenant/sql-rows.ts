import { randomId } from "../../protocol/bytes.ts";
import type { HistoryRow, RecordRow, TenantRows } from "./rows.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (k INTEGER PRIMARY KEY CHECK (k = 1), subject_key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bodies (hash TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (name TEXT PRIMARY KEY, hash TEXT, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_version ON records (version);
CREATE TABLE IF NOT EXISTS history (version INTEGER PRIMARY KEY, at INTEGER NOT NULL, operator TEXT NOT NULL, changes TEXT NOT NULL);
`;

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
    names: () => column("SELECT name FROM records WHERE hash IS NOT NULL ORDER BY name"),
    changedSince: (version) => column("SELECT name FROM records WHERE version > ?", version),
    put: ({ name, hash, body }, version) => {
      sql.exec("INSERT OR IGNORE INTO bodies VALUES (?, ?)", hash, body);
      sql.exec("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", name, hash, version);
    },
    remove: (name, version) => void sql.exec("INSERT OR REPLACE INTO records VALUES (?, NULL, ?)", name, version),
    addHistory: (row) => void sql.exec("INSERT INTO history VALUES (?, ?, ?, ?)", row.version, row.at, row.operator, row.changes),
    history: (limit) => sql.exec<HistoryRow & Record<string, SqlStorageValue>>("SELECT * FROM history ORDER BY version DESC LIMIT ?", limit).toArray(),
  };
}
