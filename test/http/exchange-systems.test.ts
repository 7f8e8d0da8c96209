import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { arrive, cookiesOf, exchange, introspect, login, payloadOf, redeem, refresh, WEB_CALLBACK, world } from "../world.ts";

beforeEach(reset);

describe("an exchange as CERN's page has it", () => {
  it("lets the front end trade its user's token for one of the back end, whose roles replace its own", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect(payloadOf(access_token).resource_access).toEqual({ "front-end-app": { roles: ["administrator", "frontend_user"] } });
    const { status, body } = await exchange(w, "front-end-app", { subject_token: access_token, requested_token_type: TOKEN_TYPE.refresh_token, audience: "back-end-api" });
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.refresh_token, token_type: "Bearer", "not-before-policy": 0 });
    expect(body.refresh_token).toMatch(/^cambio_rt_/);
    expect(payloadOf(String(body.access_token))).toMatchObject({
      aud: "back-end-api",
      azp: "front-end-app",
      roles: ["backend_user"],
      resource_access: { "back-end-api": { roles: ["backend_user"] } },
    });
    const renewed = await refresh(w, "front-end-app", String(body.refresh_token));
    expect(renewed.status).toBe(200);
    expect(payloadOf(((await renewed.json()) as { access_token: string }).access_token)).toMatchObject({ aud: "back-end-api", roles: ["backend_user"] });
    expect(await introspect(w, "back-end-api", String(body.access_token))).toMatchObject({ active: true, aud: "back-end-api" });
  });
});

describe("an exchange as SAP's pages have it", () => {
  it("turns an opaque token into a token set, and a refresh token into an SSO token that the web app may look at", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app");
    const opaque = (await (await refresh(w, "mobile-app", tokens.refresh_token, { token_format: "opaque" })).json()) as { access_token: string; refresh_token: string };
    const set = await exchange(w, "mobile-app", { subject_token: opaque.access_token, subject_token_type: TOKEN_TYPE.access_token, scope: "openid" });
    expect(set.status, JSON.stringify([set.body, w.lines.at(-1)])).toBe(200);
    expect(set.body).toMatchObject({ issued_token_type: TOKEN_TYPE.access_token, token_type: "Bearer", scope: "openid" });
    expect(Object.keys(set.body).sort()).toEqual(["access_token", "expires_in", "id_token", "issued_token_type", "refresh_token", "scope", "token_type"]);
    const sso = await exchange(w, "mobile-app", { subject_token: opaque.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: "urn:sap:identity:sso" });
    expect(sso.status, JSON.stringify([sso.body, w.lines.at(-1)])).toBe(200);
    expect(sso.body).toMatchObject({ expires_in: 300, scope: "openid", issued_token_type: TOKEN_TYPE.access_token });
    expect(await introspect(w, "web-app", String(sso.body.access_token))).toMatchObject({
      active: true,
      sso_application_ids: ["mobile-app", "web-app"],
      sso_redirect_uris: ["http://127.0.0.1/callback", "com.example.mobile:/callback", "http://localhost:8789/callback"],
    });
  });
});

describe("an exchange as IDaaS has it", () => {
  it("gives the agent the user's token for the service with the one permission that it asked for", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const { status, body } = await exchange(w, "travel-agent", {
      subject_token: access_token,
      subject_token_type: TOKEN_TYPE.access_token,
      scope: "hr-service|level:read",
      audience: "hr-service",
    });
    expect(status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", expires_at: expect.any(Number), scope: "level:read" });
    expect(payloadOf(String(body.access_token))).toMatchObject({ aud: "hr-service", scope: "level:read" });
    expect((await exchange(w, "travel-agent", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, scope: "hr-service|salary:read" })).body.error).toBe(
      "invalid_scope",
    );
    expect((await exchange(w, "travel-agent", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, scope: "hr-service|.all" })).body.scope).toBe(
      "level:read budget:read",
    );
  });
});

describe("client credentials for a target", () => {
  it("gives the billing worker the orders that it may read, named by resource", async () => {
    const w = await world();
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", resource: "https://orders.example.com" }, ["billing-worker", "billing-worker-secret"]);
    expect(answer.status).toBe(200);
    const { access_token } = (await answer.json()) as { access_token: string };
    expect(payloadOf(access_token)).toMatchObject({ aud: ["https://orders.example.com", "orders-api"], scope: "orders:read", sub: "billing-worker" });
    const exchanged = await exchange(w, "orders-api", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token });
    expect(exchanged.status, JSON.stringify([exchanged.body, w.lines.at(-1)])).toBe(200);
  });
});

describe("an SSO token", () => {
  it("opens a session as narrow as itself, once, at an address that it allows", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app");
    const { body } = await exchange(w, "mobile-app", { subject_token: tokens.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: "urn:sap:identity:sso" });
    const ssoToken = String(body.access_token);
    const url = (redirect: string) => `/saml2/idp/sso?${new URLSearchParams({ sso_token: ssoToken, redirect_uri: redirect })}`;
    expect((await w.fetch(url("https://evil.example.com/"))).status).toBe(400);
    const answer = await w.fetch(url(WEB_CALLBACK));
    expect([answer.status, answer.headers.get("location"), answer.headers.get("referrer-policy")]).toEqual([303, WEB_CALLBACK, "no-referrer"]);
    expect((await w.fetch(url(WEB_CALLBACK))).status).toBe(401);
    const cookie = cookiesOf(answer);
    const arrived = await arrive(w, "web-app", { cookie, scope: "openid email" });
    const redeemed = await redeem(w, "web-app", arrived);
    expect(redeemed.status, w.lines.at(-1)).toBe(200);
    expect(payloadOf(((await redeemed.json()) as { access_token: string }).access_token)).toMatchObject({ aud: "web-app", scope: "openid" });
    const elsewhere = await arrive(w, "front-end-app", { cookie });
    expect(w.idp.requests.some((request) => request.startsWith("POST"))).toBe(true);
    expect(elsewhere.code).not.toBe("");
    expect(await introspect(w, "web-app", ssoToken)).toEqual({ active: false });
  });
});

describe("explaining an exchange", () => {
  it("says what would be given, and the reason of a refusal, and issues nothing", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const ask = async (form: Record<string, string>) =>
      (await (
        await w.post("/oauth2/exchange/explain", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, ...form }, ["travel-agent", "travel-agent-secret"])
      ).json()) as Record<string, unknown>;
    expect(await ask({ scope: "hr-service|level:read" })).toMatchObject({
      permitted: true,
      targets: [{ client: "hr-service", permission: "hr-service", scopes: ["level:read", "budget:read"] }],
      claims: { aud: ["hr-service"], scope: "level:read" },
      gives: ["access_token"],
      remaining: { hops: 4 },
    });
    expect(await ask({ scope: "hr-service|salary:read" })).toMatchObject({ permitted: false, reason: "scope_exceeds", error: "invalid_scope" });
    expect(await ask({ audience: "orders-api" })).toMatchObject({ permitted: false, reason: "target_not_permitted" });
  });
});
