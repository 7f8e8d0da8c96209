import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { introspect, payloadOf, type TenantFileInput, type World, world } from "../world.ts";

const SUBJECT = "CN=gateway,O=Example Corporation,C=DE";
const ISSUER_KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
const FINGERPRINT = "ab".repeat(32);
const THUMBPRINT = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";

beforeEach(reset);

function withGateway(change: Record<string, unknown> = {}) {
  return (file: TenantFileInput) => {
    Object.assign(file.clients, {
      gateway: {
        grants: ["client_credentials", "token_exchange"],
        authenticationMethods: ["tls_client_auth"],
        tlsCertificates: [{ subjectDn: SUBJECT, issuerKeyId: ISSUER_KEY }],
        ...change,
      },
    });
  };
}

const selfSigned = withGateway({ authenticationMethods: ["self_signed_tls_client_auth"], tlsCertificates: [], tlsThumbprints: [THUMBPRINT] });

// What the platform writes into request.cf when a client certificate was presented.
function certificate(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    certPresented: "1",
    certVerified: "SUCCESS",
    certRevoked: "0",
    certSubjectDNRFC2253: SUBJECT,
    certIssuerSKI: ISSUER_KEY.toUpperCase(),
    certFingerprintSHA256: FINGERPRINT,
    certNotBefore: "Jan  1 00:00:00 2020 GMT",
    certNotAfter: "Jan  1 00:00:00 2120 GMT",
    ...change,
  };
}

async function ask(
  w: World,
  tlsClientAuth: Record<string, unknown> | undefined,
  form: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, string> }> {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "gateway", ...form }).toString();
  const init = {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    ...(tlsClientAuth === undefined ? {} : { cf: { tlsClientAuth } }),
  };
  const answer = await w.fetch("/oauth2/token", init as RequestInit);
  return { status: answer.status, body: await answer.json() };
}

describe("tls_client_auth", () => {
  it("POP-14 proves the client whose subject and issuer are registered, and binds what it gets by the thumbprint of RFC 8705", async () => {
    const w = await world({ tenant: withGateway() });
    const { status, body } = await ask(w, certificate(), { audience: "orders-api" });
    expect(status, w.lines.at(-1)).toBe(200);
    expect(payloadOf(body.access_token ?? "").cnf).toEqual({ "x5t#S256": THUMBPRINT });
    expect(await introspect(w, "orders-api", body.access_token ?? "")).toMatchObject({ active: true, token_type: "Bearer", cnf: { "x5t#S256": THUMBPRINT } });
  });

  it.each<[string, Record<string, unknown> | undefined]>([
    ["no certificate", undefined],
    ["the platform's word that there is none", { certPresented: "0", certVerified: "NONE", certRevoked: "0" }],
    ["CA-44 a certificate whose verification failed", certificate({ certVerified: "FAILED:unable to get local issuer certificate" })],
    ["CA-44 a self-signed certificate of the right subject", certificate({ certVerified: "FAILED:self signed certificate" })],
    ["CA-45 a revoked certificate, though its verification says SUCCESS", certificate({ certRevoked: "1" })],
    ["an expired certificate", certificate({ certNotAfter: "Jan  1 00:00:00 2021 GMT" })],
    ["a certificate that is not yet valid", certificate({ certNotBefore: "Jan  1 00:00:00 2119 GMT" })],
    ["a certificate without dates", certificate({ certNotAfter: "" })],
    ["another CA", certificate({ certIssuerSKI: "ff".repeat(20) })],
    ["a CA without a key identifier", certificate({ certIssuerSKI: "" })],
    ["CA-47 the parts of the name in another order", certificate({ certSubjectDNRFC2253: "C=DE,O=Example Corporation,CN=gateway" })],
    ["CA-47 one space more", certificate({ certSubjectDNRFC2253: "CN=gateway, O=Example Corporation,C=DE" })],
    ["CA-47 another case", certificate({ certSubjectDNRFC2253: SUBJECT.toLowerCase() })],
    ["CA-47 a longer name", certificate({ certSubjectDNRFC2253: `${SUBJECT}0` })],
    ["CA-47 a name within a name", certificate({ certSubjectDNRFC2253: "CN=gateway\\,O=Example Corporation,C=DE" })],
    ["CA-47 a letter that looks alike", certificate({ certSubjectDNRFC2253: SUBJECT.replace("a", "а") })],
  ])("is refused with %s", async (_name, tls) => {
    const w = await world({ tenant: withGateway() });
    const { status, body } = await ask(w, tls);
    expect([status, body.error]).toEqual([401, "invalid_client"]);
  });

  it("CA-46 believes no header that pretends to be a certificate", async () => {
    const w = await world({ tenant: withGateway() });
    const headers = {
      "client-cert": ":MIIB:",
      "client-cert-chain": ":MIIB:",
      "cf-client-cert-der-base64": "MIIB",
      "x-ssl-client-verify": "SUCCESS",
      "x-ssl-client-s-dn": SUBJECT,
      "x-client-dn": SUBJECT,
      "cf-client-cert-sha256": FINGERPRINT,
      "mf-cf-blob": JSON.stringify({ tlsClientAuth: certificate() }),
    };
    expect((await ask(w, undefined, {}, headers)).status).toBe(401);
  });

  it("is not for a client that registered something else, nor a secret for one that registered it", async () => {
    const w = await world({ tenant: withGateway() });
    expect((await ask(w, certificate(), { client_id: "orders-api" })).status).toBe(401);
    expect((await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["gateway", "gateway-secret"])).status).toBe(401);
    expect((await ask(w, certificate(), { client_id: "mobile-app" })).body.error).toBe("unauthorized_client");
  });
});

describe("tls_client_auth by an alternative name", () => {
  // CN=gateway of a test CA, with the names below; made with openssl.
  const ENCODED = [
    ":MIIB9DCCAZugAwIBAgIUICDtv2pi3D5jdGoniltTGr8xEB4wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjEwNTU4MjBaGA8yMTI2MTAyODA1NTgyMFowEjEQMA4GA1UEAw",
    "wHZ2F0ZXdheTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCQc0iRw9LS7KZLlK7BLUE/57yb5jGGM47gb+n+5y6GB7xWUJFfsnbsuDDsBz1BxYJrcX1JQbCs2XPvSNM43sN6jgcwwgckwDAYDVR0T",
    "AQH/BAIwADB5BgNVHREEcjBwghNnYXRld2F5LmV4YW1wbGUuY29tgg5ndy5leGFtcGxlLmNvbYYcc3BpZmZlOi8vZXhhbXBsZS5jb20vZ2F0ZXdheYETZ2F0ZXdheUBleGFtcGxlLmNvbYcEwAACB4",
    "cQIAENuAAAAAAAAAAAAAAABzAdBgNVHQ4EFgQUsS59Ju6vNX7v/DQan6Qmwu9eis4wHwYDVR0jBBgwFoAUzFieP0TBZpDRMbhB2uOJ34ItDOEwCgYIKoZIzj0EAwIDRwAwRAIgVyP0I+8lE5tsGLJ6",
    "hu67JELRi8TiGACrB9CukisXWT0CIF4hZRPYpXMdnceKLZxLCiwRJJLTv6Av0SntZByI6fwU:",
  ].join("");
  const named = (subjectAltName: string) => withGateway({ tlsCertificates: [{ subjectAltName, issuerKeyId: ISSUER_KEY }] });

  it.each(["dns:gateway.example.com", "dns:gw.example.com", "uri:spiffe://example.com/gateway", "email:gateway@example.com", "ip:192.0.2.7", "ip:2001:db8::7"])(
    "proves the client that registered %s, with a certificate that has it",
    async (name) => {
      const w = await world({ tenant: named(name) });
      const { status, body } = await ask(w, certificate({ certRFC9440: ENCODED }));
      expect([status, payloadOf(body.access_token ?? "").cnf]).toEqual([200, { "x5t#S256": THUMBPRINT }]);
    },
  );

  it.each<[string, string, Record<string, unknown>]>([
    ["another name", "dns:other.example.com", {}],
    ["a part of one", "dns:example.com", {}],
    ["CA-47 another case", "dns:GATEWAY.example.com", {}],
    ["another kind of the same name", "uri:gateway.example.com", {}],
    ["the subject in place of a name", "dns:gateway", {}],
    ["another CA", "dns:gateway.example.com", { certIssuerSKI: "ff".repeat(20) }],
    ["CA-44 a certificate whose verification failed", "dns:gateway.example.com", { certVerified: "FAILED:self signed certificate" }],
    ["a certificate that the platform left out as too large", "dns:gateway.example.com", { certRFC9440: "", certRFC9440TooLarge: true }],
    ["one that is cut short", "dns:gateway.example.com", { certRFC9440: ":MIIB:" }],
  ])("is refused with %s", async (_what, name, change) => {
    const w = await world({ tenant: named(name) });
    const { status, body } = await ask(w, certificate({ certRFC9440: ENCODED, ...change }));
    expect([status, body.error]).toEqual([401, "invalid_client"]);
  });

  it("takes no other kind of name, and no subject beside it", async () => {
    const w = await world();
    for (const one of [{ subjectAltName: "gateway" }, { subjectAltName: "dns:" }, { subjectAltName: "dns:a b" }, { subjectAltName: "dns:a", subjectDn: "CN=a" }]) {
      const clients = { gateway: { grants: ["client_credentials"], authenticationMethods: ["tls_client_auth"], tlsCertificates: [{ ...one, issuerKeyId: ISSUER_KEY }] } };
      expect((await w.apply({ issuer: "http://localhost:8787", clients })).status).toBe(400);
    }
  });
});

describe("self_signed_tls_client_auth", () => {
  it("proves the client whose very certificate is registered, signed by itself or by a CA", async () => {
    const w = await world({ tenant: selfSigned });
    expect((await ask(w, certificate({ certVerified: "FAILED:self signed certificate" }))).status).toBe(200);
    expect((await ask(w, certificate())).status).toBe(200);
  });

  it("CA-48 no other certificate of the same subject, and not once it has expired or is revoked", async () => {
    const w = await world({ tenant: selfSigned });
    expect((await ask(w, certificate({ certFingerprintSHA256: "cd".repeat(32) }))).status).toBe(401);
    expect((await ask(w, certificate({ certNotAfter: "Jan  1 00:00:00 2021 GMT" }))).status).toBe(401);
    expect((await ask(w, certificate({ certRevoked: "1" }))).status).toBe(401);
    expect((await ask(w, certificate({ certFingerprintSHA256: "" }))).status).toBe(401);
  });
});

describe("a token that is bound to a certificate", () => {
  it("TX-34 is exchanged over a connection with that certificate only", async () => {
    const w = await world({ tenant: withGateway() });
    const { body } = await ask(w, certificate());
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: body.access_token ?? "", subject_token_type: TOKEN_TYPE.access_token };
    const exchanged = await ask(w, certificate(), form);
    expect(exchanged.status, w.lines.at(-1)).toBe(200);
    expect(payloadOf(exchanged.body.access_token ?? "").cnf).toEqual({ "x5t#S256": THUMBPRINT });
    expect((await ask(w, certificate({ certFingerprintSHA256: "cd".repeat(32) }), form)).body.error).toBe("invalid_request");
  });
});
