import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { initialise } from "../../cli/environment-init.ts";
import { rotate } from "../../cli/key-rotation.ts";
import { readOperatorKey } from "../../cli/operator-key.ts";
import { type ApiServer, apiServer } from "./api-server.ts";

let server: ApiServer;
const folder = mkdtempSync(join(tmpdir(), "cambio-canaries-"));
beforeAll(async () => {
  server = await apiServer();
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const TOKEN = "cambio_at_canary-token-0123456789";
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const tenant = () =>
  file(
    "tenant.json",
    JSON.stringify({
      issuer: server.url,
      identityProviders: { corp: { issuer: "http://localhost:9", clientId: "c", clientSecretName: "CORP_CLIENT_SECRET" } },
      clients: { app: { developmentSecret: "canary-development-secret", grants: ["client_credentials"] } },
    }),
  );

/** Arguments of each command that needs some. */
const argumentsOf = (): Readonly<Record<string, readonly string[]>> => ({
  "tenant check": [tenant()],
  "tenant apply": [tenant()],
  "tenant diff": [tenant()],
  "client show": ["app"],
  "client add": ["app", tenant()],
  "client disable": ["app"],
  "client enable": ["app"],
  "client secret add": ["app"],
  "client secret retire": ["app", "AAAAAAAA"],
  "client certificate add": ["app", file("junk.pem", `-----BEGIN PRIVATE KEY-----\ncanary-private-key\n-----END PRIVATE KEY-----`)],
  "client certificate retire": ["app", "AAAAAAAA"],
  "idp list": ["--file", tenant()],
  "idp check": ["--file", tenant()],
  "keys retire": ["1"],
  "keys emergency-drop": ["1"],
  "token-keys retire": ["1"],
  "token-keys emergency-drop": ["1"],
  "permission request": ["a", "b"],
  "permission grant": ["a", "b"],
  "permission deny": ["a", "b"],
  "permission withdraw": ["a", "b"],
  "family trace": ["--file", file("token", TOKEN)],
  "family revoke": ["a".repeat(64)],
});
// These ask no server, or store keys somewhere: `init` and both rotations are below.
const ELSEWHERE = ["init", "openapi", "tenant schema", "tenant check", "idp list", "idp check", "keys rotate", "token-keys rotate"];
const SERVER_ANSWERS: readonly (readonly [string, number, unknown])[] = [
  ["refuses", 409, { error: "conflict", error_description: "No." }],
  ["fails", 500, { error: "server_error" }],
  ["answers something else", 200, { unexpected: true }],
];

/** Everything that a command prints, with what it throws. */
async function printed(work: (terminal: { out(text: string): void; note(text: string): void }) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const print = (text: string) => void lines.push(text);
  await work({ out: print, note: print }).catch((error: Error & { problems?: unknown }) => print(`${error.stack} ${String(error.cause)} ${JSON.stringify(error.problems ?? "")}`));
  return lines.join("\n");
}

/** What must stand in nothing that is printed: the operator's private key, its tokens, and what was read from files. */
const secretsOf = () => {
  const { d } = JSON.parse(readFileSync(server.keyFile, "utf8")) as { readonly d: string };
  return [d, ...server.tokens, TOKEN, "canary-development-secret", "canary-private-key"];
};

describe("LOG-01 nothing that the command line prints holds a secret, a token or an assertion", () => {
  test.each(SERVER_ANSWERS)("by any command, with --json or without, where the server %s", async (_what, status, body) => {
    server.answer(status, body);
    const given = argumentsOf();
    const texts: string[] = [];
    for (const command of COMMANDS.filter(({ words }) => words !== "init" && !words.endsWith("rotate"))) {
      const remote = ELSEWHERE.includes(command.words) ? [] : ["--url", server.url, "--key", server.keyFile];
      const json = /--json/.test(command.help) ? [[], ["--json"]] : [[]];
      for (const more of json) texts.push(await printed((terminal) => command.run([...(given[command.words] ?? []), ...remote, ...more], terminal)));
    }
    const all = texts.join("\n");
    expect(server.tokens.length).toBeGreaterThan(20);
    expect(secretsOf().filter((secret) => all.includes(secret))).toEqual([]);
    // The commands did something: what the server said, or a sentence of ours, is there.
    expect(texts.filter((text) => text === "")).toEqual([]);
  });

  test("nor by init and the rotations, which make keys and hand them on", async () => {
    const made: string[] = [];
    const secrets = { afterwards: "deploy", names: async () => [], put: async (_name: string, value: string) => void made.push(value) };
    server.answer(200, { version: 1, keys: [], unregistered: [] });
    const operator = { issuer: server.url, key: readOperatorKey(server.keyFile) };
    const texts = [await printed(async (terminal) => terminal.out(JSON.stringify(await initialise(terminal, secrets, join(folder, "operator.jwk.json"), "olga"))))];
    for (const [kind, algorithm] of [
      ["signing", "ES256"],
      ["signing", "RS256"],
      ["signing", "SAML"],
      ["token", undefined],
    ] as const) {
      texts.push(await printed(async (terminal) => terminal.out(JSON.stringify(await rotate({ operator, terminal, secrets, kind, algorithm, wait: false, patience: 0 })))));
    }
    const { d: own } = JSON.parse(readFileSync(join(folder, "operator.jwk.json"), "utf8")) as { readonly d: string };
    const privateParts = made.flatMap((text) => {
      const { d, k, p, q, dp, dq, qi } = JSON.parse(text) as Readonly<Record<string, string | undefined>>;
      return [d, k, p, q, dp, dq, qi].filter((part) => part !== undefined);
    });
    expect(made).toHaveLength(8);
    expect([...privateParts, own, ...secretsOf()].filter((secret) => texts.join("\n").includes(secret))).toEqual([]);
  });

  test("and would be found, were it there", async () => {
    const [secret = "none"] = secretsOf();
    expect(await printed(async (terminal) => terminal.note(`x ${secret} y`))).toContain(secret);
    expect(await printed(() => Promise.reject(new Error("x", { cause: TOKEN })))).toContain(TOKEN);
  });
});
