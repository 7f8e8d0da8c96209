import { reset } from "cloudflare:test";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { familiesDown, stopClock } from "../faults.ts";
import { exchange, introspect, login, payloadOf, refresh, type World, world } from "../world.ts";
import { api } from "./api.ts";
import { idpKey } from "./federation-steps.ts";
import { authorize, lastReason, sentTo } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const CORP = "/oauth2/backchannel-logout/corp";

function claims(w: World, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  return { iss: w.idp.issuer, aud: "cambio", iat: now, exp: now + 120, jti: crypto.randomUUID(), events: { [EVENT]: {} }, ...changes };
}

/** The IdP says that a session, or all of a user's, has ended. */
async function say(w: World, changes: Record<string, unknown>, header: Record<string, unknown> = {}, path = CORP): Promise<number> {
  const logout_token = await w.idp.sign(claims(w, changes), { typ: "logout+jwt", ...header });
  return (await w.post(path, { logout_token })).status;
}

const isSignedOn = async (w: World, cookie: string) => sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("code") !== null;
const isAlive = async (w: World, client: string, token: string) => (await introspect(w, client, token)).active;

/** A login at the front end, and its token exchanged for the back end. */
async function exchanged(w: World, options: { readonly cookie?: string } = {}) {
  const tokens = await login(w, "front-end-app", options);
  const { body } = await exchange(w, "front-end-app", { subject_token: tokens.access_token, audience: "back-end-api", requested_token_type: TOKEN_TYPE.access_token });
  return { ...tokens, child: String(body.access_token) };
}

describe("a logout token with the IdP's session", () => {
  it("ends that login's session in one call, exchanged tokens included, and no other session of the user", async () => {
    const w = await world();
    w.idp.claims = { sid: "laptop" };
    const hers = await exchanged(w);
    w.idp.claims = { sid: "phone" };
    const other = await exchanged(w);
    expect(await say(w, { sid: "laptop", sub: "sub-dona.moore" })).toBe(200);
    expect([await isAlive(w, "front-end-app", hers.access_token), await isAlive(w, "back-end-api", hers.child)]).toEqual([false, false]);
    expect((await refresh(w, "front-end-app", hers.refresh_token)).status).toBe(400);
    expect([await isSignedOn(w, hers.cookie), await isSignedOn(w, other.cookie)]).toEqual([false, true]);
    expect(await isAlive(w, "back-end-api", other.child)).toBe(true);
    expect(await say(w, { sid: "phone" })).toBe(200);
    expect([await isSignedOn(w, other.cookie), await isAlive(w, "back-end-api", other.child)]).toEqual([false, false]);
  });

  it("of another user, or at another IdP, ends nothing", async () => {
    const w = await world();
    w.idp.claims = { sid: "laptop" };
    const hers = await login(w, "web-app");
    expect(await say(w, { sid: "laptop", sub: "sub-julie.armstrong" })).toBe(200);
    expect(await say(w, { sid: "elsewhere" })).toBe(200);
    expect(await isSignedOn(w, hers.cookie)).toBe(true);
  });

  it("spares what a policy made independent of the session: revoking the user does not", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { independentOfSession: true } }) });
    w.idp.claims = { sid: "laptop" };
    const hers = await exchanged(w);
    expect(await say(w, { sid: "laptop" })).toBe(200);
    expect([await isAlive(w, "front-end-app", hers.access_token), await isAlive(w, "back-end-api", hers.child)]).toEqual([false, true]);
    expect(await say(w, { sub: "sub-dona.moore" })).toBe(200);
    expect(await isAlive(w, "back-end-api", hers.child)).toBe(true);
    expect((await api(w, "operator", "POST", `/api/v1/users/${payloadOf(hers.id_token).sub}/revoke`, {})).status).toBe(200);
    expect(await isAlive(w, "back-end-api", hers.child)).toBe(false);
  });

  it("spares what was asked for with offline_access", async () => {
    const w = await world();
    w.idp.claims = { sid: "laptop" };
    const hers = await login(w, "mobile-app");
    const offline = await login(w, "travel-agent", { cookie: hers.cookie, scope: "openid offline_access" });
    expect(await say(w, { sid: "laptop" })).toBe(200);
    expect((await refresh(w, "mobile-app", hers.refresh_token)).status).toBe(400);
    expect((await refresh(w, "travel-agent", offline.refresh_token)).status).toBe(200);
  });
});

describe("a logout token with the user alone", () => {
  it("ends all sessions of that user in one call, and nobody else's; the user may log in again", async () => {
    const w = await world();
    const [one, two] = [await exchanged(w), await login(w, "web-app")];
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    expect(await say(w, { sub: "sub-dona.moore" })).toBe(200);
    expect([await isSignedOn(w, one.cookie), await isSignedOn(w, two.cookie), await isSignedOn(w, julie.cookie)]).toEqual([false, false, true]);
    expect(await isAlive(w, "back-end-api", one.child)).toBe(false);
    expect(await isSignedOn(w, (await login(w, "web-app")).cookie)).toBe(true);
  });
});

describe("a logout token", () => {
  it("without a type of its own is taken, as older IdPs send it", async () => {
    const w = await world();
    for (const typ of [undefined, "JWT"]) expect(await say(w, { sub: "sub-dona.moore" }, { typ })).toBe(200);
    expect(await say(w, { sub: "sub-dona.moore", exp: undefined, aud: ["cambio", "other"] })).toBe(200);
  });

  it("AZ-36 is good once, also when much has happened since", async () => {
    const w = await world();
    const logout_token = await w.idp.sign(claims(w, { sub: "sub-dona.moore" }), { typ: "logout+jwt" });
    expect((await w.post(CORP, { logout_token })).status).toBe(200);
    const later = await login(w, "web-app");
    const again = await w.post(CORP, { logout_token });
    expect([again.status, await again.json()]).toEqual([400, { error: "invalid_request", error_description: "The logout token has been used." }]);
    expect(await isSignedOn(w, later.cookie)).toBe(true);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ["of another issuer", { iss: "http://localhost:8798" }],
    ["for another audience", { aud: "other" }],
    ["for no audience", { aud: undefined }],
    ["with a nonce: an ID token", { nonce: "n" }],
    ["without events", { events: undefined }],
    ["with another event", { events: { "http://schemas.openid.net/event/other": {} } }],
    ["whose event is no object", { events: { [EVENT]: true } }],
    ["whose event is a list", { events: { [EVENT]: [] } }],
    ["without sub and sid", { sub: undefined }],
    ["with a sid that is a number", { sid: 1 }],
    ["with an empty sub", { sub: "" }],
    ["without jti", { jti: undefined }],
    ["without iat", { iat: undefined }],
    ["of the future", { iat: 4_000_000_000, exp: 4_000_000_100 }],
    ["of yesterday, without an end", { iat: 1_700_000_000, exp: undefined }],
    ["that has expired", { exp: 1_700_000_000 }],
    ["with an end that is a text", { exp: "never" }],
    ["with the type of an access token", {}, { typ: "at+jwt" }],
    ["with the type of our operators", {}, { typ: "operator+jwt" }],
    ["by a key that nobody knows", {}, { kid: "other" }],
  ])("AZ-36 %s is refused, and ends nothing", async (_name, changes, header = {}) => {
    const w = await world();
    const hers = await login(w, "web-app");
    expect(await say(w, { sub: "sub-dona.moore", ...changes }, header)).toBe(400);
    expect(lastReason(w)).toBe("logout_token_invalid");
    expect(await isSignedOn(w, hers.cookie)).toBe(true);
  });

  it("AZ-36 by another key, another IdP's, or for an IdP that is none, is refused", async () => {
    const w = await world();
    const { privateKey } = await idpKey("idp-1", "RS256");
    const forged = await new SignJWT(claims(w, { sub: "sub-dona.moore" })).setProtectedHeader({ alg: "RS256", kid: "idp-1", typ: "logout+jwt" }).sign(privateKey);
    expect((await w.post(CORP, { logout_token: forged })).status).toBe(400);
    for (const path of ["/oauth2/backchannel-logout/partner", "/oauth2/backchannel-logout/none", "/oauth2/backchannel-logout/NONE"]) {
      expect([path, await say(w, { sub: "sub-dona.moore" }, {}, path)]).toEqual([path, 400]);
    }
    const own = await login(w, "web-app");
    for (const logout_token of [own.id_token, own.access_token, "", "a.b.c"]) expect((await w.post(CORP, { logout_token })).status).toBe(400);
    expect((await w.fetch(`${CORP}?logout_token=${forged}`, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } })).status).toBe(400);
    expect(lastReason(w)).toBe("secret_in_query");
  });
});

describe("when a logout cannot be carried out now", () => {
  it("the IdP is told to say it again: then the same token counts", async () => {
    const w = await world();
    const hers = await login(w, "web-app");
    const up = familiesDown();
    const logout_token = await w.idp.sign(claims(w, { sub: "sub-dona.moore" }), { typ: "logout+jwt" });
    const refused = await w.post(CORP, { logout_token });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
    up();
    expect((await w.post(CORP, { logout_token })).status).toBe(200);
    expect(await isSignedOn(w, hers.cookie)).toBe(false);
    expect((await w.post(CORP, { logout_token })).status).toBe(400);
  });

  it("FED-28 because the IdP's keys are not to be had for more than an hour, it says so, and recovers by itself", async () => {
    const clock = stopClock();
    const w = await world();
    expect(await say(w, { sub: "sub-dona.moore" })).toBe(200);
    const down = () => new Response("down", { status: 500 });
    Object.assign(w.idp.scripts, { discovery: down, keys: down });
    clock.forward(3599);
    expect(await say(w, { sub: "sub-dona.moore" })).toBe(200);
    clock.forward(1);
    const logout_token = await w.idp.sign(claims(w, { sub: "sub-dona.moore" }), { typ: "logout+jwt" });
    const refused = await w.post(CORP, { logout_token });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "2"]);
    Object.assign(w.idp.scripts, { discovery: undefined, keys: undefined });
    clock.forward(30);
    expect((await w.post(CORP, { logout_token })).status).toBe(200);
  });
});

describe("an application that took part in a session", () => {
  const RP = "https://rp.example.com";
  const settings = { backchannelLogoutUri: `${RP}/backchannel`, backchannelLogoutSessionRequired: true };
  const withSettings = (added: object) => world({ tenant: (file) => Object.assign(file.clients["web-app"], added) });

  /** What was sent to the application. */
  function listen(answer: () => Response | Promise<Response> = () => new Response(null, { status: 200 })): { readonly url: string; readonly body: URLSearchParams }[] {
    const sent: { readonly url: string; readonly body: URLSearchParams }[] = [];
    const next = vi.mocked(globalThis.fetch).getMockImplementation();
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      const request = new Request(input as RequestInfo, init as RequestInit);
      if (!request.url.startsWith(RP)) return (await next?.(input, init)) ?? Response.error();
      sent.push({ url: request.url, body: new URLSearchParams(await request.text()) });
      return await answer();
    });
    return sent;
  }

  it("is told by a logout token of ours when the user signs out, with the sid of its ID token", async () => {
    const w = await withSettings(settings);
    const sent = listen();
    const hers = await login(w, "web-app");
    await w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint: hers.id_token })}`, { headers: { cookie: hers.cookie } });
    expect(sent.map(({ url }) => url)).toEqual([settings.backchannelLogoutUri]);
    const token = sent[0]?.body.get("logout_token") ?? "";
    const { sid, sub } = payloadOf(hers.id_token);
    expect(payloadOf(token)).toMatchObject({ iss: "http://localhost:8787", aud: "web-app", sub, sid, events: { [EVENT]: {} }, jti: expect.any(String) });
    expect(payloadOf(token)).not.toHaveProperty("nonce");
    expect(JSON.parse(atob(token.split(".")[0] ?? ""))).toMatchObject({ typ: "logout+jwt", alg: "ES256" });
    expect(Number(payloadOf(token).exp) - Number(payloadOf(token).iat)).toBe(120);
    // It is good for nothing at our own endpoints.
    expect(await introspect(w, "web-app", token)).toEqual({ active: false });
  });

  it("is told when the IdP ends the session, each application once, and only those of that session", async () => {
    const w = await withSettings(settings);
    const sent = listen();
    w.idp.claims = { sid: "laptop" };
    const hers = await login(w, "web-app");
    await login(w, "web-app", { cookie: hers.cookie });
    w.idp.claims = { sid: "phone" };
    await login(w, "web-app");
    expect(await say(w, { sid: "laptop" })).toBe(200);
    expect(sent.map(({ body }) => payloadOf(body.get("logout_token") ?? "").sid)).toEqual([payloadOf(hers.id_token).sid]);
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["answers 500", () => new Response("no", { status: 500 })],
    ["sends us on", () => new Response(null, { status: 302, headers: { location: "https://canary.example.com/" } })],
    ["cannot be reached", () => Promise.reject(new TypeError("refused"))],
  ])("and %s holds up no logout; the audit log says so", async (_name, answer) => {
    const w = await withSettings(settings);
    const sent = listen(answer);
    const hers = await login(w, "web-app");
    expect(await say(w, { sub: "sub-dona.moore" })).toBe(200);
    expect(sent).toHaveLength(1);
    expect(JSON.parse(w.lines.at(-1) ?? "{}")).toMatchObject({ alert: "backchannel_logout_failed", client: "web-app" });
    expect(await isSignedOn(w, hers.cookie)).toBe(false);
  });

  it("is told when another login takes the place of the session in its browser", async () => {
    const w = await withSettings(settings);
    const sent = listen();
    const hers = await login(w, "web-app");
    await login(w, "web-app", { cookie: hers.cookie, user: "julie.armstrong", authorize: { prompt: "login" } });
    expect(sent.map(({ body }) => payloadOf(body.get("logout_token") ?? "").sid)).toEqual([payloadOf(hers.id_token).sid]);
  });

  it("finds in both discovery documents that it can be told", async () => {
    const w = await world();
    for (const name of ["openid-configuration", "oauth-authorization-server"]) {
      expect(await (await w.fetch(`/.well-known/${name}`)).json()).toMatchObject({
        ...{ backchannel_logout_supported: true, backchannel_logout_session_supported: true },
        ...{ frontchannel_logout_supported: true, frontchannel_logout_session_supported: true },
      });
    }
  });

  it("is loaded in a frame when the user signs out, with issuer and session where it wants them", async () => {
    const w = await withSettings({ frontchannelLogoutUri: `${RP}/frame?a=1`, frontchannelLogoutSessionRequired: true });
    const hers = await login(w, "web-app");
    const query = new URLSearchParams({ id_token_hint: hers.id_token, post_logout_redirect_uri: "http://localhost:8789/" });
    const answer = await w.fetch(`/oauth2/logout?${query}`, { headers: { cookie: hers.cookie } });
    const page = await answer.text();
    const frame = new URL((/<iframe src="([^"]*)"/.exec(page)?.[1] ?? "").replaceAll("&amp;", "&"));
    expect([answer.status, frame.origin, Object.fromEntries(frame.searchParams)]).toEqual([200, RP, { a: "1", iss: "http://localhost:8787", sid: payloadOf(hers.id_token).sid }]);
    expect(answer.headers.get("content-security-policy")).toContain(`frame-src ${RP};`);
    expect(answer.headers.get("refresh")).toMatch(/^2; url=http:\/\/localhost:8788\/session\/end\?/);
    expect(answer.headers.get("set-cookie")).toContain("Max-Age=0");
    expect(page).not.toContain("<script");
  });
});
