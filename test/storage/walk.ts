import type { Families } from "../../src/storage/families.ts";
import type { NewCode, NewSession } from "../../src/storage/family/login-ask.ts";
import type { Granted } from "../../src/storage/family/record.ts";
import { ROOT } from "../../src/storage/family/rows.ts";
import type { FamilyId, NodeId } from "../../src/storage/lineage.ts";
import { opaqueQuery, pathQuery } from "./asks.ts";
import { now } from "./clock.ts";
import { LivenessModel, type Token } from "./liveness-model.ts";

/** A code that was given, and the grant that it was redeemed for. */
export interface GivenCode {
  readonly family: FamilyId;
  readonly code: NewCode;
  readonly session: NewSession;
  /** Seconds. */
  readonly expires: number;
  redeemed?: NodeId;
}

/** A retry window of ten seconds, in every question about a refresh token. */
export const WINDOW = 10;

/** One call of the walk: what was asked when (milliseconds), and what was said. */
export interface Recorded {
  readonly family: FamilyId;
  readonly method: Method;
  readonly ask: unknown;
  readonly at: number;
  readonly answer: unknown;
}

type Method = "open" | "signOn" | "redeem" | "refresh" | "extend" | "status" | "revoke" | "endSession";
type Answer<M extends Method> = Awaited<ReturnType<Families[M]>>;

/**
 * A walk over families, beside a model of what is alive: where the two differ, it ends with an error. Every call is
 * recorded, so that another form of the families can be asked the same.
 */
export class Walk {
  readonly model = new LivenessModel();
  readonly families: FamilyId[] = [];
  readonly sessions: { readonly family: FamilyId; readonly session: NewSession }[] = [];
  readonly codes: GivenCode[] = [];
  readonly tokens: Token[] = [];
  /** The node that an exchange's grant hangs below. */
  readonly parentOf = new Map<NodeId, NodeId>();
  readonly calls: Recorded[] = [];
  readonly #form: Families;
  readonly #random: () => number;

  /** `random` gives numbers from zero to one. */
  constructor(form: Families, random: () => number) {
    this.#form = form;
    this.#random = random;
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(among: readonly T[]): T | undefined {
    return among[Math.floor(this.#random() * among.length)];
  }

  /** One of the last, mostly: what is long dead is of little interest. */
  recent<T>(among: readonly T[]): T | undefined {
    return this.pick(this.chance(0.8) ? among.slice(-8) : among);
  }

  /** A token of this kind, mostly one that is alive. */
  someToken(isWanted: (token: Token) => boolean): Token | undefined {
    const isLively = this.chance(0.8);
    return this.recent(this.tokens.filter((token) => isWanted(token) && (!isLively || this.model.isAlive(token, now()))));
  }

  create(): FamilyId {
    return this.#form.create(undefined);
  }

  async ask<M extends Method>(method: M, family: FamilyId, ask: Parameters<Families[M]>[1]): Promise<Answer<M>> {
    const answer = await (this.#form[method] as (family: FamilyId, ask: unknown) => Promise<Answer<M>>)(family, ask);
    this.calls.push({ family, method, ask, at: Date.now(), answer });
    return answer;
  }

  /** Asks, and holds what is said against what the model foretells. With some luck it is asked once more, and answers the same. */
  async foretold<M extends Exclude<Method, "status">>(expected: boolean, method: M, family: FamilyId, ask: Parameters<Families[M]>[1]): Promise<Answer<M>> {
    const answer = await this.ask(method, family, ask);
    if ((answer as { readonly ok: boolean }).ok !== expected) throw new Error(`${method} ${canonical(ask)}: ${canonical(answer)}, but the model says ${expected}`);
    if (!expected || !this.chance(0.2)) return answer;
    const again = await this.ask(method, family, ask);
    if (canonical(again) !== canonical(answer)) throw new Error(`${method} asked again: ${canonical(again)} instead of ${canonical(answer)}`);
    return answer;
  }

  /** Asks whether a token is alive. Answers what the family and the model agree on. */
  async look(token: Token): Promise<boolean> {
    const expected = this.model.isAlive(token, now());
    const status = await this.ask("status", token.family, token.query);
    if (status.alive !== expected) throw new Error(`${canonical(token)}: ${canonical(status)}, but the model says ${expected}`);
    return expected;
  }

  /** Takes up what a redemption, a refresh or an exchange has given. */
  take(family: FamilyId, { record, leaves, chain }: Granted, hash?: string): void {
    const { client, path, hops, deadline } = record;
    const [grant, parent] = [path.at(-1) ?? "", path.at(-2) ?? ROOT];
    const own = { family, client, hops, deadline, ...(record.sid === undefined ? {} : { sid: record.sid }) };
    const isRefresh = this.model.grants.has(grant);
    for (const { id, expires, hash: secret } of leaves) {
      const place = isRefresh ? { parent: grant, node: id } : { parent, node: grant };
      const query = secret === undefined ? pathQuery(path, id, record.sid) : opaqueQuery(place.node, secret, place.parent);
      this.tokens.push({ ...own, query, line: [...path, id], expires });
    }
    const latest = Math.max(chain?.expires ?? 0, ...leaves.map(({ expires }) => expires));
    this.model.grants.set(grant, { family, client, expires: Math.max(this.model.grants.get(grant)?.expires ?? 0, latest) });
    this.model.keep(family, latest);
    if (chain === undefined || hash === undefined) return;
    const { generation, expires } = chain;
    const known = this.model.chains.get(grant);
    if (known === undefined) this.model.chains.set(grant, { generation, hash, expires });
    else Object.assign(known, { generation, hash, rotated: now() });
    this.tokens.push({ ...own, query: { kind: "refresh", parent, node: grant, generation, hash, window: WINDOW }, line: path, expires });
  }
}

/** JSON with its members in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    member !== null && typeof member === "object" && !Array.isArray(member) ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}
