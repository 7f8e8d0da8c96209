import { abortAllDurableObjects, evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { durableSingleUse } from "../../src/storage/durable-single-use.ts";
import { SINGLE_USE_GRACE_SECONDS, SINGLE_USE_CALL_VERSION as V } from "../../src/storage/single-use.ts";
import { SingleUseObject } from "../../src/storage/single-use-object.ts";
import { now, pass, START, stoppedClock } from "../storage/clock.ts";
import { callByName, methodsOf, runSql, storedIn } from "./inside.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const stub = () => env.SINGLE_USE.getByName("a shard");
const use = async (id: string, expires: number, op = crypto.randomUUID()) => (await callByName(stub(), "use", V, id, expires, op)) as { readonly first: boolean };
const kept = async () => (await runSql(stub(), "SELECT id FROM used ORDER BY id")).map(({ id }) => id);

describe("a single-use object", () => {
  stoppedClock();

  it("CON-24 answers the same operation as the first time, and another operation not", async () => {
    expect(await use("id", now() + 60, "op")).toMatchObject({ first: true });
    expect(await use("id", now() + 60, "op")).toMatchObject({ first: true });
    expect(await use("id", now() + 60, "other")).toMatchObject({ first: false });
    expect(await use("id", now() + 60, "op")).toMatchObject({ first: true });
    expect(await use("another id", now() + 60, "op")).toMatchObject({ first: true });
  });

  it("knows what was used over an eviction and over an abort between any two uses", async () => {
    await use("id", now() + 60);
    await evictDurableObject(stub());
    expect(await use("id", now() + 60)).toMatchObject({ first: false });
    await abortAllDurableObjects();
    expect(await use("id", now() + 60)).toMatchObject({ first: false });
  });

  it("CON-34 deletes what is over and nothing else, whenever its alarm rings; then it rings for the next", async () => {
    await use("b", now() + 600);
    await use("a", now() + 60);
    expect(await storedIn(stub())).toMatchObject({ alarm: START + 600 + SINGLE_USE_GRACE_SECONDS });
    for (const [after, left] of [
      [0, ["a", "b"]],
      [60 + SINGLE_USE_GRACE_SECONDS - 1, ["a", "b"]],
      [1, ["b"]],
      [600 - 60 - 1, ["b"]],
      [1, []],
    ] as const) {
      pass(after);
      expect(await runDurableObjectAlarm(stub())).toBe(true);
      expect(await kept()).toEqual(left);
    }
    expect(await runDurableObjectAlarm(stub())).toBe(false);
  });

  it("rings again for what comes after everything was over", async () => {
    await use("a", now() + 60);
    pass(60 + SINGLE_USE_GRACE_SECONDS);
    await runDurableObjectAlarm(stub());
    await use("b", now() + 60);
    expect(await storedIn(stub())).toMatchObject({ alarm: now() + 60 + SINGLE_USE_GRACE_SECONDS });
  });

  it.each(methodsOf(SingleUseObject))("answers nothing to a call of a newer version, and uses nothing: %s", async (name) => {
    expect(await callByName(stub(), name, V + 1, "id", now() + 60, "op")).toEqual({ ok: false, reason: "unavailable" });
    expect(await kept()).toEqual([]);
  });

  it("lets nobody at anything but its calls", async () => {
    const own = await runInDurableObject(stub(), (object) => Object.getOwnPropertyNames(object));
    expect(own.filter((name) => name !== "ctx" && name !== "env")).toEqual([]);
  });
});

describe("the shards of what may be used once", () => {
  it("spread over many objects, and one thing is always asked of the same", async () => {
    const asked = vi.spyOn(env.SINGLE_USE, "getByName");
    const single = durableSingleUse(env.SINGLE_USE);
    const kind = { tenant: "t", issuer: "i", kind: "dpop_proof" } as const;
    for (let index = 0; index < 40; index++) await single.use(kind, `id ${index}`, now() + 60);
    expect(new Set(asked.mock.calls.flat()).size).toBeGreaterThan(10);
    asked.mockClear();
    await single.use(kind, "id 7", now() + 60);
    await single.use(kind, "id 7", now() + 60);
    expect(new Set(asked.mock.calls.flat()).size).toBe(1);
  });
});
