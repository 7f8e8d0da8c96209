import type { StatusQuery } from "../../src/storage/family/status-ask.ts";
import type { FamilyId, NodeId } from "../../src/storage/lineage.ts";

/** A token as its holder knows it: its place, and what it is asked by. Times in seconds. */
export interface Token {
  readonly family: FamilyId;
  readonly client: string;
  readonly query: StatusQuery;
  /** Every node that it hangs by: from the root down to itself; of a refresh token down to its grant. */
  readonly line: readonly NodeId[];
  readonly sid?: NodeId;
  readonly isLazy?: boolean;
  /** When it ends by itself. Of a JWT the token says it, and the family is not asked. */
  readonly expires: number;
  readonly hops: number;
  readonly deadline: number;
}

/** What becomes of a refresh token that its own client presents. */
export type Judgement = "rotated" | "again" | "reuse" | "refused";

type RefreshQuery = Extract<StatusQuery, { kind: "refresh" }>;

interface Chain {
  generation: number;
  hash: string;
  readonly expires: number;
  rotated?: number;
}

/**
 * What is alive, told from the outside and as simply as can be: a tree with a set of revoked nodes, sessions that end,
 * chains that count. It shares no code with the rules that it judges.
 */
export class LivenessModel {
  readonly families = new Map<FamilyId, { closes: number; isRevoked: boolean }>();
  readonly sessions = new Map<NodeId, { readonly expires: number; hasEnded: boolean }>();
  readonly grants = new Map<NodeId, { readonly family: FamilyId; readonly client: string; expires: number }>();
  readonly chains = new Map<NodeId, Chain>();
  readonly revoked = new Set<NodeId>();

  isAlive({ family, query, line, sid, isLazy = false, expires }: Token, now: number): boolean {
    const known = this.families.get(family);
    if (known === undefined) return isLazy;
    if (known.isRevoked || now >= known.closes || line.some((node) => this.revoked.has(node))) return false;
    if (sid !== undefined && !this.isSessionAlive(sid, now)) return false;
    if (query.kind === "path") return true;
    return now < expires && (query.kind === "opaque" || this.#generationOf(query, now) !== "old");
  }

  isSessionAlive(id: NodeId, now: number): boolean {
    const session = this.sessions.get(id);
    return session !== undefined && !session.hasEnded && now < session.expires;
  }

  judge(token: Token, query: RefreshQuery, now: number): Judgement {
    const place: Token = { ...token, query: { kind: "path", path: [], node: "", lazy: false } };
    if (!this.isAlive(place, now) || now >= (this.chains.get(query.node)?.expires ?? 0)) return "refused";
    return { current: "rotated", "in window": "again", old: "reuse" }[this.#generationOf(query, now)] as Judgement;
  }

  /** Whether the successor of the last rotation could still be asked for again. */
  hasWindow({ node, window }: RefreshQuery, now: number): boolean {
    const rotated = this.chains.get(node)?.rotated;
    return rotated !== undefined && now - rotated < window;
  }

  /** Something was recorded in a family that lives until then. */
  keep(family: FamilyId, expires: number): void {
    const known = this.families.get(family) ?? { closes: 0, isRevoked: false };
    known.closes = Math.max(known.closes, expires + 120);
    this.families.set(family, known);
  }

  #generationOf(query: RefreshQuery, now: number): "current" | "in window" | "old" {
    const chain = this.chains.get(query.node);
    if (query.generation === chain?.generation) return "current";
    return query.generation + 1 === chain?.generation && this.hasWindow(query, now) ? "in window" : "old";
  }
}
