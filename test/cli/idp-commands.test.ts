import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selfSigned } from "../../cli/certificate.ts";
import { checkSamlProvider } from "../../cli/saml-identity-providers.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { inProcess } from "./run-cli.ts";

type Answer = (issuer: string, request: IncomingMessage, response: ServerResponse) => void;

const folder = mkdtempSync(join(tmpdir(), "cambio-cli-"));
const PUBLIC = { kty: "RSA", kid: "k-1", alg: "RS256", use: "sig", n: "AQAB", e: "AQAB" };
const json = (body: unknown, status = 200) => {
  const answer: Answer = (_issuer, _request, response) => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  return answer;
};
const discovery = (change: Record<string, unknown> = {}): Answer => {
  return (issuer, request, response) => {
    const document = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`, ...change };
    json(document)(issuer, request, response);
  };
};

let idp: Server;
let issuer: string;
let answers: { discovery: Answer; keys: Answer };
let api: ApiServer;
beforeAll(async () => {
  api = await apiServer();
  idp = createServer((request, response) => (request.url === "/jwks" ? answers.keys : answers.discovery)(issuer, request, response));
  await new Promise<void>((resolve) => idp.listen(0, "localhost", resolve));
  issuer = `http://localhost:${(idp.address() as AddressInfo).port}`;
});
afterAll(() => {
  api.close();
  idp.close();
  rmSync(folder, { recursive: true });
});

const file = (at = issuer, change: object = {}) => {
  const path = join(folder, "tenant.json");
  const corp = { issuer: at, clientId: "cambio", clientSecretName: "CORP_CLIENT_SECRET", ...change };
  writeFileSync(path, JSON.stringify({ issuer: "http://localhost:8787", identityProviders: { corp } }));
  return path;
};
const check = async (change: Partial<typeof answers> = {}, ...args: readonly string[]) => {
  answers = { discovery: discovery(), keys: json({ keys: [PUBLIC] }), ...change };
  return await inProcess(["idp", "check", "--file", file(), ...args]);
};

describe("idp list", () => {
  test("prints the identity providers of a file or of a running tenant, with the name of the secret and never one", async () => {
    const { status, stdout } = await inProcess(["idp", "list", "--file", file()]);
    expect(stdout.split("\n")[1]).toMatch(new RegExp(`^corp +OpenID +${issuer} +cambio +CORP_CLIENT_SECRET +enabled`));
    expect(status).toBe(0);
    const corp = { issuer, clientId: "cambio", clientSecretName: "CORP_CLIENT_SECRET", disabled: true };
    api.answer(200, { version: 3, tenant: { identityProviders: { corp } } });
    expect((await api.cambio(["idp", "list"])).stdout.split("\n")[1]).toMatch(/disabled$/);
    expect(JSON.parse((await api.cambio(["idp", "list", "--json"])).stdout)).toEqual({ corp });
  });
});

describe("a SAML identity provider", () => {
  const certificate = (bits: number) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
    return selfSigned(privateKey, publicKey, "Partners").toString("base64");
  };
  const saml = (certificates: readonly string[]) => {
    const path = join(folder, "saml.json");
    const partners = { entityId: "https://saml.example.com", ssoUrl: "https://saml.example.com/sso", certificates };
    writeFileSync(path, JSON.stringify({ issuer: "http://localhost:8787", samlIdentityProviders: { partners } }));
    return path;
  };

  test("is listed beside the others, and its certificates are looked at", async () => {
    const path = saml([certificate(2048)]);
    expect((await inProcess(["idp", "list", "--file", path])).stdout.split("\n")[1]).toMatch(/^partners +SAML +https:\/\/saml\.example\.com +enabled/);
    const { status, stdout } = await inProcess(["idp", "check", "--file", path]);
    expect(stdout).toMatch(/^partners: ok \(https:\/\/saml\.example\.com\)\n {2}login: .*\n {2}certificate: CN=Partners, RSA 2048, until .*\n$/);
    expect(status).toBe(0);
  });

  test.each([
    ["a key that is too short", () => certificate(1024), "has no RSA key of 2048 bit or more"],
    ["what is no certificate", () => "MIIB", "cannot be read"],
  ])("cannot be used with %s alone, exit code 1", async (_what, make, sentence) => {
    const { status, stdout } = await inProcess(["idp", "check", "--file", saml([make()])]);
    expect(stdout).toContain(sentence);
    expect(status).toBe(1);
    expect((await inProcess(["idp", "check", "--file", saml([make(), certificate(2048)])])).status).toBe(0);
  });

  test("is told when its certificate has expired", () => {
    const provider = { entityId: "e", certificates: [certificate(2048)], attributes: {}, disabled: false } as never;
    expect(checkSamlProvider("partners", provider, Date.now() + 11 * 365 * 86_400_000).found.join()).toContain("is there a newer one?");
  });
});

describe("idp check", () => {
  test("fetches discovery and keys and says what it found", async () => {
    const { status, stdout, stderr } = await check();
    expect(stdout.split("\n")).toEqual([
      `corp: ok (${issuer})`,
      `  discovery: issuer is ${issuer}`,
      `  authorize: ${issuer}/auth`,
      `  token: ${issuer}/token`,
      `  keys: ${issuer}/jwks has 1, 1 for signatures: k-1 RS256`,
      expect.stringContaining("can be verified"),
      expect.stringMatching(/^ {2}discovery took [0-9]+ ms, the keys [0-9]+ ms$/),
      ...["place: https", "time: 5 s", "size: 256 KiB", "rate: one fetch of a document in 30 s", "age: asked for again after 10 min"].map((bound) =>
        expect.stringContaining(`bound, ${bound}`),
      ),
      "",
    ]);
    expect([status, stderr]).toEqual([0, "asking 1 identity provider\n"]);
    expect(JSON.parse((await check({}, "--json")).stdout)).toEqual([{ alias: "corp", issuer, ok: true, found: expect.any(Array) }]);
  });

  test.each<[string, Partial<typeof answers>, RegExp]>([
    ["a document of another issuer", { discovery: discovery({ issuer: "http://localhost:1" }) }, /of exactly this issuer/],
    ["endpoints that are addresses in figures", { discovery: discovery({ token_endpoint: "https://10.0.0.1/token" }) }, /https endpoints at public names/],
    ["a document without keys", { discovery: discovery({ jwks_uri: undefined }) }, /discovery document cannot be used/],
    ["a redirect", { discovery: (_i, _q, response) => void response.writeHead(302, { location: "https://elsewhere.example.com/" }).end() }, /without a redirect/],
    ["a page instead of JSON", { discovery: (_i, _q, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>") }, /discovery document cannot be used/],
    ["a document of more than 256 KiB", { discovery: discovery({ more: "x".repeat(262_144) }) }, /at most 256 KiB/],
    ["a failing server", { discovery: json({}, 500) }, /cannot be reached/],
    ["an empty key set", { keys: json({ keys: [] }) }, /key set cannot be used/],
    ["a key set of more than 256 KiB", { keys: json({ keys: [{ ...PUBLIC, x: "x".repeat(262_144) }] }) }, /key set cannot be used/],
    ["keys of another algorithm", { keys: json({ keys: [{ kty: "EC", crv: "P-256", kid: "e", alg: "ES512", x: "a", y: "b" }] }) }, /no key fits signingAlgorithms/],
    ["keys for encryption alone", { keys: json({ keys: [{ ...PUBLIC, use: "enc" }] }) }, /no key fits signingAlgorithms/],
  ])("says what is wrong, exit code 1: %s", async (_what, change, sentence) => {
    const { status, stdout, stderr } = await check(change);
    expect(stdout).toMatch(sentence);
    expect(stdout).toContain("corp: cannot be used");
    expect([status, stderr.includes("cannot be used: corp")]).toEqual([1, true]);
  });

  test("says when nobody answers", async () => {
    const { status, stdout } = await inProcess(["idp", "check", "--file", file("http://localhost:9")]);
    expect(stdout).toContain("cannot be reached, or took longer than 5 s");
    expect(status).toBe(1);
  });
});
