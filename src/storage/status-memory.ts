import type { Status, StatusQuery } from "./family/status-ask.ts";
import type { FamilyId, NodeId } from "./lineage.ts";

const ANSWERS_KEPT = 10_000;

/** A positive answer of a family, and when it was asked for. */
export interface Remembered {
  readonly status: Extract<Status, { readonly alive: true }>;
  /** Seconds; before the family was asked, so that the bound holds however long the answer took. */
  readonly asked: number;
  /** How many exchanges the token had behind it; whoever decides one by this answer counts it here. Undefined: not asked. */
  exchanges?: number;
}

/** The positive answers of families that this isolate got within the last few seconds: what `edge` decides by. */
export interface StatusMemory {
  recall(family: FamilyId, query: StatusQuery): Remembered | undefined;
  keep(family: FamilyId, query: StatusQuery, answer: Remembered): void;
  /** Forgets everything about a family: something in it was revoked here. */
  forget(family: FamilyId): void;
}

/** Keeps answers for `seconds`; never a negative one. `now` is in seconds. */
export function statusMemory(now: () => number, seconds: number): StatusMemory {
  const answers = new Map<FamilyId, Map<NodeId, { readonly query: StatusQuery; readonly answer: Remembered }>>();
  let size = 0;
  return {
    recall: (family, query) => {
      const known = answers.get(family)?.get(query.node);
      return known !== undefined && isSame(known.query, query) && now() - known.answer.asked < seconds ? known.answer : undefined;
    },
    keep: (family, query, answer) => {
      if (size++ >= ANSWERS_KEPT) {
        answers.clear();
        size = 1;
      }
      const ofFamily = answers.get(family);
      if (ofFamily === undefined) answers.set(family, new Map([[query.node, { query, answer }]]));
      else ofFamily.set(query.node, { query, answer });
    },
    forget: (family) => void answers.delete(family),
  };
}

// A node is drawn for one token alone, so it finds the answer; whether that was to the very same question is seen here.
function isSame(one: StatusQuery, other: StatusQuery): boolean {
  if (one === other) return true;
  if (one.budget !== other.budget) return false;
  if (one.kind === "path" && other.kind === "path") {
    const { path, sid, lazy, began } = other;
    return one.sid === sid && one.lazy === lazy && one.began === began && one.path.length === path.length && one.path.every((id, index) => id === path[index]);
  }
  // A refresh token is never looked for here.
  return one.kind === "opaque" && other.kind === "opaque" && one.parent === other.parent && one.hash === other.hash;
}
