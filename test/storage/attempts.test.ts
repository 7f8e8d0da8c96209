import { reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { durableAttempts } from "../../src/storage/durable-attempts.ts";
import { memoryAttempts } from "../../src/storage/memory-attempts.ts";
import { attemptsContract } from "./attempts.contract.ts";
import { now, pass, stoppedClock } from "./clock.ts";

beforeEach(reset);

attemptsContract("durable attempts", () => durableAttempts(env.ATTEMPTS, now));
attemptsContract("attempts in memory", () => memoryAttempts(now));

describe("the object of failed attempts", () => {
  stoppedClock();

  it("forgets what has ended, and keeps what has not, when its alarm fires", async () => {
    const attempts = durableAttempts(env.ATTEMPTS, now);
    const attempt = { tenant: "https://id.example.com", clientId: "web-app", address: "203.0.113.7" };
    await attempts.fail(attempt, { failures: 1, seconds: 600 });
    const stub = env.ATTEMPTS.getByName(JSON.stringify([attempt.tenant, (await sha256(attempt.address)).slice(0, 2)]));
    pass(300);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await durableAttempts(env.ATTEMPTS, now).fail(attempt, { failures: 1, seconds: 600 })).toBe(now() + 300);
    pass(300);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await runDurableObjectAlarm(stub)).toBe(false);
  });
});
