import { randomId } from "../../protocol/bytes.ts";

/** A record that is current: its content hash, its body, and the version that it came with. */
export interface RecordRow {
  readonly name: string;
  readonly hash: string;
  readonly body: string;
}

/** What one application did: who, when, what. */
export interface HistoryRow {
  readonly version: number;
  readonly at: number;
  readonly operator: string;
  readonly changes: string;
}

/** The rows of one tenant's configuration. Synchronous: an application is one turn. */
export interface TenantRows {
  version(): number;
  subjectKey(): string;
  record(name: string): RecordRow | undefined;
  /** The hash of a record; undefined where there is none. */
  hash(name: string): string | undefined;
  /** In order; those that begin so. */
  names(prefix?: string): readonly string[];
  /** Names changed after a version, deleted ones too; so many at most. */
  changedSince(version: number, limit: number): readonly string[];
  put(row: RecordRow, version: number): void;
  remove(name: string, version: number): void;
  addHistory(row: HistoryRow): void;
  history(limit: number): readonly HistoryRow[];
}

/** The record of this name, as it is now. */
export function current<T>(rows: TenantRows, name: string): T | undefined {
  const row = rows.record(name);
  // We wrote it, so it has the shape that we gave it.
  return row === undefined ? undefined : (JSON.parse(row.body) as T);
}

/** The memory twin of a tenant's rows. */
export function memoryTenantRows(): TenantRows {
  const records = new Map<string, RecordRow & { readonly version: number }>();
  const removed = new Map<string, number>();
  const history: HistoryRow[] = [];
  const subjectKey = randomId(32);
  return {
    version: () => history.at(-1)?.version ?? 0,
    subjectKey: () => subjectKey,
    record: (name) => {
      const { version: _version, ...row } = records.get(name) ?? { version: 0, name: "" };
      return "hash" in row ? row : undefined;
    },
    hash: (name) => records.get(name)?.hash,
    names: (prefix = "") => [...records.keys()].filter((name) => name.startsWith(prefix)).toSorted(),
    changedSince: (version, limit) =>
      [...[...records.values()].filter((row) => row.version > version).map((row) => row.name), ...[...removed].filter(([, at]) => at > version).map(([name]) => name)].slice(
        0,
        limit,
      ),
    put: (row, version) => {
      removed.delete(row.name);
      records.set(row.name, { ...row, version });
    },
    remove: (name, version) => {
      records.delete(name);
      removed.set(name, version);
    },
    addHistory: (row) => void history.push(row),
    history: (limit) => history.slice(-limit).toReversed(),
  };
}
