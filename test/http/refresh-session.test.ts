import { describe, expect, it } from "vitest";
import { stoppedClock } from "../faults.ts";
import { type AppId, arrive, introspect, login, payloadOf, redeem, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const HOUR = 3600;
const OFFLINE = "openid email offline_access";

type Login = Awaited<ReturnType<typeof login>>;

/** Logs the browser out with the ID token as the hint: no click is needed. */
async function logout(w: World, { id_token, cookie }: Login): Promise<void> {
  const answer = await w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint: id_token })}`, { headers: { cookie } });
  expect(answer.headers.getSetCookie().join()).toContain("Max-Age=0");
}

async function expectAlive(w: World, app: AppId, tokens: Tokens): Promise<void> {
  expect(await introspect(w, app, tokens.access_token)).toMatchObject({ active: true });
  expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } })).status).toBe(200);
  expect((await refresh(w, app, tokens.refresh_token)).status).toBe(200);
}

async function expectDead(w: World, app: AppId, tokens: Tokens): Promise<void> {
  for (const token of [tokens.access_token, tokens.refresh_token]) expect(await introspect(w, app, token)).toEqual({ active: false });
  expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } })).status).toBe(401);
  const answer = await refresh(w, app, tokens.refresh_token);
  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
}

describe("a logout", () => {
  it.each(["front-end-app", "web-app", "travel-agent"] as const)("RT-10 ends every token that is coupled with the session (%s)", async (app) => {
    const w = await world();
    const tokens = await login(w, app);
    await logout(w, tokens);
    await expectDead(w, app, tokens);
  });

  it.each(["front-end-app", "web-app"] as const)("leaves what was granted with offline_access (%s)", async (app) => {
    const w = await world();
    const tokens = await login(w, app, { scope: OFFLINE });
    const coupled = await login(w, "travel-agent", { cookie: tokens.cookie });
    // A token that outlives the session names none, so the hint is another application's.
    await logout(w, { ...coupled, cookie: tokens.cookie });
    await expectAlive(w, app, tokens);
    await expectDead(w, "travel-agent", coupled);
    expect(payloadOf(tokens.id_token)).not.toHaveProperty("sid");
  });

  it("ends a login's tokens whatever the client's record says of the session: independent is what is exchanged", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { tokenPolicy: { independentOfSession: true } }) });
    const tokens = await login(w, "web-app");
    const coupled = await login(w, "travel-agent", { cookie: tokens.cookie });
    await logout(w, { ...coupled, cookie: tokens.cookie });
    await expectDead(w, "web-app", tokens);
  });

  it("ends the other applications of the session, not the user's other browser", async () => {
    const w = await world();
    const one = await login(w, "front-end-app");
    const signedOn = await login(w, "travel-agent", { cookie: one.cookie });
    const otherBrowser = await login(w, "front-end-app");
    await logout(w, one);
    await expectDead(w, "travel-agent", signedOn);
    await expectAlive(w, "front-end-app", otherBrowser);
  });

  it("leaves a code of the session worthless", async () => {
    const w = await world();
    const tokens = await login(w, "front-end-app");
    const arrived = await arrive(w, "travel-agent", { cookie: tokens.cookie });
    expect(arrived.code).not.toBe("");
    await logout(w, tokens);
    const answer = await redeem(w, "travel-agent", arrived);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
  });
});

describe("a session's own end", () => {
  const policy = { sessionLifetime: HOUR, refreshTokenLifetime: 24 * HOUR };
  const begun = () => world({ tenant: (file) => Object.assign(file, { tokenPolicy: policy }) });

  it("is the latest end of every token that is coupled with it, refreshed or not", async () => {
    const w = await begun();
    const began = clock.now();
    const first = await login(w, "web-app");
    expect(await introspect(w, "web-app", first.refresh_token)).toMatchObject({ exp: began + HOUR });
    clock.forward(HOUR - 60);
    const second = (await (await refresh(w, "web-app", first.refresh_token, { token_format: "jwt" })).json()) as Tokens;
    expect(second.expires_in).toBe(60);
    expect(payloadOf(second.access_token).exp).toBe(began + HOUR);
    expect(payloadOf(second.id_token).exp).toBe(began + HOUR);
    clock.forward(60);
    await expectDead(w, "web-app", second);
  });

  it("is nothing to what was granted with offline_access", async () => {
    const w = await begun();
    const first = await login(w, "web-app", { scope: OFFLINE });
    clock.forward(2 * HOUR);
    const second = (await (await refresh(w, "web-app", first.refresh_token)).json()) as Tokens;
    await expectAlive(w, "web-app", second);
    const silent = await arrive(w, "web-app", { cookie: first.cookie, authorize: { prompt: "none" } });
    expect(silent.location.searchParams.get("error")).toBe("login_required");
  });
});
