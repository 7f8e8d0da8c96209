import { reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { consistently, handedOver, outcomeOf, stopClock, UNAVAILABLE } from "../faults.ts";
import { everything, watch } from "../http/canaries.ts";
import { exchange, introspect, login, refresh, type TenantFileInput, world } from "../world.ts";
import { storedIn } from "./inside.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a family that is asked for more than it can do", () => {
  const budgeted = (file: TenantFileInput) => void Object.assign(file.clients["front-end-app"], { tokenPolicy: { exchangeBudget: 30 } });

  it("DOS-04 tells those that it cannot serve to come back, each after one call; it counts every other once, and serves all when it is over", async () => {
    const w = await interceptedWorld({ tenant: budgeted });
    const { access_token } = await login(w, "front-end-app");
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token };
    const ask = () => w.post("/oauth2/token", { ...form, requested_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" }, ["front-end-app", "front-end-app-secret"]);
    let asked = 0;
    w.intercept = async (call, run) => {
      asked += call === "family.extend" ? 1 : 0;
      if (call === "family.extend" && asked % 3 === 0) throw Object.assign(new Error("Durable Object is overloaded."), { overloaded: true, retryable: true });
      return await run();
    };
    const answers = await Promise.all(Array.from({ length: 30 }, ask));
    expect(asked).toBe(30);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(10);
    for (const answer of refused) expect(await outcomeOf(answer)).toEqual(UNAVAILABLE);
    w.intercept = async (_call, run) => await run();
    const later = await Promise.all(Array.from({ length: 10 }, ask));
    expect(new Set(later.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await ask()).status).toBe(400);
  });

  it("DOS-07 families that began one after the other are emptied one after the other, each to the last row", async () => {
    const clock = stopClock();
    const w = await world();
    const stubs: DurableObjectStub[] = [];
    for (let count = 0; count < 3; count++) {
      await login(w, "front-end-app");
      const { family } = JSON.parse(w.lines.at(-1) ?? "{}") as { readonly family: string };
      stubs.push(env.FAMILIES.get(env.FAMILIES.idFromString(family)));
      clock.forward(1);
    }
    const alarms = async () => (await Promise.all(stubs.map(storedIn))).map(({ alarm }) => alarm ?? 0);
    const [first = 0, ...others] = await alarms();
    expect(others).toEqual([first + 1, first + 2]);
    clock.forward(first - clock.now() + 1);
    for (const stub of stubs) await runDurableObjectAlarm(stub);
    expect((await Promise.all(stubs.map(storedIn))).map(({ tables }) => tables.length > 0)).toEqual([false, false, true]);
  });
});

describe("what a client can make a request write or call", () => {
  it("DOS-05 no key of KV twice, however often its token is looked at; and KV that takes no more changes no answer", async () => {
    const w = await world({ tenant: consistently("eventual") });
    const put = vi.spyOn(env.TOKENS, "put");
    const tokens = [await handedOver(w), await handedOver(w)];
    for (const token of [...tokens, ...tokens, ...tokens]) expect(await introspect(w, "web-app", token)).toMatchObject({ active: true });
    const keys = put.mock.calls.map(([key]) => key);
    expect([keys.length, new Set(keys).size]).toEqual([2, 2]);
    put.mockRejectedValue(new Error("KV PUT failed: 429 Too Many Requests"));
    const late = await handedOver(w);
    expect(await introspect(w, "web-app", late)).toMatchObject({ active: true });
    expect(put).toHaveBeenCalledTimes(4);
  });

  it("DOS-06 no more than ten calls of objects, KV and other servers for any answer, whole flows and their failures", async () => {
    const w = await interceptedWorld();
    await everything(watch(w));
    const most: [number, string][] = [];
    const counted =
      <Asked extends readonly unknown[], Answer>(ask: (...asked: Asked) => Promise<Answer>) =>
      async (...asked: Asked): Promise<Answer> => {
        const before = callsOf(w);
        const answer = await ask(...asked);
        most.push([callsOf(w) - before, String(asked[0]).slice(0, 60)]);
        return answer;
      };
    const { fetch, post } = w;
    await everything(watch({ ...w, fetch: counted(fetch), post: counted(post), apply: async (file) => await w.apply(file) }));
    const [dearest = [0, ""]] = most.toSorted(([one], [other]) => other - one);
    expect(most.length).toBeGreaterThan(80);
    expect(dearest[0], dearest[1]).toBeGreaterThan(2);
    expect(dearest[0], dearest[1]).toBeLessThanOrEqual(10);
  });
});

const callsOf = (w: InterceptedWorld) => w.calls.length + w.idp.requests.length;

describe("the copies of a refreshed token", () => {
  it("DOS-05 are as many as there are tokens: one for each, written once", async () => {
    const w = await world({ tenant: consistently("eventual") });
    const put = vi.spyOn(env.TOKENS, "put");
    const { refresh_token } = await login(w, "mobile-app");
    for (let time = 0; time < 3; time++) expect((await refresh(w, "mobile-app", refresh_token)).status).toBe(200);
    const keys = put.mock.calls.map(([key]) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toHaveLength(3);
    const { access_token } = await login(w, "front-end-app");
    await exchange(w, "front-end-app", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" });
    expect(put).toHaveBeenCalledTimes(3);
  });
});
