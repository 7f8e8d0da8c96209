import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { Browser, logIn, logOut } from "../../demo/browser.ts";

const REDIRECT_URI = "http://localhost:8789/callback";
const POST_LOGOUT_URI = "http://localhost:8789/";

// One login from beginning to end; each test continues where the one before it stopped.
describe("openid-client, a certified relying party, unmodified", () => {
  const browser = new Browser();
  let cambio: RunningCambio;
  let config: client.Configuration;
  let tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;
  let subject: string;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_787, idpPort: 18_788, partnerPort: 18_988, fresh: true });
  }, 120_000);

  afterAll(() => cambio?.stop());

  test("discovers the issuer", async () => {
    const authentication = client.ClientSecretBasic("web-app-secret");
    config = await client.discovery(new URL(cambio.issuer), "web-app", undefined, authentication, { execute: [client.allowInsecureRequests] });
    expect(config.serverMetadata().issuer).toBe(cambio.issuer);
    expect(config.serverMetadata().supportsPKCE()).toBe(true);
  });

  test("logs in at the corporate identity provider and redeems the code with PKCE", async () => {
    tokens = await authorize({});
    const claims = tokens.claims();
    expect(claims).toMatchObject({ iss: cambio.issuer, aud: "web-app", preferred_username: "dona.moore", email: "dona.moore@example.com" });
    expect(tokens.refresh_token).toEqual(expect.any(String));
    subject = claims?.sub ?? "";
  });

  test("refreshes", async () => {
    const before = tokens.refresh_token ?? "";
    tokens = await client.refreshTokenGrant(config, before);
    expect(tokens.refresh_token).not.toBe(before);
  });

  test("introspects the new access token as active", async () => {
    const answer = await client.tokenIntrospection(config, tokens.access_token);
    expect(answer).toMatchObject({ active: true, client_id: "web-app", sub: subject, iss: cambio.issuer });
  });

  test("reads the user's claims", async () => {
    const claims = await client.fetchUserInfo(config, tokens.access_token, subject);
    expect(claims).toMatchObject({ sub: subject, name: "Dona Moore", email: "dona.moore@example.com" });
  });

  test("revokes the access token, after which userinfo is 401 and introspection says inactive and nothing else", async () => {
    await client.tokenRevocation(config, tokens.access_token);
    await expect(client.fetchUserInfo(config, tokens.access_token, subject)).rejects.toMatchObject({ status: 401 });
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
  });

  test("logs in again without the identity provider, since the session lives on", async () => {
    const again = await authorize({ prompt: "none" });
    expect(again.claims()?.sub).toBe(subject);
    tokens = again;
  });

  test("logs out at Cambio and at the identity provider, after which nobody is logged in", async () => {
    const state = client.randomState();
    const end = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? "",
      post_logout_redirect_uri: POST_LOGOUT_URI,
      state,
    });
    const back = await logOut(browser, end, POST_LOGOUT_URI);
    expect(back.searchParams.get("state")).toBe(state);
    await expect(authorize({ prompt: "none" })).rejects.toMatchObject({ error: "login_required" });
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
    const page = await browser.open(`${cambio.idp}/auth?${new URLSearchParams(idpLogin(cambio.issuer))}`);
    expect(page.html, "the identity provider asks who it is again").toContain('name="login"');
  });

  test("is logged out by the identity provider, which tells Cambio behind the browser's back", async () => {
    const again = await authorize({});
    expect(await client.tokenIntrospection(config, again.access_token)).toMatchObject({ active: true });
    const page = await browser.open(`${cambio.idp}/session/end`);
    const done = await browser.submit(page, { logout: "yes" });
    expect(done.html).toContain("You are logged out");
    expect(await client.tokenIntrospection(config, again.access_token)).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, again.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
    await expect(authorize({ prompt: "none" })).rejects.toMatchObject({ error: "login_required" });
  });

  async function authorize(extra: Readonly<Record<string, string>>) {
    const verifier = client.randomPKCECodeVerifier();
    const checks = { pkceCodeVerifier: verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce() };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email groups",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...extra,
    });
    const callback = await logIn(browser, url, "dona.moore", REDIRECT_URI);
    return client.authorizationCodeGrant(config, callback, { ...checks, idTokenExpected: true });
  }
});

function idpLogin(issuer: string): Record<string, string> {
  return {
    client_id: "cambio",
    redirect_uri: `${issuer}/oauth2/callback/corp`,
    response_type: "code",
    scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM",
    code_challenge_method: "S256",
  };
}
