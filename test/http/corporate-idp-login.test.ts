import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, stopClock } from "../faults.ts";
import { type AppId, arrive, exchange, ISSUER, login, payloadOf, redeem, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { handOut, PATH, refusalOf, tokenRequests } from "./corporate-idp-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const REFUSED = [400, "invalid_request"] as const;

/** Gives the web app this record. */
const webApp =
  (change: Record<string, unknown>) =>
  (file: TenantFileInput): void =>
    void Object.assign(file.clients["web-app"], change);

describe("FED-04 FED-22 the IdP of the login", () => {
  it("is the client's default one; whoever logged in elsewhere gets nothing of it, under the same name and the same sub", async () => {
    const w = await world();
    const corp = await login(w, "web-app");
    const partner = await login(w, "web-app", { authorize: { idp: "partner" } });
    expect(payloadOf(partner.access_token).sub).not.toBe(payloadOf(corp.access_token).sub);
    expect(refusalOf(w, await handOut(w, partner.access_token))).toEqual([...REFUSED, "idp_session_differs"]);
    expect((await handOut(w, corp.access_token)).body.access_token).toBe("idp-at");
  });

  it("gives each user their own tokens, those of the IdP that the client has for its own", async () => {
    const w = await world({ tenant: webApp({ identityProviders: ["partner"] }) });
    for (const user of ["chris.lee", "dona.moore"]) {
      const { access_token } = await login(w, "web-app", { user });
      const { body } = await handOut(w, access_token, { response_type: "token id_token" });
      expect(payloadOf(String(body.id_token))).toMatchObject({ iss: w.partner.issuer, sub: `sub-${user}`, preferred_username: user });
      expect(body.access_token).toBe(user === "chris.lee" ? "partner-at" : "partner-at-2");
    }
  });

  it("FED-19 signs with its own key, though another IdP calls one by the same name", async () => {
    const clock = stopClock();
    const w = await world({ tenant: webApp({ identityProviders: ["partner"] }) });
    w.partner.expiresIn = 60;
    const { access_token } = await login(w, "web-app");
    clock.forward(60);
    const claims = { iss: w.partner.issuer, sub: "sub-dona.moore", aud: "cambio", iat: clock.now(), exp: clock.now() + 60 };
    const refreshed = async (by: typeof w.idp) => {
      const id_token = await by.sign(claims);
      w.partner.scripts.token = () => Response.json({ access_token: "fresh", token_type: "Bearer", expires_in: 60, id_token });
      return await handOut(w, access_token);
    };
    expect(refusalOf(w, await refreshed(w.idp))).toEqual([502, "server_error", "idp_id_token_invalid"]);
    clock.forward(20);
    expect((await refreshed(w.partner)).body.access_token).toBe("fresh");
  });

  it("gives nothing to a session that an SSO token opened: nobody logged in there", async () => {
    const w = await world();
    const mobile = await login(w, "mobile-app");
    const { body } = await exchange(w, "mobile-app", { subject_token: mobile.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: "urn:sap:identity:sso" });
    const arrived = await arrive(w, "web-app", { scope: "openid", authorize: { sso_token: String(body.access_token) } });
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    expect(refusalOf(w, await handOut(w, tokens.access_token))).toEqual([...REFUSED, "idp_assertion_exchanged"]);
  });
});

describe("FED-08 an application that had the IdP's tokens has them no more", () => {
  const endings: readonly (readonly [string, (w: World, tokens: Tokens & { readonly cookie: string }) => unknown, number, string])[] = [
    ["the user logged out", (w, { id_token, cookie }) => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } }), 400, "idp_assertion_dead"],
    [
      "all of the user's logins were ended",
      (w, { access_token }) => w.service.users.revoke({ tenant: ISSUER, jurisdiction: undefined, sub: String(payloadOf(access_token).sub) }),
      400,
      "idp_assertion_dead",
    ],
    ["the IdP was switched off", (w) => editTenant(w, (file) => Object.assign(file.identityProviders.corp ?? {}, { disabled: true })), 400, "idp_assertion_dead"],
    ["the client was switched off", (w) => editTenant(w, (file) => Object.assign(file.clients["web-app"] ?? {}, { disabled: true })), 401, "client_disabled"],
    ["its record no longer says so", (w) => editTenant(w, (file) => delete file.clients["web-app"]?.identityProviderTokens), 400, "idp_tokens_not_allowed"],
    ["its default IdP is another", (w) => editTenant(w, (file) => Object.assign(file, { defaultIdentityProvider: "partner" })), 400, "idp_session_differs"],
  ];

  it.each(endings)("once %s", async (_what, ending, status, reason) => {
    const clock = stopClock();
    const w = await world();
    const tokens = await login(w, "web-app");
    expect((await handOut(w, tokens.access_token)).status).toBe(200);
    await ending(w, tokens);
    clock.forward(11);
    const refused = await handOut(w, tokens.access_token);
    expect([refused.status, refusalOf(w, refused)[2]]).toEqual([status, reason]);
  });
});

describe("what the client must prove besides", () => {
  it("is the key that its token is bound to", async () => {
    const pair = await generateKeyPair("ES256", { extractable: true });
    const proof = async (htu: string) =>
      await new SignJWT({ htm: "POST", htu, iat: Math.floor(Date.now() / 1000), jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(pair.publicKey) })
        .sign(pair.privateKey);
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const web = ["web-app", "web-app-secret"] as const;
    const form = { grant_type: "authorization_code", code: arrived.code, redirect_uri: arrived.redirectUri, code_verifier: arrived.verifier };
    const { access_token } = (await (await w.post("/oauth2/token", form, web, { dpop: await proof(`${ISSUER}/oauth2/token`) })).json()) as Tokens;
    expect(refusalOf(w, await handOut(w, access_token))).toEqual([...REFUSED, "subject_unproven"]);
    expect((await w.post(PATH, { assertion: access_token }, web, { dpop: await proof(`${ISSUER}${PATH}`) })).status).toBe(200);
  });

  it("does not help a token that says who may act for it: that takes an actor, and there is none here", async () => {
    const w = await world({ tenant: webApp({ mayAct: "assistant" }) });
    const { access_token } = await login(w, "web-app");
    expect(refusalOf(w, await handOut(w, access_token))).toEqual([...REFUSED, "subject_needs_actor"]);
  });
});

describe("the scope of the IdP's token", () => {
  const scopes = (...names: readonly string[]) => webApp({ identityProviderTokens: { scopes: names } });
  const asked = async (w: World, app: AppId = "web-app") => (await login(w, app)).access_token;

  it("is narrowed by `scope`, at the IdP, once for each scope; the token of the login stays what it is", async () => {
    const w = await world();
    const forms: URLSearchParams[] = [];
    const token = await asked(w);
    w.idp.scripts.token = async (request) => {
      forms.push(new URLSearchParams(await request.text()));
      return Response.json({ access_token: `narrow-${forms.length}`, token_type: "Bearer", expires_in: 600, scope: "profile openid" });
    };
    const narrow = async (scope: string) => (await handOut(w, token, { scope })).body;
    expect(await narrow("openid profile")).toMatchObject({ access_token: "narrow-1", scope: "profile openid" });
    expect(await narrow("profile openid")).toMatchObject({ access_token: "narrow-1" });
    expect(await narrow("openid")).toMatchObject({ access_token: "narrow-2", scope: "profile openid" });
    expect(await narrow("groups openid profile email")).toMatchObject({ access_token: "idp-at" });
    expect((await handOut(w, token)).body.access_token).toBe("idp-at");
    expect(forms.map((form) => form.get("scope"))).toEqual(["openid profile", "openid"]);
    // The ID token of the login says more than the scope allows; the IdP gave none of this scope.
    expect((await handOut(w, token, { scope: "openid profile", response_type: "id_token" })).status).toBe(502);
  });

  it("may be more than the login's: an ID token is that of the login where none comes with it, and is needed where it is asked for alone", async () => {
    const clock = stopClock();
    const w = await world({ tenant: scopes("openid", "profile", "email", "groups", "calendar") });
    w.idp.expiresIn = 60;
    const token = await asked(w);
    w.idp.scripts.token = () => Response.json({ access_token: "wide", token_type: "Bearer", expires_in: 600 });
    const before = tokenRequests(w);
    expect((await handOut(w, token, { response_type: "id_token" })).body).toMatchObject({ id_token: expect.any(String), expires_in: 60 });
    expect(tokenRequests(w)).toBe(before);
    expect((await handOut(w, token)).body).toMatchObject({ access_token: "wide" });
    expect((await handOut(w, token, { response_type: "token id_token" })).body).toMatchObject({ access_token: "wide", id_token: expect.any(String) });
    clock.forward(60);
    expect((await handOut(w, token)).body).toMatchObject({ access_token: "wide" });
    expect(refusalOf(w, await handOut(w, token, { response_type: "id_token" }))).toEqual([502, "server_error", "idp_tokens_unfit"]);
  });

  it("never exceeds what the client's record lists, neither asked for nor given", async () => {
    const w = await world({ tenant: scopes("openid", "profile") });
    const token = await asked(w);
    expect(refusalOf(w, await handOut(w, token, { scope: "openid email" }))).toEqual([400, "invalid_scope", "scope_exceeds"]);
    const before = tokenRequests(w);
    w.idp.scripts.token = () => Response.json({ access_token: "wide", token_type: "Bearer", expires_in: 600, scope: "openid profile email groups" });
    expect(refusalOf(w, await handOut(w, token))).toEqual([502, "server_error", "idp_tokens_unfit"]);
    w.idp.scripts.token = () => Response.json({ access_token: "narrow", token_type: "Bearer", expires_in: 600, scope: "openid profile" });
    expect((await handOut(w, token)).body).toMatchObject({ access_token: "narrow", scope: "openid profile" });
    expect(tokenRequests(w)).toBe(before + 2);
  });

  it("is an error that the IdP does not give, and the token of the login goes on", async () => {
    const w = await world();
    const token = await asked(w);
    w.idp.scripts.token = () => Response.json({ error: "invalid_scope" }, { status: 400 });
    expect(refusalOf(w, await handOut(w, token, { scope: "email" }))).toEqual([400, "invalid_scope", "idp_scope_refused"]);
    delete w.idp.scripts.token;
    expect((await handOut(w, token)).body.access_token).toBe("idp-at");
    expect((await handOut(w, token, { scope: "openid email" })).body.access_token).toBe("idp-at-2");
  });
});
