import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pem, selfSigned } from "../../cli/certificate.ts";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { inProcess } from "./run-cli.ts";

const certificates = [newPrivateJwk("SAML"), newPrivateJwk("SAML")].map(({ x5c }) => x5c?.[0] ?? "");
const PUBLISHED = certificates.map((one) => `<ds:X509Certificate>${one}</ds:X509Certificate>`).join("");

describe("the certificate of a new SAML key", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

  test("is signed by its own key, for ten years, also beyond 2049", () => {
    const certificate = new X509Certificate(selfSigned(privateKey, publicKey, "Cambio", new Date("2026-01-02T03:04:05Z")));
    expect(certificate.verify(publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
    expect([certificate.subject, certificate.issuer]).toEqual(["CN=Cambio", "CN=Cambio"]);
    expect([certificate.validFrom, certificate.validTo]).toEqual(["Jan  2 03:04:05 2026 GMT", "Jan  2 03:04:05 2036 GMT"]);
    expect(new X509Certificate(selfSigned(privateKey, publicKey, "Cambio", new Date("2045-01-01T00:00:00Z"))).validTo).toBe("Jan  1 00:00:00 2055 GMT");
  });

  test("has a serial number of its own, and fits the key beside it", () => {
    const [one, other] = certificates.map((base64) => new X509Certificate(Buffer.from(base64, "base64")));
    expect(one?.serialNumber).not.toBe(other?.serialNumber);
    expect(one?.publicKey.asymmetricKeyDetails?.modulusLength).toBe(2048);
  });
});

describe("saml certificate", () => {
  let body = `<md:EntityDescriptor>${PUBLISHED}${PUBLISHED}</md:EntityDescriptor>`;
  const server = createServer((request, response) => response.writeHead(request.url === "/saml2/metadata" ? 200 : 404).end(body));
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    url = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  test("prints the current certificate in PEM, and with --all each one once", async () => {
    expect((await inProcess(["saml", "certificate", "--url", url])).stdout).toBe(`${pem(certificates[0] ?? "")}\n`);
    expect((await inProcess(["saml", "certificate", "--url", url, "--all"])).stdout).toBe(`${certificates.map(pem).join("\n")}\n`);
  });

  test("says what to do where there is none, and where nobody answers", async () => {
    body = "<md:EntityDescriptor></md:EntityDescriptor>";
    expect(await inProcess(["saml", "certificate", "--url", url])).toMatchObject({ status: 1, stderr: expect.stringContaining("keys rotate --algorithm SAML") });
    expect(await inProcess(["saml", "certificate", "--url", "http://localhost:1"])).toMatchObject({ status: 1, stderr: expect.stringContaining("cannot be reached") });
  });
});
