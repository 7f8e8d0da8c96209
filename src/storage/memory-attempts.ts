import type { Attempts } from "./attempts.ts";

/** The memory twin of the failed attempts. `now` is in seconds. */
export function memoryAttempts(now: () => number): Attempts {
  const known = new Map<string, { failures: number; until: number; locked: boolean }>();
  const live = (key: string) => {
    const entry = known.get(key);
    return entry !== undefined && entry.until > now() ? entry : undefined;
  };
  return {
    lockedUntil: (attempt) => {
      const entry = live(JSON.stringify(attempt));
      return entry?.locked === true ? entry.until : undefined;
    },
    fail: async (attempt, { failures, seconds }) => {
      const key = JSON.stringify(attempt);
      const entry = live(key);
      if (entry?.locked === true) return entry.until;
      const count = (entry?.failures ?? 0) + 1;
      known.set(key, { failures: count, until: now() + seconds, locked: count >= failures });
      return count >= failures ? now() + seconds : undefined;
    },
  };
}
