import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant } from "../faults.ts";
import { basic, exchange, ISSUER, introspect, login, payloadOf, refresh, type TenantFileInput, type Tokens, WEB_CALLBACK, type World, world } from "../world.ts";

beforeEach(reset);

// Every example of the products' pages, as it stands there: only host, ids and secrets are ours.

type Body = Readonly<Record<string, unknown>>;
const keysOf = (body: Body) => Object.keys(body).sort();
const WEB = { client_id: "web-app", client_secret: "web-app-secret" };

async function sent(w: World, path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Body> {
  const answer = await w.post(path, form, undefined, headers);
  const body = (await answer.json()) as Body;
  expect(answer.status, JSON.stringify([body, w.lines.at(-1)])).toBe(200);
  return body;
}

/** SAP's applications have attributes by default; here a record names them. */
function sapAttributes(file: TenantFileInput): void {
  for (const id of ["web-app", "mobile-app"] as const) Object.assign(file.clients[id], { attributes: ["email", "profile"] });
  file.clients["web-app"].grants.push("jwt_bearer", "client_credentials");
}

const opaqueOf = async (w: World) => ((await (await refresh(w, "web-app", (await login(w, "web-app")).refresh_token, { token_format: "opaque" })).json()) as Tokens).access_token;

describe("SAP's examples", () => {
  it("1: an opaque access token becomes a token set", async () => {
    const w = await world({ tenant: sapAttributes });
    const form = { grant_type: GRANT_TYPE.token_exchange, ...WEB, subject_token: await opaqueOf(w), subject_token_type: TOKEN_TYPE.access_token, scope: "openid" };
    const body = await sent(w, "/oauth2/token", form);
    expect(keysOf(body)).toEqual(["access_token", "expires_in", "id_token", "issued_token_type", "refresh_token", "scope", "token_type"]);
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.access_token, token_type: "Bearer", expires_in: 3600 });
    const claims = payloadOf(String(body.id_token));
    expect(keysOf(claims)).toEqual(expect.arrayContaining(["sub", "aud", "user_uuid", "mail", "iss", "last_name", "exp", "iat", "first_name", "jti"]));
    expect(claims).toMatchObject({ mail: "dona.moore@example.com", first_name: "Dona", last_name: "Moore", aud: "web-app" });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(3600);
  });

  it("2: an ID token becomes a SAML assertion, its parameters in the URL but for secrets and tokens", async () => {
    const w = await world();
    const { id_token } = await login(w, "web-app");
    const query = new URLSearchParams({
      grant_type: GRANT_TYPE.token_exchange,
      client_id: WEB.client_id,
      subject_token_type: TOKEN_TYPE.id_token,
      requested_token_type: TOKEN_TYPE.saml2,
      resource: "urn:sap:identity:application:provider:name:SAML2SSO",
    });
    const body = await sent(w, `/oauth2/token?${query}`, { client_secret: WEB.client_secret, subject_token: id_token });
    expect(keysOf(body)).toEqual(["access_token", "expires_in", "issued_token_type", "token_type"]);
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.saml2, token_type: "Bearer", expires_in: 600 });
  });

  it("3: an opaque access token becomes an SSO token, though the requested type is misspelt", async () => {
    const w = await world();
    const query = new URLSearchParams({
      grant_type: GRANT_TYPE.token_exchange,
      client_id: WEB.client_id,
      subject_token_type: TOKEN_TYPE.access_token,
      requested_token_type: "urn:ietf:params:oauth:token-type:acces_token",
      resource: "urn:sap:identity:sso",
    });
    const body = await sent(w, `/oauth2/token?${query}`, { client_secret: WEB.client_secret, subject_token: await opaqueOf(w) });
    expect(keysOf(body)).toEqual(["access_token", "expires_in", "issued_token_type", "scope", "token_type"]);
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.access_token, scope: "openid", token_type: "Bearer", expires_in: 300 });
  });

  it("4: native to web: a refresh token becomes an SSO token, and the web application looks at it", async () => {
    const w = await world({ tenant: sapAttributes });
    const { refresh_token } = await login(w, "mobile-app");
    const form = { grant_type: GRANT_TYPE.token_exchange, client_id: "mobile-app", subject_token: refresh_token, subject_token_type: TOKEN_TYPE.refresh_token };
    const body = await sent(w, "/oauth2/token", { ...form, resource: "urn:sap:identity:sso" });
    const seen = await introspect(w, "web-app", String(body.access_token));
    expect(keysOf(seen)).toEqual(expect.arrayContaining(["active", "aud", "username", "sub", "user_uuid", "mail", "iss", "last_name", "exp", "iat", "first_name", "jti"]));
    expect(seen).toMatchObject({ sso_application_ids: ["mobile-app", "web-app"], sso_redirect_uris: expect.arrayContaining([WEB_CALLBACK]) });
    const query = new URLSearchParams({ sso_token: String(body.access_token), redirect_uri: WEB_CALLBACK, sp: "Web app" });
    const opened = await w.fetch(`/saml2/idp/sso?${query}`);
    expect([opened.status, opened.headers.get("location")]).toEqual([303, WEB_CALLBACK]);
  });

  it("5: the destination service names type and resource in the URL, and sends a JWT as access_token without a scope", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const query = new URLSearchParams({ requested_token_type: TOKEN_TYPE.saml2, resource: "urn:sap:identity:application:provider:name:SAML2SSO" });
    const form = { grant_type: GRANT_TYPE.token_exchange, ...WEB, subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token };
    expect(await sent(w, `/oauth2/token?${query}`, form)).toMatchObject({ issued_token_type: TOKEN_TYPE.saml2, token_type: "Bearer" });
  });

  it("jwt-bearer gives a set without issued_token_type; refresh_expiry=0 leaves the refresh token out", async () => {
    const w = await world({ tenant: sapAttributes });
    const { id_token } = await login(w, "web-app");
    const form = { grant_type: GRANT_TYPE.jwt_bearer, ...WEB, assertion: id_token };
    const body = await sent(w, "/oauth2/token", form);
    expect(keysOf(body)).toEqual(["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]);
    expect(body).toMatchObject({ access_token: expect.stringMatching(/^cambio_at_/), token_type: "Bearer", expires_in: 3600 });
    const short = await sent(w, "/oauth2/token", { ...form, token_format: "jwt", refresh_expiry: "0" });
    expect(keysOf(short)).not.toContain("refresh_token");
    expect(payloadOf(String(short.access_token))).toMatchObject({ aud: "web-app", azp: "web-app" });
  });

  it("client credentials, code and refresh have the fields of their pages", async () => {
    const w = await world({ tenant: sapAttributes });
    const credentials = await sent(w, "/oauth2/token", { grant_type: "client_credentials", ...WEB });
    expect([keysOf(credentials), credentials.expires_in]).toEqual([["access_token", "expires_in", "token_type"], 3600]);
    expect(payloadOf(String(credentials.access_token))).toMatchObject({ aud: "web-app", sub: "web-app", iss: "http://localhost:8787", jti: expect.any(String) });
    const tokens = await login(w, "web-app");
    const renewed = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Body;
    for (const body of [{ ...tokens }, renewed]) expect(keysOf(body)).toEqual(expect.arrayContaining(["access_token", "refresh_token", "id_token", "token_type", "expires_in"]));
    const known = await sent(w, "/oauth2/userinfo", { access_token: tokens.access_token });
    expect(known).toMatchObject({ user_uuid: payloadOf(tokens.id_token).sub, mail: "dona.moore@example.com", first_name: "Dona", last_name: "Moore" });
  });
});

const FRONT_END = { client_id: "front-end-app", client_secret: "front-end-app-secret" };

describe("CERN's and Keycloak's examples", () => {
  const cern = async (w: World, token: string) =>
    await sent(w, "/auth/realms/demo/protocol/openid-connect/token", {
      ...FRONT_END,
      grant_type: GRANT_TYPE.token_exchange,
      subject_token: token,
      requested_token_type: TOKEN_TYPE.refresh_token,
      audience: "back-end-api",
    });

  it("front-end-app → back-end-api: administrator and frontend_user vanish, backend_user appears", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect(payloadOf(access_token).roles).toEqual(["administrator", "frontend_user"]);
    const body = await cern(w, access_token);
    expect(keysOf(body)).toEqual(
      ["access_token", "expires_in", "issued_token_type", "not-before-policy", "refresh_expires_in", "refresh_token", "scope", "session_state", "token_type"].sort(),
    );
    const claims = payloadOf(String(body.access_token));
    expect(claims).toMatchObject({ aud: "back-end-api", azp: "front-end-app", roles: ["backend_user"], resource_access: { "back-end-api": { roles: ["backend_user"] } } });
    expect(JSON.stringify(claims)).not.toMatch(/frontend_user|administrator/);
    expect(claims.sub).toBe(payloadOf(access_token).sub);
    const renewed = (await (await refresh(w, "front-end-app", String(body.refresh_token))).json()) as Tokens;
    expect(payloadOf(renewed.access_token).roles).toEqual(["backend_user"]);
  });

  it("a user without roles there has neither roles nor resource_access", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["back-end-api"], { roles: {} }) });
    const body = await cern(w, (await login(w, "front-end-app")).access_token);
    expect(payloadOf(String(body.access_token))).not.toHaveProperty("roles");
    expect(payloadOf(String(body.access_token))).not.toHaveProperty("resource_access");
  });

  it.each(["/realms/demo/api-access/token", "/auth/realms/demo/api-access/token"])("API access at %s needs a role instead of a permission", async (path) => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.clients["billing-worker"], { dialect: "keycloak" });
        Object.assign(file.clients["back-end-api"].roles, { robot: { clients: ["billing-worker"] } });
      },
    });
    const form = { grant_type: "client_credentials", client_id: "billing-worker", client_secret: "billing-worker-secret", audience: "back-end-api" };
    const body = await sent(w, path, form);
    const claims = payloadOf(String(body.access_token));
    expect(claims).toMatchObject({ aud: "back-end-api", sub: "service-account-billing-worker", roles: ["robot"], resource_access: { "back-end-api": { roles: ["robot"] } } });
    const refused = await Promise.all(["front-end-app", "nobody"].map(async (audience) => await (await w.post(path, { ...form, audience })).text()));
    expect(refused[0]).toContain("invalid_target");
    expect(refused[1]).toBe(refused[0]);
    const exchanged = await w.post("/oauth2/token", { ...form, audience: "back-end-api" });
    expect(exchanged.status).toBe(400);
  });

  it("V2: Basic, and an access token that is asked for by name", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const form = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.access_token };
    const body = await sent(w, "/realms/demo/protocol/openid-connect/token", form, { authorization: basic("front-end-app", "front-end-app-secret") });
    expect(keysOf(body)).toEqual(["access_token", "expires_in", "issued_token_type", "not-before-policy", "refresh_expires_in", "scope", "session_state", "token_type"]);
    expect(body).toMatchObject({ expires_in: 300, token_type: "Bearer", issued_token_type: TOKEN_TYPE.access_token, refresh_expires_in: 0, "not-before-policy": 0 });
    const claims = payloadOf(String(body.access_token));
    expect(claims).toMatchObject({ azp: "front-end-app", scope: expect.any(String), aud: "front-end-app", resource_access: { "front-end-app": { roles: expect.any(Array) } } });
    expect(claims.sid).toBe(body.session_state);
  });

  it("scope=openid brings an ID token along, for the target, where its permission lists one", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const ask = (form: Record<string, string>) => exchange(w, "front-end-app", { subject_token: access_token, audience: "back-end-api", ...form });
    for (const requested_token_type of [TOKEN_TYPE.access_token, TOKEN_TYPE.refresh_token]) {
      const { body } = await ask({ requested_token_type, scope: "openid" });
      expect(body).toMatchObject({ issued_token_type: requested_token_type, token_type: "Bearer" });
      expect(payloadOf(String(body.id_token))).toMatchObject({ aud: "back-end-api", azp: "front-end-app" });
    }
    expect((await ask({ scope: "email" })).body).not.toHaveProperty("id_token");
    expect((await ask({})).body).not.toHaveProperty("id_token");
    await editTenant(w, (file) => {
      for (const permission of file.permissions) if (permission.name === "back-end-api") permission.tokenTypes = ["access_token"];
    });
    w.service.directory.forget(ISSUER);
    const narrowed = await ask({ requested_token_type: TOKEN_TYPE.access_token, scope: "openid" });
    expect([narrowed.status, narrowed.body.id_token]).toEqual([200, undefined]);
  });

  it.each(["requested_subject", "subject_issuer"])("V1's %s is refused, not passed over in silence", async (parameter) => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const { status, body } = await exchange(w, "front-end-app", { subject_token: access_token, audience: "back-end-api", [parameter]: "julie.armstrong" });
    expect([status, body.error]).toEqual([400, "invalid_request"]);
  });
});

describe("IDaaS' examples", () => {
  it("an exchange names audience and permission in one, credentials in the body", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const form = {
      grant_type: GRANT_TYPE.token_exchange,
      subject_token: access_token,
      subject_token_type: TOKEN_TYPE.access_token,
      requested_token_type: TOKEN_TYPE.access_token,
      scope: "hr-service|level:read",
      audience: "hr-service",
      client_id: "travel-agent",
      client_secret: "travel-agent-secret",
    };
    const body = await sent(w, "/api/v2/iauths_system/oauth2/token", form);
    expect(keysOf(body)).toEqual(["access_token", "expires_at", "expires_in", "issued_token_type", "scope", "token_type"]);
    const { iat, exp, aud, scope } = payloadOf(String(body.access_token));
    expect([body.expires_at, aud, scope, body.expires_in]).toEqual([exp, "hr-service", "level:read", Number(exp) - Number(iat)]);
  });

  it("machine to machine: Basic, client credentials, and an audience that looks like a URI", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.clients, { "api://api.example.com": { ...file.clients["orders-api"], resources: [], ownScopes: ["read:file"] } });
        Object.assign(file.clients["billing-worker"], { dialect: "idaas" });
        file.permissions.push({ consumer: "billing-worker", provider: "api://api.example.com", name: "files", scopes: ["read:file"] });
      },
    });
    const form = { grant_type: "client_credentials", scope: "api://api.example.com|read:file" };
    const body = await sent(w, "/oauth/token", form, { authorization: basic("billing-worker", "billing-worker-secret") });
    expect(keysOf(body)).toEqual(["access_token", "expires_at", "expires_in", "scope", "token_type"]);
    expect(payloadOf(String(body.access_token))).toMatchObject({ aud: "api://api.example.com", scope: "read:file", sub: "billing-worker" });
    expect(body.expires_in).toBe(3600);
  });
});

describe("the example of RFC 8693 §2.3", () => {
  it("gives a token for a resource, with what it was issued as", async () => {
    const w = await world();
    const { access_token } = await sent(w, "/oauth2/token", { grant_type: "client_credentials", client_id: "billing-worker", client_secret: "billing-worker-secret" });
    const form = {
      grant_type: GRANT_TYPE.token_exchange,
      resource: "https://orders.example.com",
      subject_token: String(access_token),
      subject_token_type: TOKEN_TYPE.access_token,
    };
    const body = await sent(w, "/oauth2/token", form, { authorization: basic("billing-worker", "billing-worker-secret") });
    expect(body).toMatchObject({ issued_token_type: TOKEN_TYPE.access_token, token_type: "Bearer", expires_in: expect.any(Number) });
    expect(payloadOf(String(body.access_token))).toMatchObject({ aud: ["https://orders.example.com", "orders-api"], scope: "orders:read", client_id: "billing-worker" });
  });
});
