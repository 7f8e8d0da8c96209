import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningMtls, startMtls } from "../../cli/local/mtls.ts";
import { hasOpenssl } from "../../cli/local/mtls-ca.ts";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { ROOT } from "../../cli/root.ts";
import { Browser, logIn } from "../../demo/browser.ts";

const HAS_OPENSSL = hasOpenssl();
const REDIRECT_URI = "http://localhost:8789/callback";
const SCOPE = "openid profile email";
const INSECURE = { [oauth.allowInsecureRequests]: true } as const;
const ORDERS = { audience: "orders-api", scope: "orders:read" };
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

type CustomFetch = (url: string, options: { readonly method: string; readonly headers: Record<string, string>; readonly body?: unknown }) => Promise<Response>;

describe("client authentication by unmodified libraries", () => {
  let cambio: RunningCambio;
  let issuer: URL;
  let server: oauth.AuthorizationServer;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_847, idpPort: 18_848, partnerPort: 18_948, fresh: true });
    issuer = new URL(cambio.issuer);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  }, 120_000);

  afterAll(() => cambio?.stop());

  test("discovery says which methods, algorithms and bindings there are", () => {
    const methods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none"];
    expect(server.token_endpoint_auth_methods_supported).toEqual(methods);
    expect(server.token_endpoint_auth_signing_alg_values_supported).toEqual(["ES256", "ES384", "RS256", "PS256", "EdDSA"]);
    expect(server.dpop_signing_alg_values_supported).toEqual(["ES256", "ES384", "RS256", "PS256", "EdDSA"]);
    expect(server).toMatchObject({ tls_client_certificate_bound_access_tokens: true, code_challenge_methods_supported: ["S256"] });
    expect(server.introspection_endpoint_auth_methods_supported).toEqual(methods.filter((name) => name !== "none"));
  });

  describe.each<[string, string, () => client.ClientAuth | Promise<client.ClientAuth>, () => client.ClientAuth | Promise<client.ClientAuth>]>([
    ["client_secret_basic", "billing-worker", () => client.ClientSecretBasic("billing-worker-secret"), () => client.ClientSecretBasic("not-the-secret")],
    ["client_secret_post", "billing-worker", () => client.ClientSecretPost("billing-worker-secret"), () => client.ClientSecretPost("not-the-secret")],
    ["private_key_jwt", "batch-job", async () => client.PrivateKeyJwt(await batchJobKey()), async () => client.PrivateKeyJwt((await oauth.generateKeyPair("ES256")).privateKey)],
  ])("%s", (_name, clientId, right, wrong) => {
    test("openid-client gets a token, and with a wrong one none", async () => {
      expect(await client.clientCredentialsGrant(await configured(clientId, await right()), ORDERS)).toMatchObject({ token_type: "bearer", scope: "orders:read" });
      await expect(client.clientCredentialsGrant(await configured(clientId, await wrong()), ORDERS)).rejects.toMatchObject({ status: 401 });
    });

    test("oauth4webapi gets a token and looks at it, introspection included", async () => {
      const known = { client_id: clientId };
      const authentication = (await right()) as oauth.ClientAuth;
      const response = await oauth.clientCredentialsGrantRequest(server, known, authentication, ORDERS, INSECURE);
      const { access_token: token } = await oauth.processClientCredentialsResponse(server, known, response);
      const seen = await oauth.introspectionRequest(server, known, authentication, token, INSECURE);
      expect(await oauth.processIntrospectionResponse(server, known, seen)).toMatchObject({ active: true, client_id: clientId });
    });
  });

  test("none: openid-client logs a public client in by PKCE alone, and refreshes", async () => {
    const config = await configured("mobile-app", client.None());
    const tokens = await codeGrant(config, "http://127.0.0.1:49153/callback");
    expect(tokens.claims()).toMatchObject({ aud: "mobile-app", preferred_username: "dona.moore" });
    expect(await client.refreshTokenGrant(config, tokens.refresh_token ?? "")).toMatchObject({ token_type: "bearer" });
  });

  test("none: oauth4webapi is refused a login's code without the verifier that belongs to it", async () => {
    const known = { client_id: "mobile-app" };
    const callback = await login({
      client_id: "mobile-app",
      redirect_uri: "http://127.0.0.1:49153/callback",
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
    });
    const parameters = oauth.validateAuthResponse(server, known, callback, "s");
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      known,
      oauth.None(),
      parameters,
      "http://127.0.0.1:49153/callback",
      oauth.generateRandomCodeVerifier(),
      INSECURE,
    );
    await expect(oauth.processAuthorizationCodeResponse(server, known, response)).rejects.toMatchObject({ error: "invalid_grant" });
  });

  describe("DPoP", () => {
    test("openid-client logs in, refreshes, exchanges and reads the user's claims, all by one key", async () => {
      const config = await configured("spa", client.None());
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
      const tokens = await codeGrant(config, REDIRECT_URI, DPoP);
      expect(tokens.token_type).toBe("dpop");
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, { DPoP });
      const confirmation = { jkt: await DPoP.calculateThumbprint() };
      expect([refreshed.token_type, claims(refreshed.access_token).cnf]).toEqual(["dpop", confirmation]);
      const exchange = { subject_token: refreshed.access_token, subject_token_type: ACCESS_TOKEN };
      const exchanged = await client.genericGrantRequest(config, TOKEN_EXCHANGE, exchange, { DPoP });
      expect([exchanged.token_type, claims(exchanged.access_token).cnf]).toEqual(["dpop", confirmation]);
      const subject = tokens.claims()?.sub ?? "";
      expect(await client.fetchUserInfo(config, refreshed.access_token, subject, { DPoP })).toMatchObject({ sub: subject, email: "dona.moore@example.com" });
    });

    test("openid-client gets nothing without the key: no code redeemed, no refresh, no exchange, no claims", async () => {
      const config = await configured("spa", client.None());
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
      const another = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
      const tokens = await codeGrant(config, REDIRECT_URI, DPoP);
      const exchange = { subject_token: tokens.access_token, subject_token_type: ACCESS_TOKEN };
      for (const options of [{}, { DPoP: another }]) {
        await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, options)).rejects.toMatchObject({ status: 400 });
        await expect(client.genericGrantRequest(config, TOKEN_EXCHANGE, exchange, options)).rejects.toMatchObject({ status: 400 });
        await expect(client.fetchUserInfo(config, tokens.access_token, client.skipSubjectCheck, options)).rejects.toMatchObject({ status: 401 });
      }
      await expect(codeGrant(config, REDIRECT_URI)).rejects.toMatchObject({ error: "invalid_dpop_proof" });
      expect(await client.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, { DPoP })).toMatchObject({ token_type: "dpop" });
    });

    test("oauth4webapi logs in, refreshes and reads the user's claims with its own proofs", async () => {
      const known: oauth.Client = { client_id: "spa" };
      const DPoP = oauth.DPoP(known, await oauth.generateKeyPair("ES256"));
      const verifier = oauth.generateRandomCodeVerifier();
      const callback = await login({ client_id: "spa", redirect_uri: REDIRECT_URI, code_challenge: await oauth.calculatePKCECodeChallenge(verifier) });
      const parameters = oauth.validateAuthResponse(server, known, callback, "s");
      const options = { DPoP, ...INSECURE };
      const redeemed = await oauth.authorizationCodeGrantRequest(server, known, oauth.None(), parameters, REDIRECT_URI, verifier, options);
      const tokens = await oauth.processAuthorizationCodeResponse(server, known, redeemed);
      const response = await oauth.refreshTokenGrantRequest(server, known, oauth.None(), tokens.refresh_token ?? "", options);
      const refreshed = await oauth.processRefreshTokenResponse(server, known, response);
      expect([tokens.token_type, refreshed.token_type]).toEqual(["dpop", "dpop"]);
      const answer = await oauth.userInfoRequest(server, known, refreshed.access_token, options);
      expect(await oauth.processUserInfoResponse(server, known, oauth.skipSubjectCheck, answer)).toMatchObject({ preferred_username: "dona.moore" });
    });
  });

  function configured(clientId: string, authentication: client.ClientAuth): Promise<client.Configuration> {
    return client.discovery(issuer, clientId, undefined, authentication, { execute: [client.allowInsecureRequests] });
  }

  function login(query: Readonly<Record<string, string>> & { readonly redirect_uri: string }): Promise<URL> {
    const url = new URL(server.authorization_endpoint ?? "");
    url.search = new URLSearchParams({ response_type: "code", scope: SCOPE, state: "s", code_challenge_method: "S256", ...query }).toString();
    return logIn(new Browser(), url, "dona.moore", query.redirect_uri);
  }

  async function codeGrant(config: client.Configuration, redirectUri: string, DPoP?: client.DPoPHandle) {
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const challenge = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
    const url = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: SCOPE, state, nonce, ...challenge });
    const callback = await logIn(new Browser(), url, "dona.moore", redirectUri);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
    return client.authorizationCodeGrant(config, callback, checks, undefined, DPoP === undefined ? {} : { DPoP });
  }
});

describe.skipIf(!HAS_OPENSSL)(HAS_OPENSSL ? "tls_client_auth by unmodified libraries" : "tls_client_auth: skipped, there is no openssl to make certificates with", () => {
  let cambio: RunningMtls;

  beforeAll(async () => {
    cambio = await startMtls({ port: 18_857, idpPort: 18_858, partnerPort: 18_958, mtlsPort: 18_859, fresh: true });
  }, 120_000);

  afterAll(() => cambio?.stop());

  test("openid-client gets a token that is bound to its certificate, and exchanges it", async () => {
    const config = await client.discovery(new URL(cambio.issuer), "gateway", undefined, client.TlsClientAuth(), { execute: [client.allowInsecureRequests] });
    await expect(client.clientCredentialsGrant(config, ORDERS)).rejects.toMatchObject({ error: "invalid_client" });
    config[client.customFetch] = fetchWithCertificate(cambio);
    const { access_token: token } = await client.clientCredentialsGrant(config, ORDERS);
    const { cnf } = claims(token);
    expect(cnf).toEqual({ "x5t#S256": expect.stringMatching(/^[\w-]{43}$/) });
    const exchanged = await client.genericGrantRequest(config, TOKEN_EXCHANGE, { subject_token: token, subject_token_type: ACCESS_TOKEN });
    expect(claims(exchanged.access_token).cnf).toEqual(cnf);
  });

  test("oauth4webapi gets a token, looks at it and revokes it", async () => {
    const known = { client_id: "gateway" };
    const issuer = new URL(cambio.issuer);
    const options = { ...INSECURE, [oauth.customFetch]: fetchWithCertificate(cambio) };
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
    const response = await oauth.clientCredentialsGrantRequest(server, known, oauth.TlsClientAuth(), ORDERS, options);
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, known, response);
    const introspect = async () => oauth.processIntrospectionResponse(server, known, await oauth.introspectionRequest(server, known, oauth.TlsClientAuth(), token, options));
    expect(await introspect()).toMatchObject({ active: true, cnf: { "x5t#S256": expect.any(String) } });
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, known, oauth.TlsClientAuth(), token, options));
    expect(await introspect()).toEqual({ active: false });
  });
});

function batchJobKey(): Promise<CryptoKey> {
  const jwk = JSON.parse(readFileSync(join(ROOT, "demo", "keys", "batch-job.jwk.json"), "utf8"));
  return crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
}

// What both libraries ask for where TLS is to show a certificate; the TLS port stands for the issuer.
function fetchWithCertificate({ issuer, mtlsUrl, ca, gateway }: RunningMtls): CustomFetch {
  const tls = { ca: readFileSync(ca.cert), cert: readFileSync(gateway.cert), key: readFileSync(gateway.key), agent: false as const };
  return (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      const sent = request(url.replace(issuer, mtlsUrl), { method, headers, ...tls }, async (answer) => {
        let text = "";
        for await (const piece of answer) text += piece;
        resolve(new Response(text, { status: answer.statusCode ?? 0, headers: { "content-type": answer.headers["content-type"] ?? "" } }));
      });
      sent.once("error", reject).end(body === undefined || body === null ? undefined : String(body));
    });
}

function claims(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}
