import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownCertificate } from "../../cli/client-certificate.ts";
import { type RunningMtls, startMtls } from "../../cli/local/mtls.ts";
import { type CertificateFiles, certify, hasOpenssl } from "../../cli/local/mtls-ca.ts";
import { localState } from "../../cli/local/state.ts";
import { Browser, logIn } from "../../demo/browser.ts";

const HAS_OPENSSL = hasOpenssl();
const PORT = 18_877;
const REDIRECT_URI = "http://localhost:8789/callback";
const SCOPE = "openid profile email";
const INSECURE = { [oauth.allowInsecureRequests]: true } as const;
const ORDERS = { audience: "orders-api", scope: "orders:read" };
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

type CustomFetch = (url: string, options: { readonly method: string; readonly headers: Record<string, string>; readonly body?: unknown }) => Promise<Response>;

describe.skipIf(!HAS_OPENSSL)(HAS_OPENSSL ? "bound clients by unmodified libraries" : "bound clients: skipped, there is no openssl to make certificates with", () => {
  let cambio: RunningMtls;
  let issuer: URL;
  let server: oauth.AuthorizationServer;

  beforeAll(async () => {
    cambio = await startMtls({ port: PORT, idpPort: 18_878, partnerPort: 18_978, mtlsPort: 18_879, fresh: true, tenant: withBoundClients });
    issuer = new URL(cambio.issuer);
    server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, INSECURE));
  }, 120_000);

  afterAll(() => cambio?.stop());

  describe("self_signed_tls_client_auth", () => {
    test("openid-client gets a token that is bound to its very certificate, and exchanges it; with another of the same CA and name it gets none", async () => {
      const config = await client.discovery(issuer, "gateway", undefined, client.TlsClientAuth(), { execute: [client.allowInsecureRequests] });
      config[client.customFetch] = fetchWith(cambio, certify(cambio.ca, "twin", { subject: "/O=Example Corporation/CN=gateway", use: "client" }));
      await expect(client.clientCredentialsGrant(config, ORDERS)).rejects.toMatchObject({ error: "invalid_client" });
      config[client.customFetch] = fetchWith(cambio, cambio.gateway);
      const { access_token: token } = await client.clientCredentialsGrant(config, ORDERS);
      const { cnf } = claims(token);
      expect(cnf).toEqual({ "x5t#S256": thumbprintOf(cambio.gateway.cert) });
      const exchanged = await client.genericGrantRequest(config, TOKEN_EXCHANGE, { subject_token: token, subject_token_type: ACCESS_TOKEN });
      expect(claims(exchanged.access_token).cnf).toEqual(cnf);
    });

    test("oauth4webapi gets a token, looks at it and revokes it", async () => {
      const known = { client_id: "gateway" };
      const options = { ...INSECURE, [oauth.customFetch]: fetchWith(cambio, cambio.gateway) };
      const response = await oauth.clientCredentialsGrantRequest(server, known, oauth.TlsClientAuth(), ORDERS, options);
      const { access_token: token } = await oauth.processClientCredentialsResponse(server, known, response);
      const introspect = async () => oauth.processIntrospectionResponse(server, known, await oauth.introspectionRequest(server, known, oauth.TlsClientAuth(), token, options));
      expect(await introspect()).toMatchObject({ active: true, cnf: { "x5t#S256": thumbprintOf(cambio.gateway.cert) } });
      await oauth.processRevocationResponse(await oauth.revocationRequest(server, known, oauth.TlsClientAuth(), token, options));
      expect(await introspect()).toEqual({ active: false });
    });
  });

  test("tls_client_auth by an alternative name: openid-client gets a token with a certificate that has it, whatever its subject", async () => {
    const config = await client.discovery(issuer, "edge", undefined, client.TlsClientAuth(), { execute: [client.allowInsecureRequests] });
    config[client.customFetch] = fetchWith(cambio, certify(cambio.ca, "other", { subject: "/CN=edge", use: "client", subjectAltName: "DNS:other.example.com" }));
    await expect(client.clientCredentialsGrant(config)).rejects.toMatchObject({ error: "invalid_client" });
    config[client.customFetch] = fetchWith(
      cambio,
      certify(cambio.ca, "edge", { subject: "/CN=whoever", use: "client", subjectAltName: "URI:spiffe://example.com/edge,DNS:edge.example.com" }),
    );
    const { access_token: token } = await client.clientCredentialsGrant(config);
    expect(claims(token).cnf).toEqual({ "x5t#S256": thumbprintOf(join(cambio.ca.directory, "edge.pem")) });
  });

  describe("DPoP where the server demands a nonce", () => {
    test("openid-client takes the challenge by itself: it logs in, refreshes and exchanges", async () => {
      const config = await client.discovery(issuer, "spa", undefined, client.None(), { execute: [client.allowInsecureRequests] });
      const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      const challenge = { code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
      const callback = await logIn(
        new Browser(),
        client.buildAuthorizationUrl(config, { redirect_uri: REDIRECT_URI, scope: SCOPE, state, ...challenge }),
        "dona.moore",
        REDIRECT_URI,
      );
      const tokens = await client.authorizationCodeGrant(config, callback, { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP });
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, { DPoP });
      const exchanged = await client.genericGrantRequest(config, TOKEN_EXCHANGE, { subject_token: refreshed.access_token, subject_token_type: ACCESS_TOKEN }, { DPoP });
      const confirmation = { jkt: await DPoP.calculateThumbprint() };
      for (const token of [tokens, refreshed, exchanged]) expect([token.token_type, claims(token.access_token).cnf]).toEqual(["dpop", confirmation]);
    });

    test("oauth4webapi is told to use a nonce, and gets its tokens with it", async () => {
      const known: oauth.Client = { client_id: "spa" };
      const DPoP = oauth.DPoP(known, await oauth.generateKeyPair("ES256"));
      const verifier = oauth.generateRandomCodeVerifier();
      const url = new URL(server.authorization_endpoint ?? "");
      const challenge = { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
      url.search = new URLSearchParams({ response_type: "code", client_id: "spa", redirect_uri: REDIRECT_URI, scope: SCOPE, state: "s", ...challenge }).toString();
      const parameters = oauth.validateAuthResponse(server, known, await logIn(new Browser(), url, "dona.moore", REDIRECT_URI), "s");
      const redeem = async () => {
        const response = await oauth.authorizationCodeGrantRequest(server, known, oauth.None(), parameters, REDIRECT_URI, verifier, { DPoP, ...INSECURE });
        return await oauth.processAuthorizationCodeResponse(server, known, response);
      };
      const challenged: unknown = await redeem().catch((error: unknown) => error);
      expect(oauth.isDPoPNonceError(challenged)).toBe(true);
      expect(await redeem()).toMatchObject({ token_type: "dpop" });
    });
  });
});

// The gateway is known by its certificate itself, which is there by now; and the page proves its key with a nonce of ours.
function withBoundClients(file: unknown): unknown {
  const { clients, ...rest } = file as { readonly clients: Readonly<Record<string, object>> };
  const cert = join(localState(PORT).directory, "mtls", "gateway.pem");
  const gateway = { ...clients.gateway, authenticationMethods: ["self_signed_tls_client_auth"], tlsCertificates: [], tlsThumbprints: [thumbprintOf(cert)] };
  const { issuerKeyId } = (clients.gateway as { readonly tlsCertificates: readonly [{ readonly issuerKeyId: string }] }).tlsCertificates[0];
  const edge = { grants: ["client_credentials"], authenticationMethods: ["tls_client_auth"], tlsCertificates: [{ subjectAltName: "dns:edge.example.com", issuerKeyId }] };
  return { ...rest, clients: { ...clients, gateway, edge, spa: { ...clients.spa, dpop: "nonce" } } };
}

function thumbprintOf(cert: string): string {
  const known = knownCertificate(cert, undefined);
  return "thumbprint" in known ? known.thumbprint : "";
}

// What both libraries ask for where TLS is to show a certificate; the TLS port stands for the issuer.
function fetchWith({ issuer, mtlsUrl, ca }: RunningMtls, own: CertificateFiles): CustomFetch {
  const tls = { ca: readFileSync(ca.cert), cert: readFileSync(own.cert), key: readFileSync(own.key), agent: false as const };
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
