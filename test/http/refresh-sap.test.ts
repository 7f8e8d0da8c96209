import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { familyCalls, stoppedClock } from "../faults.ts";
import { arrive, introspect, login, payloadOf, redeem, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const APP = "web-app";
const HOUR = 3600;
const OPAQUE = /^cambio_at_/;
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

const worldWith = (tokenPolicy: object) => world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy }) });

async function renewed(w: World, token: string, extra: Record<string, string> = {}): Promise<Tokens> {
  const answer = await refresh(w, APP, token, extra);
  expect(answer.status).toBe(200);
  return await answer.json();
}

describe("token_format (SAP)", () => {
  it("left out is grant-dependent: a JWT for the code, opaque for a refresh", async () => {
    const w = await world();
    const first = await login(w, APP);
    expect(first.access_token).toMatch(JWT);
    expect((await renewed(w, first.refresh_token)).access_token).toMatch(OPAQUE);
  });

  it("chosen at the first issue is the format of every refresh after it, unless one asks otherwise", async () => {
    const w = await world();
    const first = await login(w, APP, { redeem: { token_format: "jwt" } });
    const calls = familyCalls();
    const second = await renewed(w, first.refresh_token);
    expect(second.access_token).toMatch(JWT);
    expect(calls).toHaveBeenCalledTimes(1);
    const third = await renewed(w, second.refresh_token, { token_format: "opaque" });
    expect(third.access_token).toMatch(OPAQUE);
    expect((await renewed(w, third.refresh_token)).access_token).toMatch(JWT);
    for (const { access_token } of [first, second, third]) expect(await introspect(w, APP, access_token)).toMatchObject({ active: true });
  });

  it("opaque at the first issue gives an opaque token, whose refreshes are opaque too", async () => {
    const w = await worldWith({ accessTokenFormat: "jwt" });
    const first = await login(w, APP, { redeem: { token_format: "opaque" } });
    expect(first.access_token).toMatch(OPAQUE);
    expect((await renewed(w, first.refresh_token)).access_token).toMatch(OPAQUE);
  });

  it.each([
    ["jwt", JWT],
    ["opaque", OPAQUE],
  ])("set to %s by the client's record is the format of every grant", async (accessTokenFormat, shape) => {
    const w = await worldWith({ accessTokenFormat });
    const first = await login(w, APP);
    expect(first.access_token).toMatch(shape);
    expect((await renewed(w, first.refresh_token)).access_token).toMatch(shape);
  });

  it("is jwt or opaque: anything else is refused, and the refresh token is not used up", async () => {
    const w = await world();
    const { refresh_token } = await login(w, APP);
    for (const token_format of ["JWT", "Opaque", "saml2", "jwt opaque"]) {
      const answer = await refresh(w, APP, refresh_token, { token_format });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: "invalid_request", error_description: "A parameter has a value that is not allowed: token_format." });
    }
    await renewed(w, refresh_token, { token_format: "" });
  });

  it("means nothing in the other dialects", async () => {
    const w = await world();
    for (const app of ["front-end-app", "travel-agent"] as const) {
      const tokens = await login(w, app, { redeem: { token_format: "opaque", refresh_expiry: "0", max_exchange_period: "1" } });
      expect(tokens.access_token).toMatch(JWT);
      expect(tokens).toHaveProperty("refresh_token");
    }
  });
});

describe("refresh_expiry (SAP)", () => {
  it.each(["0", "-1", "-999"])("%s gives no refresh token with the code", async (refresh_expiry) => {
    const w = await world();
    const tokens = await login(w, APP, { redeem: { refresh_expiry } });
    expect(tokens).not.toHaveProperty("refresh_token");
    expect(await introspect(w, APP, tokens.access_token)).toMatchObject({ active: true });
  });

  it("0 at a refresh gives an access token without a refresh token, and ends the chain", async () => {
    const w = await world();
    const { refresh_token } = await login(w, APP);
    const last = await renewed(w, refresh_token, { refresh_expiry: "0" });
    expect(last).not.toHaveProperty("refresh_token");
    expect(await introspect(w, APP, last.access_token)).toMatchObject({ active: true });
    expect((await refresh(w, APP, refresh_token)).status).toBe(400);
    expect(await introspect(w, APP, last.access_token)).toMatchObject({ active: true });
  });

  it("0 at a refresh whose answer was lost on the way from the object is answered as the first time", async () => {
    const w = await world();
    const { refresh_token } = await login(w, APP);
    const get = env.FAMILIES.get.bind(env.FAMILIES);
    familyCalls().mockImplementationOnce(((id: DurableObjectId) => ({
      refresh: async (...values: Parameters<ReturnType<typeof get>["refresh"]>) => {
        await get(id).refresh(...values);
        throw Object.assign(new Error("The answer was lost."), { retryable: true });
      },
    })) as never);
    const last = await renewed(w, refresh_token, { refresh_expiry: "0" });
    expect(last).not.toHaveProperty("refresh_token");
  });

  it("shortens the life of a refresh token, at the code and at a refresh, and never prolongs it", async () => {
    const w = await world();
    const first = await login(w, APP, { redeem: { refresh_expiry: "600" } });
    expect(await introspect(w, APP, first.refresh_token)).toMatchObject({ active: true, exp: clock.now() + 600 });
    clock.forward(100);
    const second = await renewed(w, first.refresh_token, { refresh_expiry: "999999999" });
    expect(await introspect(w, APP, second.refresh_token)).toMatchObject({ exp: clock.now() + 500 });
    const third = await renewed(w, second.refresh_token, { refresh_expiry: "60" });
    expect(await introspect(w, APP, third.refresh_token)).toMatchObject({ exp: clock.now() + 60 });
    clock.forward(60);
    expect(await introspect(w, APP, third.refresh_token)).toEqual({ active: false });
    expect((await refresh(w, APP, third.refresh_token)).status).toBe(400);
  });

  it("above the policy is the policy", async () => {
    const w = await worldWith({ refreshTokenLifetime: 1000 });
    const { refresh_token } = await login(w, APP, { redeem: { refresh_expiry: "2000" } });
    expect(await introspect(w, APP, refresh_token)).toMatchObject({ exp: clock.now() + 1000 });
  });

  it("0 as the client's policy gives no refresh token at all", async () => {
    const w = await worldWith({ refreshTokenLifetime: 0 });
    expect(await login(w, APP, { redeem: { refresh_expiry: "600" } })).not.toHaveProperty("refresh_token");
  });

  it.each(["soon", "1.5", "1e3", "+60", "0x10", "60s", "NaN", "Infinity", "1".repeat(30)])(
    "%s is no number of seconds: refused, and the code is not used up",
    async (refresh_expiry) => {
      const w = await world();
      const arrived = await arrive(w, APP);
      const refused = await redeem(w, APP, arrived, { refresh_expiry });
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ error: "invalid_request" });
      expect((await redeem(w, APP, arrived)).status).toBe(200);
    },
  );
});

describe("max_exchange_period (SAP)", () => {
  it.each(["3599", "1", "0", "-3600", "hours"])("%s is refused: an hour is the least", async (max_exchange_period) => {
    const w = await world();
    const arrived = await arrive(w, APP);
    const refused = await redeem(w, APP, arrived, { max_exchange_period });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: "invalid_request" });
    expect((await redeem(w, APP, arrived, { max_exchange_period: "3600" })).status).toBe(200);
  });

  it("counts from the login, and no token of the grant outlives it, refreshed or not", async () => {
    const w = await world();
    const arrived = await arrive(w, APP);
    const began = clock.now();
    clock.forward(50);
    const first = (await (await redeem(w, APP, arrived, { max_exchange_period: "3600" })).json()) as Tokens;
    expect(first.expires_in).toBe(HOUR - 50);
    expect(await introspect(w, APP, first.refresh_token)).toMatchObject({ exp: began + HOUR });
    clock.forward(3000);
    const second = await renewed(w, first.refresh_token, { token_format: "jwt" });
    expect(payloadOf(second.access_token).exp).toBe(began + HOUR);
    expect(payloadOf(second.id_token).exp).toBe(began + HOUR);
    const third = await renewed(w, second.refresh_token);
    expect(await introspect(w, APP, third.access_token)).toMatchObject({ exp: began + HOUR });
    clock.forward(HOUR - 3050);
    for (const token of [second.access_token, third.access_token, third.refresh_token]) expect(await introspect(w, APP, token)).toEqual({ active: false });
    expect((await refresh(w, APP, third.refresh_token)).status).toBe(400);
  });

  it("above the policy is ignored, and at a refresh there is no such parameter", async () => {
    const w = await worldWith({ maxExchangePeriod: HOUR });
    const first = await login(w, APP, { redeem: { max_exchange_period: "999999999" } });
    expect(await introspect(w, APP, first.refresh_token)).toMatchObject({ exp: clock.now() + HOUR });
    const second = await renewed(w, first.refresh_token, { max_exchange_period: "7200" });
    expect(await introspect(w, APP, second.refresh_token)).toMatchObject({ exp: clock.now() + HOUR });
  });
});

describe("refreshParallel (SAP: maximum sessions per user)", () => {
  /** Further logins in the browser of the first. */
  async function inSession(w: World, count: number, extra: Record<string, string> = {}): Promise<Tokens[]> {
    const first = await login(w, APP);
    const all: Tokens[] = [first];
    while (all.length < count) {
      clock.forward(1);
      all.push(await login(w, APP, { cookie: first.cookie, redeem: extra }));
    }
    return all;
  }

  it("is one by default: a second grant in the same session ends the first", async () => {
    const w = await world();
    const [older, newer] = (await inSession(w, 2)) as [Tokens, Tokens];
    expect((await refresh(w, APP, older.refresh_token)).status).toBe(400);
    expect(await introspect(w, APP, older.access_token)).toEqual({ active: false });
    await renewed(w, newer.refresh_token);
  });

  it("of three lets three live, and the oldest leaves for the fourth", async () => {
    const w = await worldWith({ refreshParallel: 3 });
    const [oldest, ...others] = (await inSession(w, 4)) as [Tokens, ...Tokens[]];
    expect((await refresh(w, APP, oldest.refresh_token)).status).toBe(400);
    for (const { refresh_token } of others) await renewed(w, refresh_token);
  });

  it("counts chains: a grant without a refresh token takes no other's place", async () => {
    const w = await world();
    const [older, newer] = (await inSession(w, 2, { refresh_expiry: "0" })) as [Tokens, Tokens];
    expect(newer).not.toHaveProperty("refresh_token");
    await renewed(w, older.refresh_token);
  });

  it("counts each session, user and client alone", async () => {
    const w = await world();
    const phone = await login(w, APP);
    const laptop = await login(w, APP);
    const julie = await login(w, APP, { user: "julie.armstrong" });
    const other = await login(w, "front-end-app", { cookie: laptop.cookie });
    for (const { refresh_token } of [phone, laptop, julie]) await renewed(w, refresh_token);
    expect((await refresh(w, "front-end-app", other.refresh_token)).status).toBe(200);
  });
});
