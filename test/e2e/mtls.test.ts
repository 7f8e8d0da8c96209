import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningMtls, startMtls } from "../../cli/local/mtls.ts";
import { type Ca, type CertificateFiles, certify, hasOpenssl, localCa, revocation } from "../../cli/local/mtls-ca.ts";
import { mtlsLines } from "../../cli/local/mtls-next-steps.ts";

// Never the kind that waits: the TLS port is in this process.
const run = promisify(execFile);
const HAS_OPENSSL = hasOpenssl();
const SUBJECT = "/O=Example Corporation/CN=gateway";
const EXCHANGE = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token_type: "urn:ietf:params:oauth:token-type:access_token" };
const REFUSED = { status: 401, body: { error: "invalid_client" } };

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe.skipIf(!HAS_OPENSSL)(HAS_OPENSSL ? "with certificates that openssl made" : "client certificates: skipped, there is no openssl to make them with", () => {
  let cambio: RunningMtls;
  let otherCa: Ca;

  beforeAll(async () => {
    // Every refusal below would count towards the lock of the one client.
    const tenant = (file: unknown) => ({ ...(file as object), lockAfterFailures: 0 });
    cambio = await startMtls({ port: 18_837, idpPort: 18_838, partnerPort: 18_938, mtlsPort: 18_839, fresh: true, tenant });
    otherCa = localCa(join(cambio.ca.directory, "other"), "Another authority");
  }, 120_000);

  afterAll(() => cambio?.stop());

  test("the right certificate gets a token that is bound to it, and exchanges it over the same certificate", async () => {
    const { access_token: token } = await clientToken();
    expect(claims(token).cnf).toEqual({ "x5t#S256": thumbprint(cambio.gateway) });
    const exchanged = await post(cambio.gateway, { ...EXCHANGE, client_id: "gateway", subject_token: token, audience: "orders-api" });
    expect(exchanged).toMatchObject({ status: 200, body: { scope: "orders:read" } });
    expect(claims(String(exchanged.body.access_token))).toMatchObject({ aud: "orders-api", cnf: { "x5t#S256": thumbprint(cambio.gateway) } });
  });

  test("TX-34 a bound token over another certificate, though of the same name and CA, is refused", async () => {
    const { access_token: token } = await clientToken();
    const renewed = certify(cambio.ca, "renewed", { subject: SUBJECT, use: "client" });
    expect(await post(renewed, { grant_type: "client_credentials", client_id: "gateway" })).toMatchObject({ status: 200 });
    expect(await post(renewed, { ...EXCHANGE, client_id: "gateway", subject_token: token })).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test("a bound token is nobody's who shows no certificate, whatever secret he has", async () => {
    const { access_token: token } = await clientToken();
    const form = { ...EXCHANGE, client_id: "orders-api", client_secret: "orders-api-secret", subject_token: token };
    expect(await post(undefined, form)).toMatchObject({ status: 400, body: { error: "invalid_request" } });
  });

  test.each<[string, () => CertificateFiles | undefined]>([
    ["no certificate", () => undefined],
    ["CA-44 a certificate of another CA", () => certify(otherCa, "foreign", { subject: SUBJECT, use: "client" })],
    ["CA-44 another CA's own certificate", () => certifyItself()],
    ["an expired certificate", () => certify(cambio.ca, "expired", { subject: SUBJECT, use: "client", validity: { from: "20200101000000Z", to: "20210101000000Z" } })],
    ["a certificate that is not yet valid", () => certify(cambio.ca, "early", { subject: SUBJECT, use: "client", validity: { from: "20900101000000Z", to: "20910101000000Z" } })],
    ["CA-47 one space more in the name", () => certify(cambio.ca, "space", { subject: "/O=Example  Corporation/CN=gateway", use: "client" })],
    ["CA-47 a space at the end of the name", () => certify(cambio.ca, "end", { subject: "/O=Example Corporation/CN=gateway ", use: "client" })],
    ["CA-47 the parts of the name in another order", () => certify(cambio.ca, "order", { subject: "/CN=gateway/O=Example Corporation", use: "client" })],
    ["CA-47 a name within a name", () => certify(cambio.ca, "within", { subject: "/CN=gateway,O=Example Corporation", use: "client" })],
    ["CA-47 a letter that looks alike", () => certify(cambio.ca, "alike", { subject: "/O=Example Corporation/CN=gаteway", use: "client" })],
    ["a server's certificate of the same CA", () => certify(cambio.ca, "of-a-server", { subject: SUBJECT, use: "server" })],
  ])("is refused: %s", async (_name, made) => {
    const certificate = made();
    expect(await post(certificate, { grant_type: "client_credentials", client_id: "gateway" })).toMatchObject(REFUSED);
  });

  test("CA-45 a certificate is good until it is revoked, and from the next request on it is not", async () => {
    const lost = certify(cambio.ca, "lost", { subject: SUBJECT, use: "client" });
    const asks = () => post(lost, { grant_type: "client_credentials", client_id: "gateway" });
    expect(await asks()).toMatchObject({ status: 200 });
    const [command = "", ...args] = revocation(cambio.ca, lost.cert);
    await run(command, args);
    expect(await asks()).toMatchObject(REFUSED);
    expect(await post(cambio.gateway, { grant_type: "client_credentials", client_id: "gateway" })).toMatchObject({ status: 200 });
  });

  describe("CA-46 headers that pretend to be a certificate", () => {
    test("say nothing at the TLS port, without a certificate and beside a wrong one", async () => {
      const form = { grant_type: "client_credentials", client_id: "gateway" };
      expect(await post(undefined, form, pretended())).toMatchObject(REFUSED);
      expect(await post(certify(otherCa, "liar", { subject: SUBJECT, use: "client" }), form, pretended())).toMatchObject(REFUSED);
    });

    test("do not move the address, host or binding of an honest request either", async () => {
      const answer = await post(
        cambio.gateway,
        { grant_type: "client_credentials", client_id: "gateway" },
        { ...pretended(), host: "evil.example.com", "x-forwarded-proto": "https" },
      );
      expect(answer.status).toBe(200);
      expect(claims(String(answer.body.access_token))).toMatchObject({ iss: cambio.issuer, cnf: { "x5t#S256": thumbprint(cambio.gateway) } });
    });

    test("say nothing at the plain port, not even what the TLS port itself would say", async () => {
      const body = new URLSearchParams({ grant_type: "client_credentials", client_id: "gateway" });
      for (const secret of ["", "guessed", "0".repeat(43)]) {
        const response = await fetch(`${cambio.issuer}/oauth2/token`, { method: "POST", body, headers: { ...pretended(), ...(secret !== "" && { "cambio-mtls-proxy": secret }) } });
        expect(response.status).toBe(401);
      }
    });
  });

  test("a client without certificates is served at the TLS port as at the plain one, certificate or not", async () => {
    const form = { grant_type: "client_credentials", client_id: "billing-worker", client_secret: "billing-worker-secret" };
    for (const certificate of [undefined, cambio.gateway]) {
      const answer = await post(certificate, form);
      expect(answer.status).toBe(200);
      expect(claims(String(answer.body.access_token)).iss).toBe(cambio.issuer);
    }
  });

  test("the printed lines work when pasted into bash one after another", async () => {
    const { stdout: printed } = await run("bash", ["-e", "-c", mtlsLines(cambio)], { timeout: 30_000 });
    expect(printed).toContain(thumbprint(cambio.gateway));
    expect(printed).toContain('"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"');
    expect(printed.match(/"error":"invalid_client"/g)).toHaveLength(2);
  });

  // What the platform would say of the right certificate, and what servers in front of applications commonly do.
  function pretended(): Record<string, string> {
    const { raw, serialNumber } = new X509Certificate(readFileSync(cambio.gateway.cert));
    const tlsClientAuth = {
      certPresented: "1",
      certVerified: "SUCCESS",
      certRevoked: "0",
      certSubjectDNRFC2253: "CN=gateway,O=Example Corporation",
      certIssuerSKI: cambio.ca.keyId,
      certSerial: serialNumber,
      certFingerprintSHA256: "ab".repeat(32),
      certNotBefore: "Jan  1 00:00:00 2020 GMT",
      certNotAfter: "Jan  1 00:00:00 2120 GMT",
    };
    const der = raw.toString("base64");
    return {
      "mf-cf-blob": JSON.stringify({ clientAcceptEncoding: "", tlsClientAuth }),
      "cf-connecting-ip": "203.0.113.9",
      "client-cert": `:${der}:`,
      "cf-client-cert-der-base64": der,
      "x-client-cert": der,
      "x-ssl-client-verify": "SUCCESS",
      "x-ssl-client-s-dn": "CN=gateway,O=Example Corporation",
      "x-forwarded-client-cert": `By=x;Subject="CN=gateway,O=Example Corporation"`,
      "ssl-client-verify": "SUCCESS",
    };
  }

  function certifyItself(): CertificateFiles {
    return { cert: otherCa.cert, key: otherCa.key };
  }

  async function clientToken(): Promise<{ readonly access_token: string }> {
    const { status, body } = await post(cambio.gateway, { grant_type: "client_credentials", client_id: "gateway" });
    expect(status).toBe(200);
    return { access_token: String(body.access_token) };
  }

  function post(certificate: CertificateFiles | undefined, form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const url = new URL("/oauth2/token", cambio.mtlsUrl);
    const shown = certificate === undefined ? {} : { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
    const tls = { ca: readFileSync(cambio.ca.cert), agent: false as const, servername: "localhost", ...shown };
    const type = { "content-type": "application/x-www-form-urlencoded" };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method: "POST", ...tls, headers: { ...type, ...headers } }, async (response) => {
        let text = "";
        for await (const piece of response) text += piece;
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
      });
      sent.once("error", reject).end(new URLSearchParams(form).toString());
    });
  }
});

function claims(token: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

function thumbprint({ cert }: CertificateFiles): string {
  return createHash("sha256")
    .update(new X509Certificate(readFileSync(cert)).raw)
    .digest("base64url");
}
