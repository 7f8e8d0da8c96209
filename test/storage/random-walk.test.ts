import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FAMILY_CALL_VERSION } from "../../src/storage/families.ts";
import { memoryFamilies } from "../../src/storage/memory-families.ts";
import { stoppedClock } from "./clock.ts";
import { canonical, type Recorded, Walk } from "./walk.ts";
import { step } from "./walk-steps.ts";

beforeEach(reset);

const STEPS = 2000;
const CALLS_BETWEEN_EVICTIONS = 40;
// One that is the same every time, and one that is new each time: the test is named by it.
const SEEDS = [1, Math.floor(Math.random() * 2 ** 31)];

/** Numbers from zero to one, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Asks families' objects what a walk asked, each call at its time; the objects are evicted every now and then. */
async function replay(calls: readonly Recorded[]): Promise<void> {
  for (const ofFamily of Object.values(Object.groupBy(calls, ({ family }) => family))) {
    const stub = env.FAMILIES.get(env.FAMILIES.newUniqueId());
    const all = ofFamily ?? [];
    for (let begin = 0; begin < all.length; begin += CALLS_BETWEEN_EVICTIONS) {
      await runInDurableObject(stub, (object) => {
        for (const { method, ask, at, answer } of all.slice(begin, begin + CALLS_BETWEEN_EVICTIONS)) {
          vi.setSystemTime(at);
          const methods = object as unknown as Record<string, (version: number, ask: unknown) => unknown>;
          const said = methods[method]?.(FAMILY_CALL_VERSION, structuredClone(ask));
          if (canonical(said) !== canonical(answer)) throw new Error(`${method} ${canonical(ask)}: ${canonical(said)} instead of ${canonical(answer)}`);
        }
      });
      await evictDurableObject(stub);
    }
  }
}

describe("a random walk over families", () => {
  stoppedClock();

  it.each(SEEDS)(
    `of ${STEPS} steps finds memory, model and objects of one mind, with seed %d`,
    async (seed) => {
      const walk = new Walk(memoryFamilies(), randomOf(seed));
      for (let count = 0; count < STEPS; count++) {
        await step(walk).catch((cause: unknown) => {
          throw new Error(`seed ${seed}, step ${count}`, { cause });
        });
      }
      const looks = [];
      for (const token of walk.tokens) looks.push(await walk.look(token));
      await replay(walk.calls);
      expect(new Set(looks)).toEqual(new Set([true, false]));
    },
    120_000,
  );
});
