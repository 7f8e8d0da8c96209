import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { answersLost, familiesDown, familyCalls, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { arrive, introspect, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";
import { begin, comeBack } from "./login-steps.ts";

stoppedClock();

const APP = "front-end-app";
const AS = [APP, `${APP}-secret`] as const;

/** Strict, so that a refresh token that was used up could not be presented again. */
const strictly = () => world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { refreshRetry: "strict" } }) });

const isActive = async (w: World, token: string) => (await introspect(w, APP, token)).active;
const userinfo = (w: World, token: string) => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } });

/** A page that says 503, when to come back, and sends nobody anywhere. */
async function expectUnavailablePage(answer: Response): Promise<void> {
  expect([answer.status, answer.headers.get("retry-after"), answer.headers.get("location")]).toEqual([503, "2", null]);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(await answer.text()).toContain("Try again.");
}

describe("while the token family cannot be reached", () => {
  it("a code is neither redeemed nor refused: it is redeemed afterwards", async () => {
    const w = await strictly();
    const arrived = await arrive(w, APP);
    const up = familiesDown();
    for (let turn = 0; turn < 2; turn++) expect(await outcomeOf(await redeem(w, APP, arrived))).toEqual(UNAVAILABLE);
    up();
    expect((await redeem(w, APP, arrived)).status).toBe(200);
  });

  it("a refresh token is neither rotated nor refused: the client must not throw a good session away", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, APP);
    const up = familiesDown();
    for (let turn = 0; turn < 3; turn++) expect(await outcomeOf(await refresh(w, APP, refresh_token))).toEqual(UNAVAILABLE);
    up();
    const next = (await (await refresh(w, APP, refresh_token)).json()) as Tokens;
    expect((await refresh(w, APP, next.refresh_token)).status).toBe(200);
  });

  it("INT-21 introspection says neither active nor inactive of any token of ours", async () => {
    const w = await strictly();
    const tokens = await login(w, APP);
    const mobile = await login(w, "mobile-app");
    const opaque = (await (await refresh(w, "mobile-app", mobile.refresh_token)).json()) as Tokens;
    const ask = (token: string, client: string = APP) => w.post("/oauth2/introspect", { token }, [client, `${client}-secret`]);
    const up = familiesDown();
    for (const token of [tokens.access_token, tokens.refresh_token]) expect(await outcomeOf(await ask(token))).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await ask(opaque.access_token, "web-app"))).toEqual(UNAVAILABLE);
    const signed = await w.post("/oauth2/introspect", { token: tokens.access_token }, AS, { accept: "application/token-introspection+jwt" });
    expect(await outcomeOf(signed)).toEqual(UNAVAILABLE);
    up();
    for (const token of [tokens.access_token, tokens.refresh_token]) expect(await isActive(w, token)).toBe(true);
  });

  it("a revocation is not said to be done: the token lives, and is revoked afterwards", async () => {
    const w = await strictly();
    const tokens = await login(w, APP);
    const revoke = (token: string) => w.post("/oauth2/revoke", { token }, AS);
    const up = familiesDown();
    for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token]) expect(await outcomeOf(await revoke(token))).toEqual(UNAVAILABLE);
    up();
    expect(await isActive(w, tokens.access_token)).toBe(true);
    expect((await revoke(tokens.refresh_token)).status).toBe(200);
    expect(await isActive(w, tokens.access_token)).toBe(false);
  });

  it("userinfo is 503, not 401: the application must not log its user out", async () => {
    const w = await strictly();
    const { access_token } = await login(w, APP);
    const up = familiesDown();
    const answer = await userinfo(w, access_token);
    expect(answer.headers.has("www-authenticate")).toBe(false);
    expect(await outcomeOf(answer)).toEqual(UNAVAILABLE);
    up();
    expect((await userinfo(w, access_token)).status).toBe(200);
  });

  it.each([{}, { prompt: "none" }] as Record<string, string>[])(
    "authorize of a browser with a session tells it to come back: no login, no code, no error for the application (%o)",
    async (parameters) => {
      const w = await strictly();
      const { cookie } = await login(w, APP);
      const up = familiesDown();
      const { response } = await begin(w, "travel-agent", parameters, cookie);
      await expectUnavailablePage(response);
      up();
      expect((await arrive(w, "travel-agent", { cookie, authorize: parameters })).code).not.toBe("");
    },
  );

  it("a callback opens nothing and tells the browser to come back; the session before it goes on", async () => {
    const w = await strictly();
    const { cookie, access_token } = await login(w, APP);
    const begun = await begin(w, APP, { prompt: "login" }, cookie);
    const up = familiesDown();
    await expectUnavailablePage(await comeBack(w, begun, { cookie: `${begun.cookie}; ${cookie}` }));
    up();
    expect(await isActive(w, access_token)).toBe(true);
    expect((await arrive(w, APP, { cookie, authorize: { prompt: "none" } })).code).not.toBe("");
    expect((await comeBack(w, await begin(w, APP))).status).toBe(303);
  });

  it("a callback whose new family cannot be opened leaves the session before it as it was", async () => {
    const w = await strictly();
    const { cookie, access_token } = await login(w, APP);
    const begun = await begin(w, APP, { prompt: "login" }, cookie);
    const get = env.FAMILIES.get.bind(env.FAMILIES);
    const calls = familyCalls().mockImplementation(((id: DurableObjectId) => ({
      open: () => Promise.reject(new Error("Network connection lost.")),
      endSession: (...values: [number, string]) => get(id).endSession(...values),
    })) as never);
    await expectUnavailablePage(await comeBack(w, begun, { cookie: `${begun.cookie}; ${cookie}` }));
    calls.mockRestore();
    expect(await isActive(w, access_token)).toBe(true);
    expect((await arrive(w, APP, { cookie, authorize: { prompt: "none" } })).code).not.toBe("");
  });

  it("a logout is not said to be done: the session goes on, keeps its cookie, and ends afterwards", async () => {
    const w = await strictly();
    const { cookie, id_token, access_token } = await login(w, APP);
    const logout = () => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
    const up = familiesDown();
    await expectUnavailablePage(await logout());
    up();
    expect(await isActive(w, access_token)).toBe(true);
    expect((await logout()).status).toBe(303);
    expect(await isActive(w, access_token)).toBe(false);
  });

  it("client credentials give a JWT, which needs no family, and no opaque token, which does", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["billing-worker"], { dialect: "sap" }) });
    const ask = (token_format: string) => w.post("/oauth2/token", { grant_type: "client_credentials", token_format }, ["billing-worker", "billing-worker-secret"]);
    const up = familiesDown();
    expect((await ask("jwt")).status).toBe(200);
    expect(await outcomeOf(await ask("opaque"))).toEqual(UNAVAILABLE);
    up();
    expect((await ask("opaque")).status).toBe(200);
  });

  it("an exchange is neither made nor refused", async () => {
    const w = await strictly();
    const { access_token } = await login(w, APP);
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: access_token,
      subject_token_type: TOKEN_TYPE.access_token,
      audience: "back-end-api",
    };
    const up = familiesDown();
    expect(await outcomeOf(await w.post("/oauth2/token", form, AS))).toEqual(UNAVAILABLE);
    up();
    expect((await w.post("/oauth2/token", form, AS)).status).toBe(200);
  });

  it("what needs no family is answered as ever", async () => {
    const w = await strictly();
    const { access_token, refresh_token } = await login(w, APP);
    familiesDown();
    expect(await introspect(w, APP, "junk")).toEqual({ active: false });
    expect((await w.post("/oauth2/revoke", { token: "junk" }, AS)).status).toBe(200);
    expect((await w.post("/oauth2/revoke", { token: access_token }, ["stranger", "stranger-secret"])).status).toBe(200);
    expect((await userinfo(w, "junk")).status).toBe(401);
    expect((await refresh(w, APP, refresh_token.slice(0, -4))).status).toBe(400);
    expect((await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token }, [APP, "wrong"])).status).toBe(401);
    expect((await begin(w, APP)).response.headers.get("location")).toMatch(/^http:\/\/localhost:8788\/auth/);
    for (const path of ["/oauth2/certs", "/.well-known/openid-configuration", "/health/alive"]) expect((await w.fetch(path)).status).toBe(200);
  });
});

describe("when the family's answer is lost after it decided", () => {
  it("a revocation is 503, and done: asked again it is 200", async () => {
    const w = await strictly();
    const { access_token } = await login(w, APP);
    const found = answersLost();
    expect(await outcomeOf(await w.post("/oauth2/revoke", { token: access_token }, AS))).toEqual(UNAVAILABLE);
    found();
    expect(await isActive(w, access_token)).toBe(false);
    expect((await w.post("/oauth2/revoke", { token: access_token }, AS)).status).toBe(200);
  });

  it("a logout is 503, and done: asked again it ends as it should", async () => {
    const w = await strictly();
    const { cookie, id_token, access_token } = await login(w, APP);
    const logout = () => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
    const found = answersLost();
    await expectUnavailablePage(await logout());
    found();
    expect(await isActive(w, access_token)).toBe(false);
    expect((await logout()).status).toBe(303);
  });
});

describe("whatever goes wrong with an object", () => {
  const failures: readonly (readonly [string, number, () => Promise<unknown>])[] = [
    ["it is gone", 1, () => Promise.reject(new Error("Network connection lost."))],
    ["it threw", 1, () => Promise.reject(Object.assign(new Error("boom"), { remote: true }))],
    ["it is overloaded", 1, () => Promise.reject(Object.assign(new Error("overloaded"), { overloaded: true }))],
    ["it is overloaded and says try again", 1, () => Promise.reject(Object.assign(new Error("overloaded"), { overloaded: true, retryable: true }))],
    ["it may be tried again, in vain", 3, () => Promise.reject(Object.assign(new Error("reset"), { retryable: true }))],
    ["it is of an older version", 1, () => Promise.resolve({ ok: false, reason: "unavailable" })],
  ];

  it.each(failures)("introspection, refresh and revocation are 503: %s", async (_case, attempts, answer) => {
    const w = await strictly();
    const tokens = await login(w, APP);
    const calls = familyCalls().mockImplementation((() => ({ status: answer, refresh: answer, revoke: answer })) as never);
    const requests = [
      () => w.post("/oauth2/introspect", { token: tokens.access_token }, AS),
      () => refresh(w, APP, tokens.refresh_token),
      () => w.post("/oauth2/revoke", { token: tokens.refresh_token }, AS),
    ];
    for (const send of requests) expect(await outcomeOf(await send())).toEqual(UNAVAILABLE);
    expect(calls).toHaveBeenCalledTimes(3 * attempts);
    calls.mockRestore();
    expect((await refresh(w, APP, tokens.refresh_token)).status).toBe(200);
  });

  it.each(["USERS", "SINGLE_USE"] as const)("a login is 503 when %s cannot be reached, and works afterwards", async (namespace) => {
    const w = await strictly();
    const begun = await begin(w, APP);
    const down = vi.spyOn(env[namespace], "getByName").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    await expectUnavailablePage(await comeBack(w, begun));
    down.mockRestore();
    expect((await comeBack(w, await begin(w, APP))).status).toBe(303);
  });
});
