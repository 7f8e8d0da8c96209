import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { ROOT } from "../../cli/root.ts";
import { Browser, type Page } from "../../demo/browser.ts";
import { hasSimpleSamlPhp, type RunningSimpleSamlPhp, startSimpleSamlPhp, USER } from "./simplesamlphp.ts";

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const REDIRECT_URI = "http://localhost:8789/callback";
const HOME = "http://localhost:8789/";
const isCallback = (url: URL) => url.href.startsWith(REDIRECT_URI);
const ABSENT = "where it is absent nothing here can be shown: apt-get install simplesamlphp php-cli php-xml";

/** The demo tenant with a corporate identity provider as the command line reads it from its metadata. */
function withIdentityProvider(metadataFile: string): (file: unknown) => unknown {
  const { stdout } = spawnSync(process.execPath, [join(ROOT, "cli", "cambio.ts"), "saml", "import", metadataFile], { encoding: "utf8" });
  return (file) => ({ ...(file as object), samlIdentityProviders: { simplesamlphp: { ...JSON.parse(stdout), logout: true } } });
}

describe.runIf(hasSimpleSamlPhp)(`SimpleSAMLphp (Debian), unmodified, as the corporate identity provider; ${ABSENT}`, () => {
  const browser = new Browser();
  let idp: RunningSimpleSamlPhp;
  let cambio: RunningCambio;
  let config: client.Configuration;
  let tokens: Awaited<ReturnType<typeof redeem>>;

  beforeAll(async () => {
    idp = await startSimpleSamlPhp(18_919);
    cambio = await startCambio({ port: 18_920, idpPort: 18_921, partnerPort: 18_922, fresh: true, tenant: withIdentityProvider(idp.metadataFile) });
    idp.trust(await (await fetch(`${cambio.issuer}/saml2/metadata`)).text());
    const authentication = client.ClientSecretBasic("front-end-app-secret");
    config = await client.discovery(new URL(cambio.issuer), "front-end-app", undefined, authentication, { execute: [client.allowInsecureRequests] });
  }, 120_000);

  afterAll(async () => {
    await cambio?.stop();
    await idp?.stop();
  });

  /** Sends a browser to Cambio for a login at SimpleSAMLphp; answers the page that it comes to. */
  async function begin(as: Browser, extra: Readonly<Record<string, string>> = {}): Promise<{ readonly page: Page; readonly verifier: string }> {
    const verifier = client.randomPKCECodeVerifier();
    const challenge = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
    const asked = { redirect_uri: REDIRECT_URI, scope: "openid profile email groups", state: "s", idp: "simplesamlphp" };
    return { page: await as.open(client.buildAuthorizationUrl(config, { ...asked, ...challenge, ...extra }), isCallback), verifier };
  }

  const password = (as: Browser, page: Page, text: string = USER.password) => as.submit(page, { username: USER.username, password: text });

  /** Posts SimpleSAMLphp's Response to Cambio as its page does, and then as Cambio's own page does. */
  async function respond(as: Browser, page: Page, changes: Readonly<Record<string, string>> = {}): Promise<URL> {
    const { url, status, html } = await as.submit(await as.submit(page, changes), {}, isCallback);
    if (!isCallback(url)) throw new Error(`the login stopped at ${url.href} (${status}):\n${html}\n${idp.log()}`);
    return url;
  }

  function redeem(callback: URL, verifier: string) {
    return client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: "s", idTokenExpected: true });
  }

  test("logs in nobody who does not know the password", async () => {
    const other = new Browser();
    const page = await password(other, (await begin(other)).page, "a-guess");
    expect(page.html).toContain('name="password"');
    expect(page.html).not.toContain("SAMLResponse");
    expect((await begin(other, { prompt: "none" })).page.url.searchParams.get("error")).toBe("login_required");
  });

  test("logs a user in, who is known to the application by what SimpleSAMLphp says", async () => {
    const { page, verifier } = await begin(browser);
    expect(page.url.origin, page.html).toBe(idp.origin);
    tokens = await redeem(await respond(browser, await password(browser, page)), verifier);
    expect(tokens.claims()).toMatchObject({
      aud: "front-end-app",
      idp: "simplesamlphp",
      preferred_username: USER.username,
      name: USER.name,
      email: USER.email,
      groups: USER.groups,
    });
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, sub: tokens.claims()?.sub });
  });

  test("exchanges the user's token for another application, which gives its roles by SimpleSAMLphp's groups", async () => {
    const exchanged = await client.genericGrantRequest(config, EXCHANGE, {
      subject_token: tokens.access_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: "back-end-api",
    });
    expect(decodeJwt(exchanged.access_token)).toMatchObject({ aud: "back-end-api", sub: tokens.claims()?.sub, groups: USER.groups, roles: ["backend_user"] });
  });

  test("takes the same user for the same, and asks for the password again where the application wants it", async () => {
    const { page, verifier } = await begin(browser, { prompt: "login" });
    expect(page.html).toContain('name="password"');
    const again = await redeem(await respond(browser, await password(browser, page)), verifier);
    expect(again.claims()?.sub).toBe(tokens.claims()?.sub);
    tokens = again;
  });

  test("ends the user's sessions and their tokens when the user signs out at SimpleSAMLphp", async () => {
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true });
    const end = await browser.open(`${idp.origin}/saml2/idp/initSLO.php?RelayState=${encodeURIComponent(`${idp.origin}/logout.php`)}`);
    expect([end.status, end.url.href], `${end.html}${idp.log()}`).toEqual([200, `${idp.origin}/logout.php`]);
    // It verifies Cambio's answer, and says where it does not like one.
    expect(idp.log()).toContain(`Received SAML 2.0 LogoutResponse from: '${cambio.issuer}'`);
    expect(idp.log()).not.toContain("Unsuccessful logout");
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({ error: "invalid_grant" });
    expect((await begin(browser)).page.html).toContain('name="password"');
  });

  test("signs the user out at SimpleSAMLphp too, and goes on to the application, when the user signs out at Cambio", async () => {
    const { page, verifier } = await begin(browser);
    const { id_token = "" } = await redeem(await respond(browser, await password(browser, page)), verifier);
    const end = client.buildEndSessionUrl(config, { id_token_hint: id_token, post_logout_redirect_uri: HOME, state: "bye" });
    const { url, html } = await browser.open(end, ({ href }) => href.startsWith(HOME));
    expect(url.href, `${html}${idp.log()}`).toBe(`${HOME}?state=bye`);
    expect(idp.log()).toContain(`Received SAML 2.0 LogoutRequest from: '${cambio.issuer}'`);
    expect((await begin(browser)).page.html).toContain('name="password"');
  });

  test("refuses a Response in which one character differs", async () => {
    const other = new Browser();
    const page = await password(other, (await begin(other)).page);
    const [, value = ""] = /name="SAMLResponse" value="([^"]*)"/.exec(page.html) ?? [];
    const spoiled = Buffer.from(Buffer.from(value, "base64").toString().replace(USER.email, "emma.stome@example.com")).toString("base64");
    expect((await respond(other, page, { SAMLResponse: spoiled })).searchParams.get("error")).toBe("server_error");
  });
});
