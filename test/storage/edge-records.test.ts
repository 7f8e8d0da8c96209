import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { edgeRecords } from "../../src/storage/edge-records.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Extend } from "../../src/storage/family/exchange-ask.ts";
import { statusMemory } from "../../src/storage/status-memory.ts";

const MOMENT = 100;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const ask = (grant: string) => ({ grant }) as Extend;
const QUERY = { kind: "path", path: [], node: "n", lazy: false } as const;

/** Records of one isolate, whose families do as told; what they were told, and what followed the responses. */
function begun(record: Families["record"]) {
  const told: (readonly [string, readonly string[]])[] = [];
  const families = {
    record: async (family: string, asks: readonly Extend[]) => {
      told.push([family, asks.map(({ grant }) => grant)]);
      return await record(family, asks);
    },
  } as unknown as Families;
  const statuses = statusMemory(() => 0, 5);
  for (const family of ["f", "g"]) statuses.keep(family, QUERY, { asked: 0, status: { alive: true, now: 0 } });
  const alerts: string[] = [];
  const records = edgeRecords(families, statuses, (family) => void alerts.push(family));
  const after: Promise<unknown>[] = [];
  return { told, statuses, alerts, after, tell: (family: string, grant: string) => records.tell(family, ask(grant), (work) => void after.push(work)) };
}

async function moment(after: readonly Promise<unknown>[]): Promise<void> {
  await vi.advanceTimersByTimeAsync(MOMENT);
  await Promise.all(after);
}

describe("what was issued at the edge", () => {
  it("in one moment goes to its family in one call, to each family by itself, and only once", async () => {
    const { told, after, tell } = begun(async () => true);
    tell("f", "1");
    tell("g", "2");
    tell("f", "3");
    expect([told, after.length]).toEqual([[], 2]);
    await moment(after);
    expect(told).toEqual([
      ["f", ["1", "3"]],
      ["g", ["2"]],
    ]);
    tell("f", "4");
    await moment(after);
    expect(told.slice(2)).toEqual([["f", ["4"]]]);
  });

  it("and is refused by its family has that one asked again at once, and no other", async () => {
    const { statuses, alerts, after, tell } = begun(async (family) => family !== "f");
    tell("f", "1");
    tell("g", "2");
    await moment(after);
    expect([statuses.recall("f", QUERY), statuses.recall("g", QUERY) !== undefined, alerts]).toEqual([undefined, true, []]);
  });

  it("and is lost on the way raises an alert, fails nothing, and does not come back with the next batch", async () => {
    let isDown = true;
    const { told, alerts, after, tell } = begun(async () => {
      if (isDown) throw new Error("unreachable");
      return true;
    });
    tell("f", "1");
    await moment(after);
    isDown = false;
    tell("f", "2");
    await moment(after);
    expect([alerts, told]).toEqual([
      ["f"],
      [
        ["f", ["1"]],
        ["f", ["2"]],
      ],
    ]);
  });
});
