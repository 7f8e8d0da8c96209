import type { TokenSet } from "../dialects/dialect.ts";
import { forgetOldest } from "../protocol/bounded.ts";
import type { Extended } from "../storage/family/exchange-ask.ts";
import type { StatusQuery } from "../storage/family/status-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";

/** The answer of an exchange, and what must still hold when it is given again. */
export interface SharedAnswer {
  readonly tokens: TokenSet;
  readonly family: FamilyId;
  /** What was recorded. */
  readonly extended: Extended;
  /** Whether all that was issued is alive, and all that it came from. */
  readonly query: StatusQuery;
  /** What `edge` decided by; left out where the family is asked each time. */
  readonly edgeQuery?: StatusQuery;
  /** From then on it is no answer any more. Seconds. */
  readonly until: number;
}

// Two tokens with hundreds of groups are not kept: it bounds the memory, and there are few of them.
const LONGEST_TEXT = 8192;

/** The answers that this isolate gave within the last seconds, to clients that take an answer twice. */
export interface SharedAnswers {
  recall(key: string): SharedAnswer | undefined;
  keep(key: string, answer: SharedAnswer): void;
}

/** Keeps the last `most` answers; 0 keeps none. `now` is in seconds. */
export function sharedAnswers(now: () => number, most: number): SharedAnswers {
  const answers = new Map<string, SharedAnswer>();
  return {
    recall: (key) => {
      const answer = answers.get(key);
      return answer !== undefined && now() < answer.until ? answer : undefined;
    },
    keep: (key, answer) => {
      const { accessToken, idToken = "" } = answer.tokens;
      if (most === 0 || accessToken.length + idToken.length > LONGEST_TEXT) return;
      answers.set(key, answer);
      forgetOldest(answers, most);
    },
  };
}
