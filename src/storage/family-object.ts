import { DurableObject } from "cloudflare:workers";
import type { StateBindings } from "../config.ts";
import { callObject, TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";
import type { Refused } from "./families.ts";
import { FAMILY_CALL_VERSION } from "./families.ts";
import { redeem } from "./family/codes.ts";
import type { EndedSession, EndedSessions, Participant, Revocation, Revoked } from "./family/ending-ask.ts";
import { extend } from "./family/exchange.ts";
import type { Extend, Extended, Refresh } from "./family/exchange-ask.ts";
import { statusOf } from "./family/liveness.ts";
import type { Opened, OpenFamily, Redeem, RedeemedSso, RedeemSso, SignedOn, SignOn } from "./family/login-ask.ts";
import { open, signOn } from "./family/opening.ts";
import { beginProviderRefresh, endProviderRefresh, providerTokens } from "./family/provider-tokens.ts";
import type { BeginProviderRefresh, EndProviderRefresh, ProviderRefreshTurn, ProviderTokensStatus } from "./family/provider-tokens-ask.ts";
import type { Granted } from "./family/record.ts";
import { refresh } from "./family/refresh.ts";
import { endSession, endSessions, revoke } from "./family/revocation.ts";
import type { FamilyRows } from "./family/rows.ts";
import { sqlRows } from "./family/sql-rows.ts";
import { redeemSso } from "./family/sso.ts";
import type { RefusedExchange, Status, StatusQuery, Trace } from "./family/status-ask.ts";
import { noteRefusal, trace } from "./family/trace.ts";
import { fromTold, type Told, toJson } from "./json.ts";
import type { NodeId } from "./lineage.ts";
import { USER_CALL_VERSION } from "./users.ts";

const RETRY_SECONDS = 3600;

/**
 * One token family: the only authority on everything that descends from one authentication. Every method is one
 * synchronous turn over SQLite, by this object's own clock. Never restored to an earlier point in time.
 */
export class FamilyObject extends DurableObject<StateBindings> {
  #rows: FamilyRows;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: StateBindings) {
    super(state, env);
    this.#rows = sqlRows(state.storage.sql);
  }

  open(version: number, ask: OpenFamily): Opened | Refused {
    return this.#turn(version, () => open(this.#rows, this.#now(), ask));
  }

  signOn(version: number, ask: SignOn): SignedOn | Refused {
    return this.#turn(version, () => signOn(this.#rows, this.#now(), ask));
  }

  redeem(version: number, ask: Redeem): Granted | Refused {
    return this.#turn(version, () => redeem(this.#rows, this.#now(), ask));
  }

  refresh(version: number, told: Told<Refresh>): Told<Granted | Refused> {
    return answered(told, (ask) => this.#turn(version, () => refresh(this.#rows, this.#now(), ask)));
  }

  extend(version: number, told: Told<Extend>): Told<Extended | Refused> {
    return answered(told, (ask) => this.#turn(version, () => extend(this.#rows, this.#now(), ask)));
  }

  record(version: number, told: Told<readonly Extend[]>): Told<{ readonly ok: boolean } | Refused> {
    return answered(told, (asks) => this.#turn(version, () => ({ ok: asks.map((ask) => extend(this.#rows, this.#now(), ask)).every(({ ok }) => ok) })));
  }

  status(version: number, told: Told<StatusQuery>): Told<Status | Refused> {
    return answered(told, (query) => this.#look(version, () => statusOf(this.#rows, this.#now(), query)));
  }

  revoke(version: number, ask: Revocation): Revoked | Refused {
    return this.#turn(version, () => revoke(this.#rows, this.#now(), ask));
  }

  // Not `trace`: that is the name of an event handler, which no caller reaches.
  tree(version: number): Trace | Refused {
    return this.#look(version, () => trace(this.#rows, this.#now()));
  }

  noteRefusal(version: number, refusal: Omit<RefusedExchange, "at">): { readonly ok: true } | Refused {
    return this.#turn(version, () => {
      noteRefusal(this.#rows, this.#now(), refusal);
      return { ok: true };
    });
  }

  redeemSso(version: number, ask: RedeemSso): RedeemedSso | Refused {
    return this.#turn(version, () => redeemSso(this.#rows, this.#now(), ask));
  }

  endSession(version: number, session: NodeId, by?: Omit<Participant, "session">): EndedSession | Refused {
    return this.#turn(version, () => endSession(this.#rows, this.#now(), session, by));
  }

  endSessions(version: number): EndedSessions | Refused {
    return this.#turn(version, () => endSessions(this.#rows, this.#now()));
  }

  providerTokens(version: number, query: StatusQuery): ProviderTokensStatus | Refused {
    return this.#turn(version, () => providerTokens(this.#rows, this.#now(), query));
  }

  beginProviderRefresh(version: number, ask: BeginProviderRefresh): ProviderRefreshTurn | Refused {
    return this.#turn(version, () => beginProviderRefresh(this.#rows, this.#now(), ask));
  }

  endProviderRefresh(version: number, ask: EndProviderRefresh): { readonly ok: true } | Refused {
    return this.#turn(version, () => endProviderRefresh(this.#rows, this.#now(), ask));
  }

  /** Empties the object once everything in it has expired; may fire early or twice. */
  override async alarm(): Promise<void> {
    const family = this.#rows.family();
    if (family === undefined) return;
    if (this.#now() < family.closes) return await this.ctx.storage.setAlarm(family.closes * 1000);
    if (family.user !== undefined && !(await this.#leave(family.user))) return await this.ctx.storage.setAlarm((this.#now() + RETRY_SECONDS) * 1000);
    // While the user object was told, something may have been recorded that lives longer.
    const { closes } = this.#rows.family() ?? family;
    if (this.#now() < closes) return await this.ctx.storage.setAlarm(closes * 1000);
    await this.ctx.storage.deleteAll();
    this.#rows = sqlRows(this.ctx.storage.sql);
  }

  async #leave(user: string): Promise<boolean> {
    const { USERS } = this.env;
    try {
      await callObject(
        () => USERS.get(USERS.idFromString(user)),
        async (stub) => await stub.forget(USER_CALL_VERSION, this.ctx.id.toString()),
      );
      return true;
    } catch {
      return false;
    }
  }

  // A question changes nothing, so there is nothing to roll back.
  #look<T>(version: number, read: () => T): T | Refused {
    return version > FAMILY_CALL_VERSION ? TOO_NEW : read();
  }

  // One turn: no await between what is read and what is written, so that the platform keeps all of it or nothing. The alarm
  // is set with the first write.
  #turn<T>(version: number, decide: () => T): T | Refused {
    if (version > FAMILY_CALL_VERSION) return TOO_NEW;
    const known = this.#rows.family() !== undefined;
    try {
      const answer = decide();
      const family = known ? undefined : this.#rows.family();
      if (family !== undefined) void this.ctx.storage.setAlarm(family.closes * 1000);
      return answer;
    } catch (cause) {
      // Nothing of a turn that fails half-way is kept: neither what it wrote nor what this object remembers of it.
      this.ctx.abort(String(cause));
      throw cause;
    }
  }
}

// Whoever asks in JSON is answered in it; who asks with values is of a version before 3, or asks seldom.
function answered<Ask extends object, T extends object>(told: Told<Ask>, answer: (ask: Ask) => T): Told<T> {
  const value = answer(fromTold(told));
  return typeof told === "string" ? toJson(value) : value;
}
