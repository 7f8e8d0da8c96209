import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, stopClock } from "../faults.ts";
import { arrive, changed, cookiesOf, introspect, login, payloadOf, redeem, refresh, type TenantFile, type Tokens, type World, world } from "../world.ts";
import { authorize, begin, comeBack, lastReason, onHttps, sentTo, setCookie } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

const AT_IDP = /^http:\/\/localhost:8788\/auth\?/;

/** Whether a request went to the IdP, got a code at once, or was refused. */
function outcome(answer: Response): string {
  if (AT_IDP.test(answer.headers.get("location") ?? "")) return "login";
  return sentTo(answer).get("error") ?? (sentTo(answer).get("code") === null ? `page ${answer.status}` : "code");
}

async function signedOn(w: World, options: Parameters<typeof arrive>[2] = {}): Promise<string> {
  return (await arrive(w, "web-app", options)).cookie;
}

describe("HTTP-16 the cookies", () => {
  it("are __Host-, Secure, HttpOnly, SameSite=Lax and of no domain where the issuer is on https", async () => {
    const w = await world(onHttps());
    const begun = await begin(w);
    const back = await comeBack(w, begun);
    const state = setCookie(begun.response, "__Host-cambio_login_");
    const session = setCookie(back, "__Host-cambio_session");
    expect(state?.attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax", "Secure"]);
    expect(session?.name).toBe("__Host-cambio_session");
    expect(session?.attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Lax", "Secure"]);
    for (const cookie of [...begun.response.headers.getSetCookie(), ...back.headers.getSetCookie()]) expect(cookie).toMatch(/^__Host-cambio_[a-zA-Z0-9_-]+=[a-zA-Z0-9_-]*; /);
  });

  it("carry the port in their names and are not Secure on http://localhost, where there is no nearer", async () => {
    const w = await world();
    const begun = await begin(w);
    const back = await comeBack(w, begun);
    expect(setCookie(begun.response, "cambio_login_")?.name).toMatch(/^cambio_login_[A-Za-z0-9_-]{12}_8787$/);
    expect(setCookie(back, "cambio_session_8787")?.attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Lax"]);
  });

  it("of another port or without the prefix are not ours", async () => {
    const w = await world(onHttps());
    const session = setCookie(await comeBack(w, await begin(w)), "__Host-cambio_session")?.value ?? "";
    expect(outcome(await authorize(w, "web-app", {}, `__Host-cambio_session=${session}`))).toBe("code");
    for (const name of ["cambio_session", "cambio_session_443", "__Secure-cambio_session", "__host-cambio_session", " __Host-cambio_session_443"]) {
      expect([name, outcome(await authorize(w, "web-app", {}, `${name}=${session}`))]).toEqual([name, "login"]);
    }
  });

  it("hold a session for nobody else: a changed, cut or foreign one is no session", async () => {
    const w = await world();
    const cookie = await signedOn(w);
    const [name, value = ""] = cookie.split("=");
    const tokens = await login(w, "web-app");
    for (const wrong of ["", "x", value.slice(0, -1), changed(value), `${value}A`, tokens.access_token, tokens.refresh_token, String(payloadOf(tokens.id_token).sid)]) {
      expect([wrong, outcome(await authorize(w, "web-app", {}, `${name}=${wrong}`))]).toEqual([wrong, "login"]);
    }
    expect(outcome(await authorize(w, "web-app", {}, cookie))).toBe("code");
  });
});

describe("single sign-on", () => {
  it("gives a second application its code without a second login", async () => {
    const w = await world();
    const first = await arrive(w, "web-app");
    const asked = w.idp.requests.length;
    const second = await arrive(w, "front-end-app", { cookie: first.cookie });
    expect(w.idp.requests).toHaveLength(asked);
    const [one, two] = [(await (await redeem(w, "web-app", first)).json()) as Tokens, (await (await redeem(w, "front-end-app", second)).json()) as Tokens];
    const [a, b] = [payloadOf(one.id_token), payloadOf(two.id_token)];
    expect(b.sub).toBe(a.sub);
    expect(b.auth_time).toBe(a.auth_time);
    expect(b.aud).toBe("front-end-app");
  });

  it("gives every application its own scopes, and one's revocation leaves the other's tokens alive", async () => {
    const w = await world();
    const first = await login(w, "web-app");
    const second = await login(w, "front-end-app", { cookie: first.cookie, scope: "openid" });
    expect(second.scope).toBe("openid");
    await w.post("/oauth2/revoke", { token: first.refresh_token }, ["web-app", "web-app-secret"]);
    expect(await introspect(w, "front-end-app", second.access_token)).toMatchObject({ active: true });
    expect(await introspect(w, "web-app", first.access_token)).toEqual({ active: false });
  });

  it("ends with the session's lifetime", async () => {
    const clock = stopClock();
    const w = await world({ tenant: (file) => Object.assign(file, { tokenPolicy: { sessionLifetime: 600 } }) });
    const cookie = await signedOn(w);
    clock.forward(599);
    expect(outcome(await authorize(w, "web-app", {}, cookie))).toBe("code");
    clock.forward(1);
    expect(outcome(await authorize(w, "web-app", {}, cookie))).toBe("login");
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, cookie))).toBe("login_required");
  });

  it("goes to the IdP that is asked for, and not for applications that another IdP logs in to", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.identityProviders, { other: { ...file.identityProviders.corp, clientId: "cambio-2" } });
        Object.assign(file.clients["front-end-app"], { identityProviders: ["other"] });
      },
    });
    const cookie = await signedOn(w);
    expect(outcome(await authorize(w, "web-app", { idp: "corp" }, cookie))).toBe("code");
    expect(outcome(await authorize(w, "web-app", { idp: "other", prompt: "none" }, cookie))).toBe("login_required");
    const sent = await authorize(w, "web-app", { idp: "other" }, cookie);
    expect(new URL(sent.headers.get("location") ?? "").searchParams.get("client_id")).toBe("cambio-2");
    expect(outcome(await authorize(w, "front-end-app", {}, cookie))).toBe("login");
    expect(outcome(await authorize(w, "front-end-app", { idp: "corp" }, cookie))).toBe("invalid_request");
  });

  it.each([
    ["its IdP is disabled", (file: TenantFile) => Object.assign(file.identityProviders.corp ?? {}, { disabled: true }), "access_denied"],
    ["its IdP is cut off", (file: TenantFile, now: number) => Object.assign(file.identityProviders.corp ?? {}, { cutoff: now }), "login"],
    ["the tenant is cut off", (file: TenantFile, now: number) => Object.assign(file, { cutoff: now }), "login"],
    ["the application is cut off", (file: TenantFile, now: number) => Object.assign(file.clients["web-app"] ?? {}, { cutoff: now }), "login"],
  ])("stops when %s: no code that could not be redeemed is given", async (_name, change, expected) => {
    const clock = stopClock();
    const w = await world();
    const cookie = await signedOn(w);
    clock.forward(5);
    await editTenant(w, (file) => void change(file, clock.now()));
    clock.forward(11);
    expect(outcome(await authorize(w, "web-app", {}, cookie))).toBe(expected);
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, cookie))).toBe("login_required");
    if (expected === "login") expect((await redeem(w, "web-app", await arrive(w, "web-app", { cookie, authorize: { prompt: "login" } }))).status).toBe(200);
  });
});

describe("prompt, max_age and login_hint", () => {
  it("prompt=none gives a code for a session and login_required without one, and never shows the IdP", async () => {
    const w = await world();
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }))).toBe("login_required");
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, await signedOn(w)))).toBe("code");
  });

  it.each(["login", "select_account"])("prompt=%s goes to the IdP although there is a session, and says so there", async (prompt) => {
    const w = await world();
    const answer = await authorize(w, "web-app", { prompt }, await signedOn(w));
    expect(outcome(answer)).toBe("login");
    expect(sentTo(answer).get("prompt")).toBe(prompt);
  });

  it("max_age lets a session stand that is young enough, and asks for a login otherwise", async () => {
    const clock = stopClock();
    const w = await world();
    const cookie = await signedOn(w);
    clock.forward(100);
    expect(outcome(await authorize(w, "web-app", { max_age: "100" }, cookie))).toBe("code");
    expect(outcome(await authorize(w, "web-app", { max_age: "99", prompt: "none" }, cookie))).toBe("login_required");
    const asked = await authorize(w, "web-app", { max_age: "99" }, cookie);
    expect([outcome(asked), sentTo(asked).get("max_age")]).toEqual(["login", "99"]);
  });

  it.each([
    ["an older login than max_age allows", { max_age: "60" }, -3600],
    ["an older login than prompt=login allows", { prompt: "login" }, -3600],
  ])("does not take %s from the IdP", async (_name, changes, age) => {
    const w = await world();
    w.idp.claims = { auth_time: Math.floor(Date.now() / 1000) + age };
    const begun = await begin(w, "web-app", changes);
    const answer = await comeBack(w, begun);
    expect([outcome(answer), cookiesOf(answer)]).toEqual(["login_required", ""]);
    w.idp.claims = {};
    expect(outcome(await comeBack(w, await begin(w, "web-app", changes)))).toBe("code");
  });

  it.each([undefined, 0])("max_age needs an auth_time from the IdP, and %s is none", async (authTime) => {
    const w = await world();
    w.idp.claims = { auth_time: authTime };
    expect(outcome(await comeBack(w, await begin(w, "web-app", { max_age: "60" })))).toBe("login_required");
    expect(outcome(await comeBack(w, await begin(w, "web-app")))).toBe("code");
  });

  it("tokens say when the user logged in at the IdP, not when we were told", async () => {
    const w = await world();
    const authTime = Math.floor(Date.now() / 1000) - 1000;
    w.idp.claims = { auth_time: authTime };
    const tokens = await login(w, "web-app");
    expect(payloadOf(tokens.id_token).auth_time).toBe(authTime);
  });

  it.each([
    ["in the future", 9_999_999_999],
    ["of no number", "yesterday"],
    ["with a fraction", Date.now() / 1000 - 60.5],
    ["before time began", -1e300],
    ["of 0, which some IdPs say where they do not know", 0],
  ])("an auth_time %s does no harm to the tokens", async (_name, authTime) => {
    const w = await world();
    w.idp.claims = { auth_time: authTime };
    const tokens = await login(w, "web-app");
    const { auth_time, exp } = payloadOf(tokens.id_token) as { auth_time: number; exp: number };
    expect(Number.isSafeInteger(auth_time) && auth_time > 0 && auth_time <= Date.now() / 1000 + 1).toBe(true);
    expect(exp).toBeGreaterThan(Date.now() / 1000);
    expect(await introspect(w, "web-app", tokens.access_token)).toMatchObject({ active: true });
  });

  it("a login at the IdP from so long ago that nothing could be issued any more is asked for again", async () => {
    const w = await world();
    const now = Math.floor(Date.now() / 1000);
    w.idp.claims = { auth_time: now - 90 * 86_400 };
    expect(outcome(await comeBack(w, await begin(w)))).toBe("login_required");
    w.idp.claims = { auth_time: now - 90 * 86_400 + 600 };
    const tokens = await login(w, "web-app");
    expect(tokens.expires_in).toBeGreaterThan(500);
    expect(tokens.expires_in).toBeLessThanOrEqual(600);
  });

  it("login_hint is passed on as it is, and not kept", async () => {
    const w = await world();
    const begun = await begin(w, "web-app", { login_hint: "dona.moore@example.com&prompt=none" });
    expect(begun.asked.get("login_hint")).toBe("dona.moore@example.com&prompt=none");
    expect(begun.asked.get("prompt")).toBeNull();
  });
});

describe("a login in a browser that has a session", () => {
  it("opens a new family and ends the old session, whoever logs in", async () => {
    const w = await world();
    const old = await login(w, "web-app");
    const fresh = await comeBack(w, await begin(w, "web-app", { prompt: "login" }, old.cookie), { user: "julie.armstrong", cookie: "" });
    expect(fresh.status).toBe(400);
    const begun = await begin(w, "web-app", { prompt: "login" }, old.cookie);
    const answer = await comeBack(w, begun, { user: "julie.armstrong", cookie: `${begun.cookie}; ${old.cookie}` });
    const cookie = cookiesOf(answer);
    expect(cookie).not.toBe(old.cookie);
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, old.cookie))).toBe("login_required");
    expect(await introspect(w, "web-app", old.access_token)).toEqual({ active: false });
    expect((await refresh(w, "web-app", old.refresh_token)).status).toBe(400);
    expect(lastReason(w)).toBe("refresh_session_ended");
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, cookie))).toBe("code");
  });

  it("keeps the old session when the new login fails", async () => {
    const w = await world();
    const old = await login(w, "web-app");
    const begun = await begin(w, "web-app", { prompt: "login" }, old.cookie);
    await comeBack(w, begun, { parameters: { error: "access_denied" }, cookie: `${begun.cookie}; ${old.cookie}` });
    expect(outcome(await authorize(w, "web-app", { prompt: "none" }, old.cookie))).toBe("code");
    expect(await introspect(w, "web-app", old.access_token)).toMatchObject({ active: true });
  });
});
