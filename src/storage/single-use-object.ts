import { DurableObject } from "cloudflare:workers";
import type { StateBindings } from "../config.ts";
import { TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";
import { SINGLE_USE_CALL_VERSION, SINGLE_USE_GRACE_SECONDS } from "./single-use.ts";

/** One shard of one namespace of things that may be used once. */
export class SingleUseObject extends DurableObject<StateBindings> {
  readonly #sql: SqlStorage;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: StateBindings) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec("CREATE TABLE IF NOT EXISTS used (id TEXT PRIMARY KEY, until INTEGER NOT NULL, op TEXT NOT NULL) WITHOUT ROWID");
  }

  /** `first` is true for the first operation that uses this id, and for that operation's own repetition. */
  async use(version: number, id: string, expires: number, op: string): Promise<{ readonly ok: true; readonly first: boolean } | typeof TOO_NEW> {
    if (version > SINGLE_USE_CALL_VERSION) return TOO_NEW;
    const first = this.#insert(id, expires + SINGLE_USE_GRACE_SECONDS, op);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm((expires + SINGLE_USE_GRACE_SECONDS) * 1000);
    return { ok: true, first };
  }

  override async alarm(): Promise<void> {
    this.#sql.exec("DELETE FROM used WHERE until <= ?", this.#now());
    const next = this.#sql.exec<{ until: number | null }>("SELECT min(until) AS until FROM used").one().until;
    if (next !== null) await this.ctx.storage.setAlarm(next * 1000);
  }

  // Check and write are one statement: of any number of callers one inserts the row.
  #insert(id: string, until: number, op: string): boolean {
    const inserted = this.#sql.exec("INSERT INTO used VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id", id, until, op).toArray();
    return inserted.length === 1 || this.#sql.exec("SELECT 1 FROM used WHERE id = ? AND op = ?", id, op).toArray().length === 1;
  }
}
