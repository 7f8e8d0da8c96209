import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { Browser } from "../../demo/browser.ts";
import { call, hasGlewlwyd, type RunningGlewlwyd, startGlewlwyd, USER } from "./glewlwyd.ts";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const REDIRECT_URI = "http://localhost:8789/callback";
const CAMBIO = "http://localhost:18907";
// Glewlwyd does not decode what RFC 6749 §2.3.1 wants encoded in HTTP Basic: a secret for it has none of the characters concerned.
const AT_GLEWLWYD = {
  client_id: "cambio",
  client_secret: "the-secret-of-cambio",
  redirect_uri: [`${CAMBIO}/oauth2/callback/glewlwyd`],
  authorization_type: ["code", "refresh_token"],
  backchannel_logout_uri: `${CAMBIO}/oauth2/backchannel-logout/glewlwyd`,
  backchannel_logout_session_required: "1",
};

/** The demo tenant with Glewlwyd as one more corporate identity provider. */
function withGlewlwyd(issuer: string): (file: unknown) => unknown {
  const glewlwyd = {
    displayName: "Glewlwyd",
    issuer,
    clientId: AT_GLEWLWYD.client_id,
    clientSecretName: "GLEWLWYD_CLIENT_SECRET",
    scopes: ["openid", "profile", "email"],
    subjectTokens: { audiences: [AT_GLEWLWYD.client_id] },
  };
  return (file) => {
    const { identityProviders, clients, ...rest } = file as { identityProviders: object; clients: { "billing-worker": object; "web-app": object } };
    const changed = {
      "billing-worker": { ...clients["billing-worker"], subjectIssuers: ["glewlwyd"] },
      "web-app": { ...clients["web-app"], identityProviderTokens: { scopes: glewlwyd.scopes } },
    };
    return { ...rest, defaultIdentityProvider: "glewlwyd", identityProviders: { ...identityProviders, glewlwyd }, clients: { ...clients, ...changed } };
  };
}

describe.runIf(hasGlewlwyd)("Glewlwyd (Debian), unmodified, as the corporate identity provider; where it is absent nothing here can be shown: apt-get install glewlwyd", () => {
  const browser = new Browser();
  let glewlwyd: RunningGlewlwyd;
  let cambio: RunningCambio;
  let config: client.Configuration;
  let accessToken: string;
  let idToken: string;
  let tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

  beforeAll(async () => {
    glewlwyd = await startGlewlwyd(18_897, { client: AT_GLEWLWYD });
    const worker = { entry: "src/index.ts", vars: { GLEWLWYD_CLIENT_SECRET: AT_GLEWLWYD.client_secret } };
    cambio = await startCambio({ port: 18_907, idpPort: 18_908, partnerPort: 18_909, fresh: true, tenant: withGlewlwyd(glewlwyd.issuer), worker });
    config = await client.discovery(new URL(cambio.issuer), "web-app", undefined, client.ClientSecretBasic("web-app-secret"), { execute: [client.allowInsecureRequests] });
  }, 120_000);

  afterAll(async () => {
    await cambio?.stop();
    await glewlwyd?.stop();
  });

  /** Posts a form as one of the demo's clients; answers the body, an error's too. */
  async function post(path: string, form: Readonly<Record<string, string>>, clientId: string): Promise<Readonly<Record<string, string>>> {
    const authorization = `Basic ${btoa(`${clientId}:${clientId}-secret`)}`;
    const response = await fetch(`${cambio.issuer}${path}`, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
    return (await response.json()) as Readonly<Record<string, string>>;
  }

  /** Sends the browser to Cambio; where that leads to Glewlwyd's page, does what the page's script does, and answers the tokens. */
  async function logIn(extra: Readonly<Record<string, string>> = {}): Promise<typeof tokens> {
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const challenge = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
    const url = client.buildAuthorizationUrl(config, { redirect_uri: REDIRECT_URI, scope: "openid profile email groups", state, ...challenge, ...extra });
    const isOver = (at: URL) => at.href.startsWith(REDIRECT_URI) || at.pathname === "/login.html";
    let page = await browser.open(url, isOver);
    if (page.url.pathname === "/login.html") {
      await call(browser.jar, "POST", `${glewlwyd.origin}/api/auth/`, { username: USER.username, password: USER.password });
      await call(browser.jar, "PUT", `${glewlwyd.origin}/api/auth/grant/${AT_GLEWLWYD.client_id}`, { scope: "openid profile email" });
      page = await browser.open(`${page.url.searchParams.get("callback_url")}&g_continue`, isOver);
    }
    if (!page.url.href.startsWith(REDIRECT_URI)) throw new Error(`the login stopped at ${page.url.href} (${page.status}):\n${page.html}\n${glewlwyd.log()}`);
    return client.authorizationCodeGrant(config, page.url, { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true });
  }

  test("logs a user in, who says who it is and agrees at Glewlwyd, and introspects what the code was redeemed for", async () => {
    tokens = await logIn();
    const claims = tokens.claims();
    expect(claims).toMatchObject({ iss: cambio.issuer, aud: "web-app", preferred_username: USER.username, name: USER.name, email: USER.email, groups: USER.groups });
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, client_id: "web-app", sub: claims?.sub });
  });

  test("hands out Glewlwyd's own tokens of this login, which Glewlwyd takes", async () => {
    const given = await post("/oauth2/exchange/corporateidp", { assertion: tokens.access_token, response_type: "token id_token" }, "web-app");
    const userinfo = await fetch(`${glewlwyd.issuer}/userinfo`, { headers: { authorization: `Bearer ${given.access_token}` } });
    expect(await userinfo.json()).toMatchObject({ preferred_username: USER.username, email: USER.email });
    [accessToken, idToken] = [given.access_token ?? "", given.id_token ?? ""];
  });

  test("has Glewlwyd refresh them for another scope, and says which Glewlwyd gave: it narrows none", async () => {
    const given = await post("/oauth2/exchange/corporateidp", { assertion: tokens.access_token, scope: "openid email" }, "web-app");
    expect(given.access_token).not.toBe(accessToken);
    expect(decodeJwt(given.access_token ?? "")).toMatchObject({ iss: glewlwyd.issuer, scope: given.scope });
    expect(given).not.toHaveProperty("refresh_token");
  });

  test("takes Glewlwyd's ID token as a subject token, for the user who logged in with it, from the client that may present it", async () => {
    const form = { grant_type: EXCHANGE, subject_token: idToken, subject_token_type: "urn:ietf:params:oauth:token-type:id_token" };
    const issued = await post("/oauth2/token", form, "billing-worker");
    expect(decodeJwt(issued.access_token ?? "").sub).toBe(tokens.claims()?.sub);
    expect(await post("/oauth2/token", form, "assistant")).toMatchObject({ error: "invalid_request" });
  });

  test("is told by Glewlwyd behind the browser's back that the user's session has ended", async () => {
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true });
    await call(browser.jar, "DELETE", `${glewlwyd.issuer}/session/${decodeJwt(idToken).sid}`, undefined);
    await expect.poll(() => client.tokenIntrospection(config, tokens.access_token), { timeout: 10_000 }).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
  });
});
