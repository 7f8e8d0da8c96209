import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, stopClock } from "../faults.ts";
import { changed, introspect, login, refresh, type World, world } from "../world.ts";
import { authorize, begin, fieldsOf, lastReason, sentTo, setCookie } from "./login-steps.ts";

const HOME = "http://localhost:8789/";
const AT_IDP = "http://localhost:8788/session/end";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

async function logout(w: World, parameters: Record<string, string>, cookie = ""): Promise<Response> {
  return await w.fetch(`/oauth2/logout?${new URLSearchParams(parameters)}`, { headers: { cookie } });
}

async function isSignedOn(w: World, cookie: string): Promise<boolean> {
  return sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("code") !== null;
}

function withoutIdpLogout(): Promise<World> {
  return world({ tenant: (file) => Object.assign(file.identityProviders.corp, { logout: false }) });
}

describe("a logout with the ID token of the current session", () => {
  it("ends the session at once: cookie, refresh tokens and access tokens that end with it", async () => {
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app");
    const answer = await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME, state: "bye & more" }, tokens.cookie);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe(`${HOME}?state=bye+%26+more`);
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(setCookie(answer, "cambio_session_8787")).toMatchObject({ value: "", attributes: expect.arrayContaining(["Max-Age=0", "Path=/"]) });
    expect(await isSignedOn(w, tokens.cookie)).toBe(false);
    expect(await introspect(w, "web-app", tokens.access_token)).toEqual({ active: false });
    expect((await refresh(w, "web-app", tokens.refresh_token)).status).toBe(400);
  });

  it("ends it for every application of the session, and leaves the tokens of offline_access alive", async () => {
    const w = await withoutIdpLogout();
    const web = await login(w, "web-app");
    const front = await login(w, "front-end-app", { cookie: web.cookie });
    const offline = await login(w, "travel-agent", { cookie: web.cookie, scope: "openid offline_access" });
    await logout(w, { id_token_hint: web.id_token }, web.cookie);
    expect(await introspect(w, "front-end-app", front.access_token)).toEqual({ active: false });
    expect((await refresh(w, "front-end-app", front.refresh_token)).status).toBe(400);
    expect((await refresh(w, "travel-agent", offline.refresh_token)).status).toBe(200);
  });

  it("takes the hint of any application of the session", async () => {
    const w = await withoutIdpLogout();
    const web = await login(w, "web-app");
    const front = await login(w, "front-end-app", { cookie: web.cookie });
    expect((await logout(w, { id_token_hint: front.id_token, post_logout_redirect_uri: HOME }, web.cookie)).headers.get("location")).toBe(HOME);
    expect(await isSignedOn(w, web.cookie)).toBe(false);
  });

  it("takes a hint that has expired", async () => {
    const clock = stopClock();
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app");
    clock.forward(7200);
    expect((await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).headers.get("location")).toBe(HOME);
    expect(await isSignedOn(w, tokens.cookie)).toBe(false);
  });

  it("takes a POST, and answers it by a 303 (AZ-23)", async () => {
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app");
    const answer = await w.post("/oauth2/logout", { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, undefined, { cookie: tokens.cookie });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, HOME]);
    expect(await isSignedOn(w, tokens.cookie)).toBe(false);
  });

  it("takes a POST from another site too, which brings no cookie: the hint names its session", async () => {
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app");
    const answer = await w.post("/oauth2/logout", { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME });
    expect(answer.status).toBe(303);
    expect(await isSignedOn(w, tokens.cookie)).toBe(false);
  });

  it("twice is once", async () => {
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app");
    for (const _ of [1, 2]) expect((await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).headers.get("location")).toBe(HOME);
  });
});

describe("a logout without a hint of the current session", () => {
  it("asks for a click first, and does nothing before it", async () => {
    const w = await withoutIdpLogout();
    const { cookie } = await login(w, "web-app");
    const page = await logout(w, { client_id: "web-app", post_logout_redirect_uri: HOME, state: "s" }, cookie);
    expect([page.status, page.headers.get("location"), page.headers.getSetCookie()]).toEqual([200, null, []]);
    expect(await isSignedOn(w, cookie)).toBe(true);
    const { confirm = "" } = fieldsOf(await page.text());
    const answer = await w.post("/oauth2/logout", { confirm }, undefined, { cookie });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, `${HOME}?state=s`]);
    expect(await isSignedOn(w, cookie)).toBe(false);
  });

  it("asks too when the hint is of another session, another user's or the same user's", async () => {
    const w = await withoutIdpLogout();
    const [mine, sameUser, other] = [await login(w, "web-app"), await login(w, "web-app"), await login(w, "web-app", { user: "julie.armstrong" })];
    for (const { id_token } of [sameUser, other]) {
      const page = await logout(w, { id_token_hint: id_token, post_logout_redirect_uri: HOME }, mine.cookie);
      expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
    }
    for (const { cookie } of [mine, sameUser, other]) expect(await isSignedOn(w, cookie)).toBe(true);
  });

  it("asks too when the hint's tokens do not end with a session", async () => {
    const w = await withoutIdpLogout();
    const tokens = await login(w, "web-app", { scope: "openid offline_access" });
    expect((await logout(w, { id_token_hint: tokens.id_token }, tokens.cookie)).status).toBe(200);
    expect(await isSignedOn(w, tokens.cookie)).toBe(true);
  });

  it("counts the click only in the browser, and for the session, that it was asked in", async () => {
    const w = await withoutIdpLogout();
    const [attacker, victim] = [await login(w, "web-app", { user: "julie.armstrong" }), await login(w, "web-app")];
    const { confirm = "" } = fieldsOf(await (await logout(w, {}, attacker.cookie)).text());
    // A form on another site posts what the attacker was asked: with Lax cookies the victim's browser sends none, and keeps its own.
    for (const cookie of ["", victim.cookie]) {
      const answer = await w.post("/oauth2/logout", { confirm }, undefined, { cookie });
      expect([answer.status, answer.headers.getSetCookie()]).toEqual([400, []]);
    }
    expect(await isSignedOn(w, victim.cookie)).toBe(true);
    expect(await isSignedOn(w, attacker.cookie)).toBe(true);
  });

  it("takes no cookie away for a hint of somebody else's session", async () => {
    const w = await withoutIdpLogout();
    const [attacker, victim] = [await login(w, "web-app", { user: "julie.armstrong" }), await login(w, "web-app")];
    const answer = await w.post("/oauth2/logout", { id_token_hint: attacker.id_token });
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await isSignedOn(w, attacker.cookie)).toBe(false);
    expect(await isSignedOn(w, victim.cookie)).toBe(true);
  });

  it("counts the click for ten minutes, and nothing that is made up", async () => {
    const clock = stopClock();
    const w = await withoutIdpLogout();
    const { cookie, id_token } = await login(w, "web-app");
    const { confirm = "" } = fieldsOf(await (await logout(w, {}, cookie)).text());
    const begun = await begin(w);
    for (const wrong of ["yes", `${confirm}A`, changed(confirm), id_token, begun.cookie.slice(begun.cookie.indexOf("=") + 1)]) {
      expect([wrong, (await w.post("/oauth2/logout", { confirm: wrong }, undefined, { cookie })).status]).toEqual([wrong, 400]);
    }
    expect((await logout(w, { confirm }, cookie)).status).toBe(200);
    clock.forward(600);
    expect((await w.post("/oauth2/logout", { confirm }, undefined, { cookie })).status).toBe(400);
    expect(lastReason(w)).toBe("logout_unknown");
    expect(await isSignedOn(w, cookie)).toBe(true);
  });

  it("without any session says that the user is signed out, or goes on", async () => {
    const w = await world();
    expect((await logout(w, {})).status).toBe(200);
    expect((await logout(w, { client_id: "web-app", post_logout_redirect_uri: HOME, state: "s" })).headers.get("location")).toBe(`${HOME}?state=s`);
  });
});

describe("a logout goes on at the IdP", () => {
  it("where its record says so, with the IdP's own ID token, and comes back to the application", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const onward = await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME, state: "s" }, tokens.cookie);
    expect(onward.status).toBe(303);
    expect(onward.headers.get("location")).toMatch(new RegExp(`^${AT_IDP}\\?`));
    expect(onward.headers.get("referrer-policy")).toBe("no-referrer");
    const asked = sentTo(onward);
    expect(asked.get("post_logout_redirect_uri")).toBe("http://localhost:8787/oauth2/logout");
    expect(asked.get("id_token_hint")?.split(".")).toHaveLength(3);
    expect(asked.get("state")).not.toContain("localhost");
    const back = await logout(w, { state: asked.get("state") ?? "" });
    expect([back.status, back.headers.get("location")]).toEqual([303, `${HOME}?state=s`]);
  });

  it("and comes back to a page of ours where the application named none", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const asked = sentTo(await logout(w, { id_token_hint: tokens.id_token }, tokens.cookie));
    const back = await logout(w, { state: asked.get("state") ?? "" });
    expect([back.status, back.headers.get("location")]).toEqual([200, null]);
  });

  it("comes back nowhere for a state that is not ours, changed or ten minutes old", async () => {
    const clock = stopClock();
    const w = await world();
    const tokens = await login(w, "web-app");
    const state = sentTo(await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).get("state") ?? "";
    const begun = await begin(w);
    for (const wrong of ["s", `${state}A`, changed(state), begun.cookie.slice(begun.cookie.indexOf("=") + 1)])
      expect((await logout(w, { state: wrong })).headers.get("location")).toBeNull();
    clock.forward(600);
    expect((await logout(w, { state })).headers.get("location")).toBeNull();
  });

  it.each([
    ["is switched off", { disabled: true }],
    ["does not log out", { logout: false }],
  ])("and not where the IdP %s", async (_name, change) => {
    const clock = stopClock();
    const w = await world();
    const tokens = await login(w, "web-app");
    await editTenant(w, (file) => Object.assign(file.identityProviders.corp ?? {}, change));
    clock.forward(11);
    expect((await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).headers.get("location")).toBe(HOME);
  });

  it.each([
    ["cannot be reached", () => new Response("down", { status: 500 })],
    ["answers garbage", () => new Response("<html>")],
  ])("and ends here all the same where the IdP %s", async (_name, answer) => {
    const clock = stopClock();
    const w = await world();
    const tokens = await login(w, "web-app");
    w.idp.scripts.discovery = answer;
    clock.forward(7200);
    expect((await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).headers.get("location")).toBe(HOME);
    expect(await isSignedOn(w, tokens.cookie)).toBe(false);
  });
});
