import { abortAllDurableObjects, evictAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { world } from "../world.ts";
import { interceptedWorld } from "./intercepted.ts";
import { journey, OUTCOME, STEPS } from "./journey.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const WAYS = [
  ["evicted", async () => await evictAllDurableObjects()],
  ["aborted", async () => await abortAllDurableObjects()],
] as const;

describe("the hand-off, from login to revocation", () => {
  it("shows what it shows when nothing disturbs it", async () => {
    expect(await journey(await world())).toEqual(OUTCOME);
  });

  const gaps = STEPS.flatMap(({ name }, index) => WAYS.map(([way, disturb]) => [name, way, index, disturb] as const));
  it.each(gaps)("after the %s shows the same when every object is %s", async (_name, _way, gap, disturb) => {
    const w = await world();
    expect(await journey(w, async (step) => (step === gap ? await disturb() : undefined))).toEqual(OUTCOME);
  });

  it.each(WAYS)("shows the same when every object is %s after every step", async (_way, disturb) => {
    expect(await journey(await world(), disturb)).toEqual(OUTCOME);
  });

  it("shows the same when every object is evicted before every single call", async () => {
    const w = await interceptedWorld();
    w.intercept = async (call, run) => {
      if (!call.startsWith("kv.")) await evictAllDurableObjects();
      return await run();
    };
    expect(await journey(w)).toEqual(OUTCOME);
  });
});
