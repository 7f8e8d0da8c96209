import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type World, world } from "../world.ts";

beforeEach(reset);
afterEach(() => vi.useRealTimers());

const ATTACKER = "203.0.113.7";
const SERVICE = "198.51.100.9";

const ask = (w: World, secret: string, address: string, client = "billing-worker") =>
  w.post("/oauth2/token", { grant_type: "client_credentials" }, [client, secret], { "cf-connecting-ip": address });

async function fail(w: World, times: number, client = "billing-worker"): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await ask(w, `wrong-${n}`, ATTACKER, client)).status);
  return statuses;
}

describe("five failed authentications", () => {
  it("CA-50 lock that client from that address, and nobody else", async () => {
    const w = await world();
    expect(await fail(w, 8)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    const locked = await ask(w, "billing-worker-secret", ATTACKER);
    expect([locked.status, Number(locked.headers.get("retry-after"))]).toEqual([429, expect.closeTo(3600, -1)]);
    expect((await ask(w, "billing-worker-secret", SERVICE)).status).toBe(200);
    expect((await ask(w, "orders-api-secret", ATTACKER, "orders-api")).status).toBe(400);
  });

  it("ENU-01 answer for an unknown client as for a known one, with as many calls", async () => {
    const calls = { known: 0, unknown: 0 };
    for (const [kind, client] of [
      ["known", "billing-worker"],
      ["unknown", "nobody-here"],
    ] as const) {
      await reset();
      const w = await world({
        service: (service) => ({
          ...service,
          attempts: {
            ...service.attempts,
            fail: (attempt, policy) => {
              calls[kind]++;
              return service.attempts.fail(attempt, policy);
            },
          },
        }),
      });
      expect(await fail(w, 7, client)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    }
    expect(calls).toEqual({ known: 5, unknown: 5 });
  });

  it("DOS-08 are counted across isolates, wherever they are, and another isolate learns of the lock with its next failure", async () => {
    await fail(await world(), 5);
    const elsewhere = await world();
    expect(await fail(elsewhere, 2)).toEqual([401, 429]);
  });

  it("are forgotten an hour later", async () => {
    const w = await world();
    await fail(w, 6);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 3_601_000);
    expect((await ask(w, "billing-worker-secret", ATTACKER)).status).toBe(200);
    expect(await fail(w, 4)).toEqual([401, 401, 401, 401]);
  });

  it("are as many as the tenant says, or never enough", async () => {
    const twice = await world({ tenant: (file) => void Object.assign(file, { lockAfterFailures: 2, lockSeconds: 60 }) });
    expect(await fail(twice, 3)).toEqual([401, 401, 429]);
    await reset();
    const never = await world({ tenant: (file) => void Object.assign(file, { lockAfterFailures: 0 }) });
    expect(await fail(never, 10)).toEqual(Array.from({ length: 10 }, () => 401));
  });

  it("change no answer when they cannot be counted, and cost honest clients nothing", async () => {
    const counted = vi.fn(async () => {
      throw new Error("unreachable");
    });
    const w = await world({ service: (service) => ({ ...service, attempts: { ...service.attempts, fail: counted } }) });
    expect((await ask(w, "billing-worker-secret", SERVICE)).status).toBe(200);
    expect(counted).not.toHaveBeenCalled();
    expect((await ask(w, "wrong", ATTACKER)).status).toBe(401);
    expect(counted).toHaveBeenCalledOnce();
  });

  it("are the only limit: a service that asks 200 times in one second, 12,000 a minute, is answered each time", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const w = await world();
    expect((await fail(w, 4)).at(-1)).toBe(401);
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => (await ask(w, "billing-worker-secret", ATTACKER)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it("twenty at once are counted each", async () => {
    const w = await world();
    await Promise.all(Array.from({ length: 20 }, (_, n) => ask(w, `wrong-${n}`, ATTACKER)));
    expect((await ask(w, "billing-worker-secret", ATTACKER)).status).toBe(429);
  });
});
