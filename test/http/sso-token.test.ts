import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, stoppedClock } from "../faults.ts";
import { arrive, changed, cookiesOf, exchange, introspect, login, payloadOf, redeem, refresh, type Tokens, WEB_CALLBACK, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

const clock = stoppedClock();

const SSO = "urn:sap:identity:sso";

async function ssoToken(w: World, form: Record<string, string> = {}): Promise<string> {
  const { refresh_token } = await login(w, "mobile-app");
  const { status, body } = await exchange(w, "mobile-app", { subject_token: refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: SSO, ...form });
  expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
  return String(body.access_token);
}

const enter = (w: World, sso_token: string, redirect_uri = WEB_CALLBACK) => w.fetch(`/saml2/idp/sso?${new URLSearchParams({ sso_token, redirect_uri })}`);

describe("an SSO token is issued", () => {
  it.each([
    ["access_token", TOKEN_TYPE.access_token],
    ["access_token", TOKEN_TYPE.jwt],
    ["id_token", TOKEN_TYPE.id_token],
    ["refresh_token", TOKEN_TYPE.refresh_token],
  ] as const)("for %s as %s: opaque, five minutes, openid alone, whatever format and type are asked for", async (name, type) => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const asked = { subject_token: tokens[name], subject_token_type: type, resource: SSO, token_format: "jwt", requested_token_type: TOKEN_TYPE.id_token };
    const { status, body } = await exchange(w, "web-app", asked);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^cambio_sso_/),
      issued_token_type: TOKEN_TYPE.access_token,
      token_type: "Bearer",
      expires_in: 300,
      scope: "openid",
    });
  });

  it("in SAP's dialect alone, for a user alone, and for no other target beside it", async () => {
    const w = await world({ tenant: (file) => void file.clients["web-app"].grants.push("client_credentials") });
    const { access_token } = await login(w, "travel-agent");
    const elsewhere = await exchange(w, "travel-agent", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, resource: SSO });
    expect([elsewhere.status, elsewhere.body.error]).toEqual([400, "invalid_target"]);
    const own = (await (await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["web-app", "web-app-secret"])).json()) as { access_token: string };
    const forNobody = await exchange(w, "web-app", { subject_token: own.access_token, subject_token_type: TOKEN_TYPE.access_token, resource: SSO });
    expect([forNobody.status, forNobody.body.error]).toEqual([400, "invalid_request"]);
  });
});

describe("an SSO token is looked at", () => {
  it("by its applications, as often as they like, without using it up; by nobody else", async () => {
    const w = await world();
    const token = await ssoToken(w);
    for (let n = 0; n < 2; n++) expect(await introspect(w, "web-app", token)).toMatchObject({ active: true, scope: "openid", sso_application_ids: ["mobile-app", "web-app"] });
    for (const client of ["front-end-app", "stranger", "orders-api"]) expect(await introspect(w, client, token)).toEqual({ active: false });
    expect((await enter(w, token)).status).toBe(303);
    expect(await introspect(w, "web-app", token)).toEqual({ active: false });
  });

  it("and is good for nothing else: no userinfo, no exchange, no client authentication, no refresh", async () => {
    const w = await world();
    const token = await ssoToken(w);
    expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect((await exchange(w, "mobile-app", { subject_token: token, subject_token_type: TOKEN_TYPE.access_token })).status).toBe(400);
    expect((await w.post("/oauth2/introspect", { token }, undefined, { authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await refresh(w, "mobile-app", token)).status).toBe(400);
    expect((await enter(w, token)).status).toBe(303);
  });
});

describe("an SSO token is redeemed", () => {
  it("once, by one of fifty at a time", async () => {
    const w = await world();
    const token = await ssoToken(w);
    const answers = await Promise.all(Array.from({ length: 50 }, () => enter(w, token)));
    expect(answers.map(({ status }) => status).filter((status) => status === 303)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 303 || status === 401)).toBe(true);
  });

  it("within five minutes, unchanged, and while what it came from is alive", async () => {
    const w = await world();
    const [late, spoilt] = [await ssoToken(w), await ssoToken(w)];
    expect((await enter(w, changed(spoilt))).status).toBe(401);
    clock.forward(299);
    expect((await enter(w, spoilt)).status).toBe(303);
    clock.forward(1);
    expect([(await enter(w, late)).status, lastReason(w)]).toEqual([401, "sso_dead"]);
    const { refresh_token } = await login(w, "mobile-app");
    const { body } = await exchange(w, "mobile-app", { subject_token: refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: SSO });
    await w.post("/oauth2/revoke", { token: refresh_token, client_id: "mobile-app" });
    expect((await enter(w, String(body.access_token))).status).toBe(401);
  });

  it("to an address that it allows, compared as bytes: redirect URIs and homes of its applications, none of a disabled one", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["web-app"], { homeUrl: "https://web.example.com/" }) });
    const token = await ssoToken(w);
    const bad = [
      "https://evil.example.com/",
      `${WEB_CALLBACK}/`,
      `${WEB_CALLBACK}?x=1`,
      "https://web.example.com",
      "https://web.example.com/x",
      "http://127.0.0.1:5000/callback",
      "javascript:alert(1)",
    ];
    for (const uri of bad) {
      const answer = await enter(w, token, uri);
      expect([uri, answer.status, answer.headers.get("location"), answer.headers.getSetCookie()]).toEqual([uri, 400, null, []]);
    }
    const home = await enter(w, token, "https://web.example.com/");
    expect([home.status, home.headers.get("location")]).toEqual([303, "https://web.example.com/"]);
    expect([home.headers.get("referrer-policy"), home.headers.get("cache-control")]).toEqual(["no-referrer", "no-store"]);
    await editTenant(w, (file) => void Object.assign(file.clients["web-app"] ?? {}, { disabled: true }));
    clock.forward(11);
    expect((await enter(w, await ssoToken(w))).status).toBe(400);
  });

  it.each<[string, Parameters<typeof editTenant>[1]]>([
    ["its application is disabled", (file) => void Object.assign(file.clients["mobile-app"] ?? {}, { disabled: true })],
    ["its application is cut off", (file) => void Object.assign(file.clients["mobile-app"] ?? {}, { cutoff: clock.now() })],
    ["its user's IdP is disabled", (file) => void Object.assign(file.identityProviders.corp ?? {}, { disabled: true })],
    ["the tenant is cut off", (file) => void Object.assign(file, { cutoff: clock.now() })],
  ])("TX-23 not once %s, by either way in", async (_what, ending) => {
    const w = await world();
    const tokens = [await ssoToken(w), await ssoToken(w)];
    await editTenant(w, ending);
    clock.forward(11);
    const answer = await enter(w, tokens[0] ?? "");
    expect([answer.status, answer.headers.getSetCookie(), lastReason(w)]).toEqual([401, [], "sso_dead"]);
    const { code } = await arrive(w, "web-app", { scope: "openid", authorize: { sso_token: tokens[1] ?? "" } });
    expect([code, lastReason(w)]).toEqual(["", "sso_dead"]);
  });

  it("for a session as narrow as itself: its applications, its scope, one hop more, and what is issued dies with it", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file, { tokenPolicy: { maxHops: 2 } }) });
    const cookie = cookiesOf(await enter(w, await ssoToken(w)));
    const redeemed = await redeem(w, "web-app", await arrive(w, "web-app", { cookie, scope: "openid email profile" }));
    const tokens = (await redeemed.json()) as { readonly access_token: string; readonly scope: string };
    expect([tokens.scope, payloadOf(tokens.access_token).aud]).toEqual(["openid", "web-app"]);
    // The SSO token was the first hop, its redemption the second: there is no third.
    const third = await exchange(w, "web-app", { subject_token: tokens.access_token, subject_token_type: TOKEN_TYPE.access_token });
    expect([third.status, lastReason(w)]).toEqual([400, "subject_depth"]);
    const before = w.idp.requests.length;
    await arrive(w, "front-end-app", { cookie });
    expect(w.idp.requests.length).toBeGreaterThan(before);
  });

  it.each([
    ["openid", "openid", false],
    ["openid offline_access", "openid offline_access", true],
  ] as const)("with %s, for one that is asked for offline_access: it gives %s, which outlives the logout: %s", async (scope, given, outlives) => {
    // Else what SAP's applications exchange is independent of the session of its origin.
    const w = await world({ tenant: (file) => void Object.assign(file.clients["mobile-app"], { tokenPolicy: { independentOfSession: false } }) });
    const entered = async () => {
      const mobile = await login(w, "mobile-app", { scope });
      const subject = { subject_token: mobile.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token };
      const { body } = await exchange(w, "mobile-app", { ...subject, resource: SSO, scope });
      const session = cookiesOf(await enter(w, String(body.access_token)));
      const tokens = (await (await redeem(w, "web-app", await arrive(w, "web-app", { cookie: session, scope: "openid offline_access" }))).json()) as Tokens;
      expect(tokens.scope).toBe(given);
      return { mobile, session, tokens };
    };
    const logOut = (id_token_hint: string, cookie: string) => w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint })}`, { headers: { cookie } });
    for (const where of ["here", "at its origin"]) {
      const { mobile, session, tokens } = await entered();
      await logOut(where === "here" ? tokens.id_token : mobile.id_token, where === "here" ? session : mobile.cookie);
      expect([where, (await introspect(w, "web-app", tokens.access_token)).active]).toEqual([where, outlives]);
      expect((await refresh(w, "web-app", tokens.refresh_token)).status).toBe(outlives ? 200 : 400);
    }
  });
});
