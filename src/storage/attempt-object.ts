import { DurableObject } from "cloudflare:workers";
import type { StateBindings } from "../config.ts";
import { ATTEMPT_CALL_VERSION, type LockPolicy } from "./attempts.ts";
import { TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";

const SCHEMA = "CREATE TABLE IF NOT EXISTS attempts (id TEXT PRIMARY KEY, failures INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID";

/** Failed client authentications from some addresses: how many, and until when each is remembered. */
export class AttemptObject extends DurableObject<StateBindings> {
  readonly #sql: SqlStorage;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: StateBindings) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /** Counts a failure; `until`: it is locked until then, once there were too many. A failure while it is locked changes nothing. */
  async fail(version: number, id: string, { failures, seconds }: LockPolicy): Promise<{ readonly ok: true; readonly until?: number } | typeof TOO_NEW> {
    if (version > ATTEMPT_CALL_VERSION) return TOO_NEW;
    const until = this.#count(id, failures, seconds);
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm((this.#now() + seconds) * 1000);
    return { ok: true, ...(until === undefined ? {} : { until }) };
  }

  override async alarm(): Promise<void> {
    this.#sql.exec("DELETE FROM attempts WHERE until <= ?", this.#now());
    const next = this.#sql.exec<{ until: number | null }>("SELECT min(until) AS until FROM attempts").one().until;
    if (next !== null) await this.ctx.storage.setAlarm(next * 1000);
  }

  // One turn: what is read is what is counted.
  #count(id: string, limit: number, seconds: number): number | undefined {
    const now = this.#now();
    const known = this.#sql.exec<{ failures: number; until: number }>("SELECT failures, until FROM attempts WHERE id = ? AND until > ?", id, now).toArray()[0];
    if (known !== undefined && known.failures >= limit) return known.until;
    const failures = (known?.failures ?? 0) + 1;
    this.#sql.exec("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", id, failures, now + seconds);
    return failures >= limit ? now + seconds : undefined;
  }
}
