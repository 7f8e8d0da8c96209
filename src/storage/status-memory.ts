import type { Status, StatusQuery } from "./family/status-ask.ts";
import type { FamilyId } from "./lineage.ts";

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
  const answers = new Map<FamilyId, Map<string, Remembered>>();
  let size = 0;
  return {
    recall: (family, query) => {
      const known = answers.get(family)?.get(JSON.stringify(query));
      return known !== undefined && now() - known.asked < seconds ? known : undefined;
    },
    keep: (family, query, answer) => {
      if (size++ >= ANSWERS_KEPT) {
        answers.clear();
        size = 1;
      }
      const ofFamily = answers.get(family) ?? new Map<string, Remembered>();
      answers.set(family, ofFamily.set(JSON.stringify(query), answer));
    },
    forget: (family) => void answers.delete(family),
  };
}
