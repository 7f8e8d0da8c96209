import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, stopClock } from "../faults.ts";
import { arrive, changed, cookiesOf, login, redeem, type World, world } from "../world.ts";
import { authorize, begin, comeBack, fieldsOf, lastReason, sentTo } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

/** Gets the page that asks for the click, and what its button sends. */
async function askedToClick(w: World, cookie: string, changes: Record<string, string> = {}): Promise<string> {
  const page = await authorize(w, "mobile-app", changes, cookie);
  expect(page.status).toBe(200);
  expect(page.headers.get("location")).toBeNull();
  const text = await page.text();
  expect(text).not.toContain("cambio_code_");
  return fieldsOf(text).confirm ?? "";
}

async function click(w: World, confirm: string, cookie: string): Promise<Response> {
  return await w.post("/oauth2/authorize", { confirm }, undefined, { cookie });
}

function hasCode(answer: Response): boolean {
  return sentTo(answer).get("code")?.startsWith("cambio_code_") === true;
}

describe("a public client on the device, when the browser has a session", () => {
  it.each([
    ["loopback", "http://127.0.0.1:5000/callback"],
    ["a scheme of its own", "com.example.mobile:/callback"],
  ])("gets its code at %s after a click, not before", async (_name, redirectUri) => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const confirm = await askedToClick(w, cookie, { redirect_uri: redirectUri, state: "after-click" });
    const answer = await click(w, confirm, cookie);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")?.startsWith(`${redirectUri}?code=cambio_code_`)).toBe(true);
    expect(sentTo(answer).get("state")).toBe("after-click");
  });

  it("gets a code that its verifier redeems", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const arrived = await arrive(w, "mobile-app", { cookie });
    expect(arrived.code).toBe("");
    const begun = await begin(w, "mobile-app", {}, cookie);
    const answer = await click(w, fieldsOf(await begun.response.text()).confirm ?? "", cookie);
    const code = sentTo(answer).get("code") ?? "";
    expect((await redeem(w, "mobile-app", { ...arrived, code, verifier: begun.verifier })).status).toBe(200);
  });

  it("is told interaction_required for prompt=none, and login_required where there is no session", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    expect(sentTo(await authorize(w, "mobile-app", { prompt: "none" }, cookie)).get("error")).toBe("interaction_required");
    expect(sentTo(await authorize(w, "mobile-app", { prompt: "none" })).get("error")).toBe("login_required");
  });

  it("needs no click on https, where the address is its own, nor for a confidential client", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["mobile-app"], { redirectUris: ["https://app.example.com/cb"] }) });
    const { cookie } = await login(w, "web-app");
    expect(hasCode(await authorize(w, "mobile-app", { redirect_uri: "https://app.example.com/cb" }, cookie))).toBe(true);
    expect(hasCode(await authorize(w, "front-end-app", {}, cookie))).toBe(true);
  });

  it("needs no click after a login that the user has just made", async () => {
    const w = await world();
    expect(hasCode(await comeBack(w, await begin(w, "mobile-app")))).toBe(true);
    expect(hasCode(await comeBack(w, await begin(w, "mobile-app", { prompt: "login" })))).toBe(true);
  });

  it("shows who is signed in and which application asks, escaped", async () => {
    const evil = `<img src=x onerror=alert(1)>`;
    const w = await world({ tenant: (file) => Object.assign(file.clients["mobile-app"], { displayName: evil }) });
    Object.assign(w.idp.users["dona.moore"] ?? {}, { preferred_username: `"><script>alert(1)</script>` });
    const { cookie } = await login(w, "web-app");
    const text = await (await authorize(w, "mobile-app", {}, cookie)).text();
    expect(text).not.toContain("<img");
    expect(text).not.toContain("<script");
    expect(text).toContain("&lt;img");
    expect(text).toContain("&lt;script&gt;");
  });
});

describe("the click", () => {
  it("counts only in the browser that the page was shown in", async () => {
    const w = await world();
    const [dona, julie] = [await login(w, "web-app"), await login(w, "web-app", { user: "julie.armstrong" })];
    const confirm = await askedToClick(w, dona.cookie);
    for (const cookie of ["", julie.cookie, dona.cookie.replace(/=.*/, "=x")]) {
      const answer = await click(w, confirm, cookie);
      expect([cookie, answer.status, answer.headers.get("location")]).toEqual([cookie, 400, null]);
    }
    expect(hasCode(await click(w, confirm, dona.cookie))).toBe(true);
  });

  it("counts only for the session that the page was shown for, not for a later one of the same user", async () => {
    const w = await world();
    const first = await login(w, "web-app");
    const confirm = await askedToClick(w, first.cookie);
    const second = await login(w, "web-app");
    expect((await click(w, confirm, second.cookie)).status).toBe(400);
  });

  it("counts while the session lives: after a logout the application is told that a login is needed", async () => {
    const w = await world();
    const { cookie, id_token } = await login(w, "web-app");
    const confirm = await askedToClick(w, cookie);
    await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
    expect(sentTo(await click(w, confirm, cookie)).get("error")).toBe("login_required");
  });

  it("counts for ten minutes", async () => {
    const clock = stopClock();
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const confirm = await askedToClick(w, cookie);
    clock.forward(599);
    expect(hasCode(await click(w, confirm, cookie))).toBe(true);
    clock.forward(1);
    expect((await click(w, confirm, cookie)).status).toBe(400);
    expect(lastReason(w)).toBe("login_state_expired");
  });

  it("cannot be made up, changed or taken from elsewhere", async () => {
    const w = await world();
    const { cookie, access_token } = await login(w, "web-app");
    const begun = await begin(w);
    const confirm = await askedToClick(w, cookie);
    const logout = fieldsOf(await (await w.fetch("/oauth2/logout", { headers: { cookie } })).text()).confirm ?? "";
    const state = begun.cookie.slice(begun.cookie.indexOf("=") + 1);
    for (const wrong of ["x", "yes", "true", `${confirm}A`, confirm.slice(0, -1), changed(confirm), logout, state, access_token]) {
      expect([wrong, (await click(w, wrong, cookie)).status]).toEqual([wrong, 400]);
    }
    expect(hasCode(await click(w, confirm, cookie))).toBe(true);
  });

  it("is a POST: the same by GET is an authorization request without a client", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const confirm = await askedToClick(w, cookie);
    expect((await w.fetch(`/oauth2/authorize?confirm=${confirm}`, { headers: { cookie } })).status).toBe(400);
  });

  it("gives nothing to an application, or at an address, that is gone since", async () => {
    const clock = stopClock();
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const confirm = await askedToClick(w, cookie);
    await editTenant(w, (file) => Object.assign(file.clients["mobile-app"] ?? {}, { redirectUris: ["com.example.other:/callback"] }));
    clock.forward(11);
    const answer = await click(w, confirm, cookie);
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
  });

  it("is asked for again each time", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    await click(w, await askedToClick(w, cookie), cookie);
    expect(await askedToClick(w, cookie)).not.toBe("");
  });
});

describe("a login that the IdP let through by its own session", () => {
  const hourAgo = () => Math.floor(Date.now() / 1000) - 3600;

  it.each([
    ["that says so", () => ({ auth_time: hourAgo() })],
    ["that does not say when the user logged in", () => ({ auth_time: undefined })],
  ])("is silent too, at an IdP %s: the click comes after it, and then the code", async (_name, claims) => {
    const w = await world();
    w.idp.claims = claims();
    const page = await comeBack(w, await begin(w, "mobile-app"));
    expect(page.status).toBe(200);
    const cookie = cookiesOf(page);
    expect(cookie).toMatch(/^cambio_session_8787=/);
    const answer = await click(w, fieldsOf(await page.text()).confirm ?? "", cookie);
    expect(hasCode(answer)).toBe(true);
  });

  it("needs no click for a confidential client, nor where the IdP was told to ask the user", async () => {
    const w = await world();
    w.idp.claims = { auth_time: hourAgo() };
    expect(hasCode(await comeBack(w, await begin(w, "web-app")))).toBe(true);
    w.idp.claims = { auth_time: undefined };
    expect(hasCode(await comeBack(w, await begin(w, "mobile-app", { prompt: "login" })))).toBe(true);
  });
});
