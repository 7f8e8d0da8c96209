import { describe, expect, it } from "vitest";
import type { KeyRoles } from "../../src/tenants/key-roles.ts";
import { changeKeys, consistently, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { arrive, introspect, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";
import { begin, comeBack } from "./login-steps.ts";

const clock = stoppedClock();

type Role = KeyRoles["token"][number]["role"];

/** Every decision uses configuration that was confirmed at most this long ago. Seconds. */
const BOUND = 10;
const APP = "web-app";

/** Changes the role of token keys by number, and waits until every isolate knows. */
async function setToken(roles: Readonly<Record<number, Role>>): Promise<void> {
  await changeKeys((known) => ({ ...known, token: known.token.map((key) => ({ ...key, role: roles[key.number] ?? key.role })) }));
  clock.forward(BOUND);
}

/** The number of the key that a token of ours was made with. */
function keyNumberOf(token: string): number {
  const bytes = atob(
    token
      .replace(/^cambio_[a-z]+_/, "")
      .slice(0, 4)
      .replaceAll("-", "+")
      .replaceAll("_", "/"),
  );
  return bytes.charCodeAt(1) * 256 + bytes.charCodeAt(2);
}

const isActive = async (w: World, token: string) => (await introspect(w, APP, token)).active;

async function allOf(w: World) {
  const first = await login(w, APP);
  const { access_token: opaque, refresh_token } = (await (await refresh(w, APP, first.refresh_token)).json()) as Tokens;
  return { jwt: first.access_token, idToken: first.id_token, cookie: first.cookie, opaque, refresh_token };
}

describe("a rotation of the token key", () => {
  it("makes new tokens by the new key, and honours everything that the previous one made", async () => {
    const w = await world();
    const before = await allOf(w);
    const code = await arrive(w, "front-end-app", { cookie: before.cookie });
    const begun = await begin(w, "travel-agent");
    expect([keyNumberOf(before.opaque), keyNumberOf(before.refresh_token)]).toEqual([1, 1]);
    await setToken({ 1: "previous", 2: "current" });
    for (const token of [before.jwt, before.idToken, before.opaque, before.refresh_token]) expect(await isActive(w, token)).toBe(true);
    expect((await redeem(w, "front-end-app", code)).status).toBe(200);
    expect((await comeBack(w, begun)).headers.get("location")).toContain("code=");
    expect((await arrive(w, APP, { cookie: before.cookie, authorize: { prompt: "none" } })).code).not.toBe("");
    const next = (await (await refresh(w, APP, before.refresh_token)).json()) as Tokens;
    expect([keyNumberOf(next.access_token), keyNumberOf(next.refresh_token)]).toEqual([2, 2]);
    expect((await refresh(w, APP, next.refresh_token)).status).toBe(200);
  });

  it("makes nothing by a key that is only next", async () => {
    const w = await world();
    expect(keyNumberOf((await login(w, APP)).refresh_token)).toBe(1);
    await setToken({ 1: "next", 2: "next" });
    const arrived = await begin(w, APP);
    expect(arrived.response.status).toBe(503);
  });
});

describe("a dropped token key", () => {
  it("takes with it every opaque token, refresh token, JWT, code, session and login that it made", async () => {
    const w = await world();
    const tokens = await allOf(w);
    const code = await arrive(w, "front-end-app", { cookie: tokens.cookie });
    const begun = await begin(w, "travel-agent");
    await setToken({ 1: "dropped", 2: "current" });
    for (const token of [tokens.jwt, tokens.idToken, tokens.opaque, tokens.refresh_token]) expect(await isActive(w, token)).toBe(false);
    for (const token of [tokens.jwt, tokens.opaque]) expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    for (const answer of [await refresh(w, APP, tokens.refresh_token), await redeem(w, "front-end-app", code)]) {
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
    }
    expect((await comeBack(w, begun)).status).toBe(400);
    expect((await arrive(w, APP, { cookie: tokens.cookie, authorize: { prompt: "none" } })).location.searchParams.get("error")).toBe("login_required");
    expect(await isActive(w, (await login(w, APP)).access_token)).toBe(true);
  });

  it("leaves what the other key made alone", async () => {
    const w = await world();
    await setToken({ 1: "previous", 2: "current" });
    const tokens = await allOf(w);
    await setToken({ 1: "dropped" });
    for (const token of [tokens.jwt, tokens.opaque, tokens.refresh_token]) expect(await isActive(w, token)).toBe(true);
    expect((await refresh(w, APP, tokens.refresh_token)).status).toBe(200);
  });

  it("leaves copies that nobody can open: the family is asked", async () => {
    const w = await world({ tenant: consistently("eventual") });
    await setToken({ 1: "previous", 2: "current" });
    const { refresh_token } = await login(w, APP);
    await setToken({ 1: "current", 2: "previous" });
    const { access_token } = (await (await refresh(w, APP, refresh_token)).json()) as Tokens;
    expect(await introspect(w, APP, access_token)).toMatchObject({ active: true, cambio_consistency: "eventual" });
    await setToken({ 1: "dropped", 2: "current" });
    expect(await introspect(w, APP, access_token)).toEqual({ active: false });
  });

  it("with none to follow it is 503: nothing is made, and nothing is judged that another made", async () => {
    const w = await world();
    const tokens = await allOf(w);
    await setToken({ 1: "dropped", 2: "dropped" });
    expect((await begin(w, APP)).response.status).toBe(503);
    const service = await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"]);
    expect(await outcomeOf(service)).toEqual(UNAVAILABLE);
    expect(await isActive(w, tokens.opaque)).toBe(false);
  });
});
