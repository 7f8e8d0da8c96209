import { reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { AttemptObject } from "../../src/storage/attempt-object.ts";
import { ATTEMPT_CALL_VERSION as V } from "../../src/storage/attempts.ts";
import { durableAttempts } from "../../src/storage/durable-attempts.ts";
import { memoryAttempts } from "../../src/storage/memory-attempts.ts";
import { callByName, methodsOf, runSql } from "../worker/inside.ts";
import { attemptsContract } from "./attempts.contract.ts";
import { now, pass, stoppedClock } from "./clock.ts";

beforeEach(reset);

attemptsContract("durable attempts", () => durableAttempts(env.ATTEMPTS, now));
attemptsContract("attempts in memory", () => memoryAttempts(now));

describe("an object of attempts", () => {
  stoppedClock();
  const stub = () => env.ATTEMPTS.getByName("shard");
  const kept = async () => (await runSql(stub(), "SELECT id FROM attempts ORDER BY id")).map(({ id }) => id);

  it("forgets what is over when its alarm rings, and nothing else", async () => {
    await callByName(stub(), "fail", V, "a", { failures: 3, seconds: 60 });
    pass(30);
    await callByName(stub(), "fail", V, "b", { failures: 3, seconds: 60 });
    await runDurableObjectAlarm(stub());
    expect(await kept()).toEqual(["a", "b"]);
    pass(30);
    await runDurableObjectAlarm(stub());
    expect(await kept()).toEqual(["b"]);
    pass(30);
    await runDurableObjectAlarm(stub());
    expect([await kept(), await runDurableObjectAlarm(stub())]).toEqual([[], false]);
  });

  it.each(methodsOf(AttemptObject))("answers nothing to a call of a newer version: %s", async (name) => {
    expect(await callByName(stub(), name, V + 1, "a", { failures: 1, seconds: 60 })).toEqual({ ok: false, reason: "unavailable" });
    expect(await kept()).toEqual([]);
  });
});
