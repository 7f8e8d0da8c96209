import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { selfSigned } from "../../cli/certificate.ts";
import { certify, hasOpenssl, localCa } from "../../cli/local/mtls-ca.ts";
import { Client } from "../../src/tenants/client.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { inProcess } from "./run-cli.ts";

let server: ApiServer;
const folder = mkdtempSync(join(tmpdir(), "cambio-cli-"));
beforeAll(async () => {
  server = await apiServer();
});
beforeEach(() => {
  server.sent.length = 0;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const { secrets: _secrets, ...declared } = Client.parse({ grants: ["client_credentials"], dialect: "sap" });
const HASH = "-Ab3456789_-";
const SECRET = { hash: HASH, origin: "api", since: 1_800_000_000, by: "olga", valid: true };
const CERTIFICATE = { id: "Zz3456789_-a", subjectDn: "CN=gateway,O=Example", issuerKeyId: "0a1b2c3d", origin: "file" };
const CLIENT = { id: "batch/1", client: declared, disabled: true, disabledBy: ["api"], developmentSecret: false, secrets: [SECRET], certificates: [CERTIFICATE] };
const DRAWN = "drawn-secret-drawn-secret-drawn-secret-draw";
const PATH = "/api/v1/clients/batch%2F1";

describe("client list and client show", () => {
  test("print a table and what is known of one, or the server's answer with --json", async () => {
    const line = { id: "batch/1", dialect: "sap", public: false, disabled: true, authenticationMethods: ["private_key_jwt"], grants: [], validSecrets: 0 };
    server.answer(200, { clients: [line] });
    const list = await server.cambio(["client", "list"]);
    expect(list.stdout.split("\n")[1]).toMatch(/^batch\/1 +sap +private_key_jwt +disabled +0/);
    expect(JSON.parse((await server.cambio(["client", "list", "--json"])).stdout)).toEqual({ clients: [line] });
    server.answer(200, CLIENT);
    const { status, stdout, stderr } = await server.cambio(["client", "show", "batch/1"]);
    expect(stdout).toContain("batch/1: confidential, sap, disabled (api), grants client_credentials");
    expect(stdout).toContain(`sha256:${HASH}`);
    expect(stdout).toMatch(/sha256:Zz3456789_-a +file +CN=gateway,O=Example +0a1b2c3d/);
    expect([status, stderr]).toEqual([0, ""]);
    expect(server.sent.map(({ method, path }) => [method, path])).toEqual([
      ["GET", "/api/v1/clients"],
      ["GET", "/api/v1/clients"],
      ["GET", PATH],
    ]);
  });
});

describe("client add, disable, enable and secrets", () => {
  test.each<[readonly string[], string, string, unknown]>([
    [["disable", "batch/1"], "POST", `${PATH}/disable`, {}],
    [["enable", "batch/1"], "POST", `${PATH}/enable`, {}],
    [["add", "batch/1", "-"], "POST", "/api/v1/clients", { id: "batch/1", client: { grants: ["client_credentials"] } }],
    [["secret", "add", "batch/1"], "POST", `${PATH}/secrets`, {}],
    [["secret", "add", "batch/1", "--limit", "3", "--expires-in", "86400"], "POST", `${PATH}/secrets`, { limit: 3, expiresIn: 86_400 }],
    [["secret", "retire", "batch/1", `sha256:${HASH}`], "DELETE", `${PATH}/secrets/${HASH}`, undefined],
    [["certificate", "retire", "batch/1", "sha256:Zz345678"], "DELETE", `${PATH}/certificates/Zz345678`, undefined],
  ])("client %j sends what was said", async (words, method, path, body) => {
    server.answer(200, CLIENT);
    const { status, stdout } = await server.cambio(["client", ...words], words.includes("-") ? '{"grants":["client_credentials"]}' : undefined);
    expect(server.sent).toEqual([{ method, path, body, operator: "olga", boundTo: [method, path] }]);
    expect([status, stdout.split(":")[0]]).toEqual([0, "batch/1"]);
  });

  test("a drawn secret stands alone on standard output, so that it can be piped; the rest on standard error", async () => {
    server.answer(200, { ...CLIENT, secret: DRAWN });
    for (const words of [
      ["secret", "add", "batch/1"],
      ["add", "batch/1", "-"],
    ]) {
      const { stdout, stderr, status } = await server.cambio(["client", ...words], words.includes("-") ? "{}" : undefined);
      expect([stdout, status]).toEqual([`${DRAWN}\n`, 0]);
      expect(stderr).toContain("which nobody can show again");
      expect(stderr).not.toContain(DRAWN);
    }
    expect(JSON.parse((await server.cambio(["client", "secret", "add", "batch/1", "--json"])).stdout)).toMatchObject({ secret: DRAWN });
  });

  test("what the server refuses is said in its words, exit code 1; what cannot be read too", async () => {
    server.answer(409, { error: "conflict", error_description: "This is the client's only valid secret." });
    const refused = await server.cambio(["client", "secret", "retire", "batch/1", "AAAAAAAA"]);
    expect([refused.status, refused.stderr]).toEqual([1, "the server answered 409 conflict: This is the client's only valid secret.\n"]);
    const unread = await server.cambio(["client", "add", "x", "-"], "not JSON");
    expect([unread.status, unread.stderr.startsWith("cannot read standard input:")]).toEqual([1, true]);
  });
});

describe("client certificate add", () => {
  const file = (name: string, text: string | Buffer) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const own = selfSigned(privateKey, publicKey, "gateway");
  const pem = `-----BEGIN CERTIFICATE-----\n${own.toString("base64")}\n-----END CERTIFICATE-----\n`;

  test("registers a certificate by its thumbprint, from PEM, DER or standard input", async () => {
    server.answer(200, CLIENT);
    const thumbprint = createHash("sha256").update(own).digest("base64url");
    for (const [from, input] of [[file("own.pem", pem)], [file("own.der", own)], ["-", pem]] as const) {
      expect((await server.cambio(["client", "certificate", "add", "batch/1", from], input)).status).toBe(0);
    }
    expect(server.sent.map(({ path, body }) => [path, body])).toEqual(Array.from({ length: 3 }, () => [`${PATH}/certificates`, { thumbprint }]));
  });

  test.skipIf(!hasOpenssl())(hasOpenssl() ? "registers one of a CA by its subject and the CA's key identifier" : "skipped, there is no openssl", async () => {
    server.answer(200, CLIENT);
    const [ca, other] = ["ca", "other"].map((name) => localCa(join(folder, name), `Test ${name}`)) as [ReturnType<typeof localCa>, ReturnType<typeof localCa>];
    const { cert } = certify(ca, "gateway", { subject: "/O=Müller, Söhne/CN=gateway", use: "client" });
    expect((await server.cambio(["client", "certificate", "add", "batch/1", cert, "--ca", ca.cert])).status).toBe(0);
    expect(server.sent[0]?.body).toEqual({ subjectDn: "CN=gateway,O=M\\C3\\BCller\\, S\\C3\\B6hne", issuerKeyId: ca.keyId });
    const unnamed = await server.cambio(["client", "certificate", "add", "batch/1", cert, "--ca", ca.cert, "--san", "dns:gateway.example.com"]);
    expect([unnamed.status, unnamed.stderr]).toEqual([1, `${cert} has no alternative name dns:gateway.example.com; it has: none\n`]);
    const tls = certify(ca, "server", { subject: "/CN=localhost", use: "server" });
    expect((await server.cambio(["client", "certificate", "add", "batch/1", tls.cert, "--ca", ca.cert, "--san", "ip:::1"])).status).toBe(0);
    expect(server.sent.at(-1)?.body).toEqual({ subjectAltName: "ip:::1", issuerKeyId: ca.keyId });
    const foreign = await server.cambio(["client", "certificate", "add", "batch/1", cert, "--ca", other.cert]);
    expect([foreign.status, foreign.stderr]).toEqual([1, `${cert} was not signed by the CA of ${other.cert}\n`]);
    const validity = { from: "20200101000000Z", to: "20210101000000Z" };
    const expired = certify(ca, "expired", { subject: "/CN=gateway", use: "client", validity });
    expect((await server.cambio(["client", "certificate", "add", "batch/1", expired.cert, "--ca", ca.cert])).stderr).toContain("has expired");
    expect(server.sent).toHaveLength(2);
  });

  test("says what is no certificate, exit code 1, and asks no server", async () => {
    const { status, stderr } = await server.cambio(["client", "certificate", "add", "batch/1", file("junk.pem", "junk")]);
    expect([status, stderr.includes("is no certificate in PEM or DER")]).toEqual([1, true]);
    expect(server.sent).toEqual([]);
  });

  test("says where a CA has no key identifier", async () => {
    const path = file("own.pem", pem);
    expect((await server.cambio(["client", "certificate", "add", "batch/1", path, "--ca", path])).stderr).toContain("has no key identifier");
  });
});

test.each([[["client"]], [["client", "show"]], [["client", "add", "x"]], [["client", "secret", "add", "x", "--limit", "many"]], [["client", "certificate", "add", "x"]]])(
  "%j is a usage error, exit code 2",
  async (args) => {
    const { status, stdout } = await inProcess(args);
    expect([status, stdout]).toEqual([2, ""]);
  },
);
