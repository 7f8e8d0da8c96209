import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Clock, stopClock, UNAVAILABLE } from "../faults.ts";
import { handOut, tokenRequests } from "../http/corporate-idp-steps.ts";
import { login } from "../world.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";

let clock: Clock;
let w: InterceptedWorld;
let assertion: string;
beforeEach(async () => {
  await reset();
  clock = stopClock();
  w = await interceptedWorld();
  w.idp.expiresIn = 60;
  assertion = (await login(w, "web-app")).access_token;
  clock.forward(60);
  w.idp.requests.length = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const unavailable = async () => {
  const { status, body, response } = await handOut(w, assertion);
  expect({ status, error: body.error, retryAfter: response.headers.get("retry-after") }).toEqual(UNAVAILABLE);
};

const failing = (call: string, moment: "before" | "after") => {
  w.intercept = async (name, run) => {
    if (name !== call) return await run();
    if (moment === "after") await run();
    throw new Error("Network connection lost.");
  };
};

const nothingFails = () => {
  w.intercept = async (_name, run) => await run();
};

describe("the IdP's tokens, when a call fails", () => {
  it.each([["family.providerTokens"], ["family.beginProviderRefresh"]])("before the IdP is asked (%s): 503, and nobody has asked it", async (call) => {
    failing(call, "before");
    await unavailable();
    expect(tokenRequests(w)).toBe(0);
    nothingFails();
    expect((await handOut(w, assertion)).body.access_token).toBe("idp-at-2");
  });

  it("whose answer was lost: the caller may ask again, and is not locked out by its own lease for longer than that lasts", async () => {
    failing("family.beginProviderRefresh", "after");
    await unavailable();
    nothingFails();
    clock.forward(20);
    expect((await handOut(w, assertion)).body.access_token).toBe("idp-at-2");
  });

  it("after the IdP has answered, and its answer is lost: what was recorded counts, and the IdP is asked once", async () => {
    failing("family.endProviderRefresh", "after");
    await unavailable();
    nothingFails();
    expect((await handOut(w, assertion)).body.access_token).toBe("idp-at-2");
    expect(tokenRequests(w)).toBe(1);
  });

  it("and the holder of the lease dies: others are told to come back until the lease has ended, then one of them takes its place", async () => {
    w.idp.scripts.token = () => Response.json({ access_token: "at", token_type: "Bearer", expires_in: 600 });
    failing("family.endProviderRefresh", "before");
    await unavailable();
    nothingFails();
    clock.forward(19);
    await unavailable();
    clock.forward(1);
    const answers = await Promise.all(Array.from({ length: 10 }, () => handOut(w, assertion)));
    expect(new Set(answers.map(({ body }) => body.access_token))).toEqual(new Set(["at"]));
    expect(tokenRequests(w)).toBe(2);
  });
});

describe("CON-57 while the IdP is down", () => {
  it("tokens that have not expired are handed out, others are 503, and it recovers by itself", async () => {
    const down = () => new Response("{}", { status: 503 });
    expect((await handOut(w, assertion)).body.access_token).toBe("idp-at-2");
    for (const endpoint of ["token", "discovery", "keys"] as const) w.idp.scripts[endpoint] = down;
    clock.forward(59);
    expect((await handOut(w, assertion)).body).toMatchObject({ access_token: "idp-at-2", expires_in: 1 });
    clock.forward(1);
    await unavailable();
    for (const endpoint of ["token", "discovery", "keys"] as const) delete w.idp.scripts[endpoint];
    clock.forward(30);
    expect((await handOut(w, assertion)).body.access_token).toBe("idp-at-3");
  });
});
