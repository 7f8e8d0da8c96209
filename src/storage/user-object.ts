import { DurableObject } from "cloudflare:workers";
import type { Bindings } from "../config.ts";
import { callObject, TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";
import { FAMILY_CALL_VERSION } from "./families.ts";
import type { FamilyId } from "./lineage.ts";
import { FAMILY_LIFE_SECONDS, type Registered, USER_CALL_VERSION } from "./users.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS cutoff (k INTEGER PRIMARY KEY CHECK (k = 1), at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS families (id TEXT PRIMARY KEY, until INTEGER NOT NULL, revoke INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
`;
const RETRY_SECONDS = 5;

/** One user: the cutoff, and the families that may still hold live tokens. */
export class UserObject extends DurableObject<Bindings> {
  readonly #sql: SqlStorage;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /** Registers a family and answers the cutoff, in one turn. The same family again changes nothing. */
  register(version: number, family: FamilyId): Registered | typeof TOO_NEW {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    const now = this.#now();
    this.#sql.exec("DELETE FROM families WHERE until < ? AND revoke = 0", now);
    this.#sql.exec("INSERT OR IGNORE INTO families (id, until) VALUES (?, ?)", family, now + FAMILY_LIFE_SECONDS);
    const cutoff = this.#cutoff();
    return { ok: true, id: this.ctx.id.toString(), ...(cutoff === undefined ? {} : { cutoff }) };
  }

  /** A family has been emptied. */
  forget(version: number, family: FamilyId): { readonly ok: true } | typeof TOO_NEW {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    this.#sql.exec("DELETE FROM families WHERE id = ?", family);
    return { ok: true };
  }

  /** Sets the cutoff first, then revokes every family. `all`: every one has answered; else the alarm goes on. */
  async revoke(version: number): Promise<{ readonly ok: true; readonly all: boolean } | typeof TOO_NEW> {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("INSERT INTO cutoff (k, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", this.#now());
      this.#sql.exec("UPDATE families SET revoke = 1");
    });
    await this.ctx.storage.setAlarm((this.#now() + RETRY_SECONDS) * 1000);
    return { ok: true, all: await this.#carryOut() };
  }

  override async alarm(): Promise<void> {
    if (!(await this.#carryOut())) await this.ctx.storage.setAlarm((this.#now() + RETRY_SECONDS) * 1000);
  }

  async #carryOut(): Promise<boolean> {
    const families = this.#sql.exec<{ id: FamilyId }>("SELECT id FROM families WHERE revoke = 1").toArray();
    const outcomes = await Promise.allSettled(families.map(({ id }) => this.#revokeFamily(id)));
    return outcomes.every((outcome) => outcome.status === "fulfilled");
  }

  async #revokeFamily(id: FamilyId): Promise<void> {
    const { FAMILIES } = this.env;
    const answer = await callObject(
      () => FAMILIES.get(FAMILIES.idFromString(id)),
      async (stub) => await stub.revoke(FAMILY_CALL_VERSION, { kind: "family" }),
    );
    if (!answer.ok) throw new Error("a family refused");
    this.#sql.exec("DELETE FROM families WHERE id = ?", id);
  }

  #cutoff(): number | undefined {
    return this.#sql.exec<{ at: number }>("SELECT at FROM cutoff").toArray()[0]?.at;
  }
}
