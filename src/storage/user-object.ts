import { DurableObject } from "cloudflare:workers";
import type { StateBindings } from "../config.ts";
import { callObject, TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";
import { FAMILY_CALL_VERSION } from "./families.ts";
import type { Participant } from "./family/ending-ask.ts";
import type { FamilyObject } from "./family-object.ts";
import type { FamilyId } from "./lineage.ts";
import { FAMILY_LIFE_SECONDS, type LoggedIn, type LoggedOut, type ProviderLogout, type ProviderSessionLogin, type Registered, USER_CALL_VERSION } from "./users.ts";

// An object is a user's, or that of a session at an IdP: the second has `logins`, the first all the rest. Only ever added to.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS cutoff (k INTEGER PRIMARY KEY CHECK (k = 1), at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS families (id TEXT PRIMARY KEY, until INTEGER NOT NULL, revoke INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logins (family TEXT PRIMARY KEY, sub TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logouts (id TEXT PRIMARY KEY, sub TEXT, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (family TEXT, act TEXT, PRIMARY KEY (family, act)) WITHOUT ROWID;
`;
const RETRY_SECONDS = 5;
const PARTICIPANTS_NAMED = 200;

/** What is still to be done to a family, besides its revocation: its sessions end, or the grants of a client. */
type Act = { readonly kind: "sessions" } | { readonly kind: "client"; readonly client: string };

/** What was reached. `all`: every family has answered; else the alarm goes on. */
interface Reached {
  readonly ok: true;
  readonly all: boolean;
  readonly participants: readonly LoggedIn[];
}

type Stub = DurableObjectStub<FamilyObject>;

/** One user: the cutoff, and the families that may still hold live tokens. Or one session at an IdP: the logins that came of it. */
export class UserObject extends DurableObject<StateBindings> {
  readonly #sql: SqlStorage;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: StateBindings) {
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

  /** Registers a login with this session at the IdP, and answers whether the IdP has ended it, in one turn. */
  async registerSession(version: number, login: ProviderSessionLogin): Promise<{ readonly ok: true; readonly ended: boolean } | typeof TOO_NEW> {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    const until = this.#now() + login.lifetime;
    this.#sql.exec("INSERT INTO logins VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)", login.family, login.sub, until);
    const ended = this.#sql.exec("SELECT 1 FROM logouts WHERE sub IS NULL OR sub = ?", login.sub).toArray().length > 0;
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(until * 1000);
    return { ok: true, ended };
  }

  /** A family has been emptied. */
  forget(version: number, family: FamilyId): { readonly ok: true } | typeof TOO_NEW {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    this.#sql.exec("DELETE FROM families WHERE id = ?", family);
    return { ok: true };
  }

  /** Sets the cutoff first, then revokes every family. */
  async revoke(version: number): Promise<Reached | typeof TOO_NEW> {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("INSERT INTO cutoff (k, at) VALUES (1, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", this.#now());
      this.#sql.exec("UPDATE families SET revoke = 1");
    });
    return await this.#begin();
  }

  /** Revokes every grant of a client in every family. */
  async revokeClient(version: number, client: string): Promise<Reached | typeof TOO_NEW> {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    const act: Act = { kind: "client", client };
    this.#sql.exec("INSERT OR IGNORE INTO pending SELECT id, ? FROM families", JSON.stringify(act));
    return await this.#begin();
  }

  /** Ends the login sessions, once for each word of the IdP: whether it is the first time is decided in the turn that writes it down. */
  async endSessions(version: number, { id, expires, sub = null }: Omit<ProviderLogout, "sub"> & { readonly sub?: string | null }): Promise<(Reached & LoggedOut) | typeof TOO_NEW> {
    if (version > USER_CALL_VERSION) return TOO_NEW;
    const act: Act = { kind: "sessions" };
    const isFirst = this.ctx.storage.transactionSync(() => {
      const inserted = this.#sql.exec("INSERT INTO logouts VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING id", id, sub, expires).toArray().length === 1;
      const families = "SELECT id AS family FROM families UNION SELECT family FROM logins WHERE ?2 IS NULL OR sub = ?2";
      if (inserted) this.#sql.exec(`INSERT OR IGNORE INTO pending SELECT family, ?1 FROM (${families})`, JSON.stringify(act), sub);
      return inserted;
    });
    // Said again while it is not done: that is not another time.
    if (!isFirst && this.#pending().length === 0) return { ok: true, all: true, isFirst, participants: [] };
    return { ...(await this.#begin()), isFirst: true };
  }

  override async alarm(): Promise<void> {
    const { all } = await this.#carryOut();
    const now = this.#now();
    this.#sql.exec("DELETE FROM logins WHERE until <= ?", now);
    this.#sql.exec("DELETE FROM logouts WHERE until <= ?", now);
    const { next } = this.#sql.exec<{ next: number | null }>("SELECT min(until) AS next FROM (SELECT until FROM logins UNION ALL SELECT until FROM logouts)").one();
    if (!all) await this.ctx.storage.setAlarm((now + RETRY_SECONDS) * 1000);
    else if (next !== null) await this.ctx.storage.setAlarm(next * 1000);
  }

  // The alarm is set before anything is tried: a crash in between is made good.
  async #begin(): Promise<Reached> {
    await this.ctx.storage.setAlarm((this.#now() + RETRY_SECONDS) * 1000);
    return { ok: true, ...(await this.#carryOut()) };
  }

  async #carryOut(): Promise<Omit<Reached, "ok">> {
    const revoked = this.#sql.exec<{ id: FamilyId }>("SELECT id FROM families WHERE revoke = 1").toArray();
    const tasks = [...revoked.map(({ id }) => this.#revokeFamily(id)), ...this.#pending().map(({ family, act }) => this.#act(family, act))];
    const outcomes = await Promise.allSettled(tasks);
    const participants = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
    return { all: outcomes.every(({ status }) => status === "fulfilled"), participants: participants.slice(0, PARTICIPANTS_NAMED) };
  }

  async #revokeFamily(id: FamilyId): Promise<readonly LoggedIn[]> {
    await this.#ask(id, async (stub) => await stub.revoke(FAMILY_CALL_VERSION, { kind: "family" }));
    // It is dead; this only says who was logged in.
    const { participants } = await this.#ask(id, async (stub) => await stub.endSessions(FAMILY_CALL_VERSION));
    this.#sql.exec("DELETE FROM families WHERE id = ?", id);
    return loggedIn(id, participants);
  }

  async #act(family: FamilyId, act: string): Promise<readonly LoggedIn[]> {
    const { kind, ...rest } = JSON.parse(act) as Act;
    let participants: readonly Participant[] = [];
    if (kind === "sessions") ({ participants } = await this.#ask(family, async (stub) => await stub.endSessions(FAMILY_CALL_VERSION)));
    else await this.#ask(family, async (stub) => await stub.revoke(FAMILY_CALL_VERSION, { kind, ...(rest as { readonly client: string }) }));
    this.#sql.exec("DELETE FROM pending WHERE family = ? AND act = ?", family, act);
    return loggedIn(family, participants);
  }

  async #ask<T extends { readonly ok: boolean }>(id: FamilyId, ask: (stub: Stub) => Promise<T>): Promise<Extract<T, { readonly ok: true }>> {
    const { FAMILIES } = this.env;
    const answer = await callObject(() => FAMILIES.get(FAMILIES.idFromString(id)) as Stub, ask);
    if (!(answer as T).ok) throw new Error("a family refused");
    return answer as unknown as Extract<T, { readonly ok: true }>;
  }

  #pending(): readonly { readonly family: FamilyId; readonly act: string }[] {
    return this.#sql.exec<{ family: FamilyId; act: string }>("SELECT family, act FROM pending").toArray();
  }

  #cutoff(): number | undefined {
    return this.#sql.exec<{ at: number }>("SELECT at FROM cutoff").toArray()[0]?.at;
  }
}

function loggedIn(family: FamilyId, participants: readonly Participant[]): readonly LoggedIn[] {
  return participants.map((participant) => ({ family, ...participant }));
}
