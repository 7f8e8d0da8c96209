import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, stopClock } from "../faults.ts";
import { changed, exchange, ISSUER, login, payloadOf, refresh, type TenantFileInput, type Tokens, world } from "../world.ts";
import { handOut, PATH, refusalOf, tokenRequests } from "./corporate-idp-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const REFUSED = [400, "invalid_request"] as const;

/** Another client of the demo may have the IdP's tokens too. */
const alsoFor =
  (...ids: readonly (keyof TenantFileInput["clients"])[]) =>
  (file: TenantFileInput): void => {
    for (const id of ids) Object.assign(file.clients[id], { identityProviderTokens: {} });
  };

describe("FED-05 the answer", () => {
  it("is the IdP's access token with what is left of its lifetime, never the refresh token, and nobody may keep it", async () => {
    const clock = stopClock();
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const asked = tokenRequests(w);
    clock.forward(31);
    const { status, body, response } = await handOut(w, access_token);
    expect(status, w.lines.at(-1)).toBe(200);
    expect(body).toEqual({ access_token: "idp-at", token_type: "Bearer", expires_in: 3569, scope: "openid profile email groups" });
    expect([response.headers.get("cache-control"), response.headers.get("pragma")]).toEqual(["no-store", "no-cache"]);
    expect(tokenRequests(w)).toBe(asked);
    const line = JSON.parse(w.lines.at(-1) ?? "");
    expect(line).toMatchObject({ endpoint: PATH, client: "web-app", idp: "corp", issued: "idp_access_token", subject: payloadOf(access_token).sub, status: 200 });
    expect(w.lines.at(-1)).not.toContain("idp-at");
  });
});

describe("FED-03 response_type", () => {
  it("is token where it is left out; either or both, in either order; doubled, unknown and code are refused", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const members = async (response_type: string) => {
      const { status, body } = await handOut(w, access_token, { response_type });
      return status === 200 ? Object.keys(body).filter((name) => name.endsWith("_token")) : [status, body.error];
    };
    expect(await members("")).toEqual(["access_token"]);
    expect(await members("token")).toEqual(["access_token"]);
    expect(await members("id_token")).toEqual(["id_token"]);
    expect(await members("token id_token")).toEqual(["access_token", "id_token"]);
    expect(await members("id_token token")).toEqual(["access_token", "id_token"]);
    for (const wrong of ["code", "token token", "id_token id_token", "token id_token token", "tokens", "token  id_token", "TOKEN", " token"]) {
      expect([wrong, ...(await members(wrong))]).toEqual([wrong, 400, "invalid_request"]);
    }
    const { body } = await handOut(w, access_token, { response_type: "id_token" });
    expect(payloadOf(String(body.id_token))).toMatchObject({ iss: w.idp.issuer, sub: "sub-dona.moore", aud: "cambio" });
  });
});

describe("FED-01 the client", () => {
  it("proves itself as at the token endpoint: Basic, in the body, with a key of its own; without, nothing", async () => {
    const keys = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "web-1", alg: "ES256" };
    const w = await world({
      tenant: (file) => Object.assign(file.clients["web-app"], { authenticationMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt"], jwks: { keys: [jwk] } }),
    });
    const { access_token: assertion } = await login(w, "web-app");
    const now = Math.floor(Date.now() / 1000);
    const client_assertion = await new SignJWT({ iss: "web-app", sub: "web-app", aud: ISSUER, iat: now, exp: now + 60, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: "ES256", kid: "web-1" })
      .sign(keys.privateKey);
    const status = async (form: Record<string, string>, as?: readonly [string, string]) => (await w.post(PATH, { assertion, ...form }, as)).status;
    expect(await status({}, ["web-app", "web-app-secret"])).toBe(200);
    expect(await status({ client_id: "web-app", client_secret: "web-app-secret" })).toBe(200);
    expect(await status({ client_id: "web-app", client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", client_assertion })).toBe(200);
    expect(await status({})).toBe(401);
    expect(await status({ client_id: "web-app" })).toBe(401);
    expect(await status({}, ["web-app", "wrong"])).toBe(401);
  });

  it("may show an access token of its own, as SAP's example does; a user's token in its place is no client", async () => {
    const w = await world({ tenant: (file) => void file.clients["web-app"].grants.push("client_credentials") });
    const { access_token: assertion } = await login(w, "web-app");
    const own = (await (await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["web-app", "web-app-secret"])).json()) as Tokens;
    const bearer = async (token: string) => (await w.post(PATH, { assertion, response_type: "token id_token" }, undefined, { authorization: `Bearer ${token}` })).status;
    // The case has 401 for a bearer token alone: here it is for one that is not the client's own (issue: SAP's Bearer shape).
    expect(await bearer(own.access_token)).toBe(200);
    expect(await bearer(assertion)).toBe(401);
    expect(await bearer("junk")).toBe(401);
  });

  it("is allowed it by its record alone; a record of a public client cannot say so", async () => {
    const w = await world();
    for (const app of ["front-end-app", "travel-agent"] as const) {
      const { access_token } = await login(w, app);
      expect(refusalOf(w, await handOut(w, access_token, {}, [app, `${app}-secret`]))).toEqual([400, "unauthorized_client", "idp_tokens_not_allowed"]);
    }
    const { file } = await w.service.tenants.export(ISSUER);
    Object.assign(file?.clients["mobile-app"] ?? {}, { identityProviderTokens: {} });
    const { problems } = (await (await w.apply(file ?? {})).json()) as { readonly problems: readonly { readonly path: string }[] };
    expect(problems.map(({ path }) => path)).toEqual(["clients.mobile-app.identityProviderTokens"]);
  });

  it("sends the assertion in the body, and no other parameter twice", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const web = ["web-app", "web-app-secret"] as const;
    expect((await w.post(`${PATH}?assertion=${access_token}`, {}, web)).status).toBe(400);
    expect((await w.post(PATH, `assertion=${access_token}&assertion=${access_token}`, web)).status).toBe(400);
    expect((await w.post(PATH, {}, web)).status).toBe(400);
    expect((await w.post(`${PATH}?response_type=token`, { assertion: access_token }, web)).status).toBe(200);
    expect((await w.fetch(PATH)).status).toBe(405);
  });
});

describe("FED-02 the assertion", () => {
  it("is an access token or an ID token of the client's own, JWT or opaque", async () => {
    const w = await world();
    const { access_token, id_token, refresh_token } = await login(w, "web-app");
    const opaque = ((await (await refresh(w, "web-app", refresh_token)).json()) as Tokens).access_token;
    expect(opaque).toMatch(/^cambio_at_/);
    for (const assertion of [access_token, id_token, opaque]) expect((await handOut(w, assertion)).body.access_token).toBe("idp-at");
  });

  it("is refused as a refresh token, truncated, changed, or made up", async () => {
    const w = await world();
    const { access_token, refresh_token } = await login(w, "web-app");
    for (const [assertion, reason] of [
      [refresh_token, "idp_assertion_differs"],
      [changed(access_token), "idp_assertion_unreadable"],
      [access_token.slice(0, -5), "idp_assertion_unreadable"],
      [await w.idp.sign({ iss: w.idp.issuer, sub: "sub-dona.moore", aud: "cambio" }), "idp_assertion_unreadable"],
      ["idp-at", "idp_assertion_unreadable"],
    ] as const)
      expect(refusalOf(w, await handOut(w, assertion))).toEqual([...REFUSED, reason]);
  });

  it("is refused when it is another client's of the same login, or without a user", async () => {
    const w = await world({ tenant: alsoFor("front-end-app", "billing-worker") });
    const { access_token, cookie } = await login(w, "web-app");
    const beside = await login(w, "front-end-app", { cookie });
    const frontEnd = ["front-end-app", "front-end-app-secret"] as const;
    expect((await handOut(w, beside.access_token, {}, frontEnd)).body.access_token).toBe("idp-at");
    expect(refusalOf(w, await handOut(w, access_token, {}, frontEnd))).toEqual([...REFUSED, "idp_assertion_differs"]);
    expect(refusalOf(w, await handOut(w, beside.access_token))).toEqual([...REFUSED, "idp_assertion_differs"]);
    const own = (await (await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"])).json()) as Tokens;
    expect(refusalOf(w, await handOut(w, own.access_token, {}, ["billing-worker", "billing-worker-secret"]))).toEqual([...REFUSED, "idp_session_absent"]);
  });

  it("is refused when it has expired, and when it was revoked", async () => {
    const clock = stopClock();
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const other = await login(w, "web-app");
    await w.post("/oauth2/revoke", { token: other.access_token }, ["web-app", "web-app-secret"]);
    expect(refusalOf(w, await handOut(w, other.access_token))).toEqual([...REFUSED, "idp_assertion_dead"]);
    clock.forward(3600);
    expect(refusalOf(w, await handOut(w, access_token))).toEqual([...REFUSED, "idp_assertion_unreadable"]);
  });

  it("is refused when it does not end with a session: that of a client that asked to stay signed in", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app", { scope: "openid offline_access" });
    expect(refusalOf(w, await handOut(w, access_token))).toEqual([...REFUSED, "idp_session_absent"]);
  });

  it("DEP-09 is refused when it was exchanged, also by the same client, and where the client may exchange nothing", async () => {
    const w = await world({ tenant: alsoFor("front-end-app") });
    const frontEnd = ["front-end-app", "front-end-app-secret"] as const;
    const { access_token } = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", {
      subject_token: access_token,
      subject_token_type: TOKEN_TYPE.access_token,
      requested_token_type: TOKEN_TYPE.access_token,
    });
    expect(refusalOf(w, await handOut(w, String(body.access_token), {}, frontEnd))).toEqual([...REFUSED, "idp_assertion_exchanged"]);
    await editTenant(w, (file) => Object.assign(file.clients["front-end-app"]?.tokenPolicy ?? {}, { maxHops: 0 }));
    const again = await login(w, "front-end-app");
    expect(refusalOf(w, await handOut(w, again.access_token, {}, frontEnd))).toEqual([...REFUSED, "subject_depth"]);
  });
});
