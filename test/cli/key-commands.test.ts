import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { initialise } from "../../cli/environment-init.ts";
import { type Rotation, rotate } from "../../cli/key-rotation.ts";
import { readOperatorKey } from "../../cli/operator-key.ts";
import { localSecrets, type SecretStore, wranglerSecrets } from "../../cli/secret-store.ts";
import { type ApiServer, apiServer, type Sent } from "./api-server.ts";
import { inProcess } from "./run-cli.ts";

let server: ApiServer;
let folder: string;
beforeAll(async () => {
  server = await apiServer();
});
beforeEach(() => {
  server.sent.length = 0;
  folder = mkdtempSync(join(tmpdir(), "cambio-keys-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});
afterAll(() => server.close());

const START = 1_800_000_000;
const KEY = { kind: "signing", number: 1, keyId: "kid-1", algorithm: "ES256", role: "current", since: START, deployed: true };
const KEYS = { version: 4, keys: [KEY], unregistered: [] };
const NEXT = { ...KEY, number: 2, keyId: "kid-2", role: "next", promotableFrom: START + 310 };

/** A store of secrets in memory, and every line that was noted. */
function storeOf(...names: readonly string[]) {
  const kept = new Map(names.map((name) => [name, ""]));
  const notes: string[] = [];
  const secrets: SecretStore = { afterwards: "deploy", names: async () => [...kept.keys()], put: async (name, value) => void kept.set(name, value) };
  return { kept, notes, secrets, terminal: { out: () => undefined, note: (text: string) => void notes.push(text) } };
}

describe("keys list, retire and emergency-drop; token-keys too", () => {
  test.each<[readonly string[], string, string, unknown]>([
    [["keys", "list"], "GET", "/api/v1/keys", undefined],
    [["keys", "retire", "3"], "POST", "/api/v1/keys/signing/3/retire", {}],
    [["keys", "emergency-drop", "3"], "POST", "/api/v1/keys/signing/3/drop", {}],
    [["keys", "emergency-drop", "3", "--force"], "POST", "/api/v1/keys/signing/3/drop", { force: true }],
    [["token-keys", "retire", "3"], "POST", "/api/v1/keys/token/3/retire", {}],
    [["token-keys", "emergency-drop", "3"], "POST", "/api/v1/keys/token/3/drop", {}],
  ])("%j sends what was said, and prints what holds now", async (words, method, path, body) => {
    server.answer(200, { ...KEYS, keys: [KEY, NEXT], unregistered: [{ kind: "token", number: 9 }] });
    const { status, stdout } = await server.cambio(words);
    expect(server.sent).toEqual([{ method, path, body, operator: "olga", boundTo: [method, path] }]);
    const lines = stdout.split("\n");
    expect(lines[1]).toMatch(/^SIGNING_KEY_1 +ES256 +current +2027-01-15T08:00:00Z +yes +kid-1$/);
    expect(lines[2]).toMatch(/^SIGNING_KEY_2 +ES256 +next .* promote from 2027-01-15T08:05:10Z +kid-2$/);
    expect(lines[3]).toMatch(/^TOKEN_KEY_9 +unregistered +yes +keys rotate publishes it$/);
    expect(status).toBe(0);
    expect(JSON.parse((await server.cambio([...words, "--json"])).stdout)).toMatchObject({ version: 4 });
  });

  test("say what the server refuses, exit code 1", async () => {
    server.answer(409, { error: "conflict", error_description: "Something that is still alive may have been made with this key." });
    const { status, stderr } = await server.cambio(["keys", "retire", "1"]);
    expect([status, stderr]).toEqual([1, "the server answered 409 conflict: Something that is still alive may have been made with this key.\n"]);
  });

  test.each([
    [["keys", "retire"]],
    [["keys", "retire", "one"]],
    [["keys", "rotate", "--algorithm", "HS256"]],
    [["token-keys", "rotate", "--algorithm", "ES256"]],
    [["keys", "rotate", "--number", "0"]],
  ])("%j is a usage error, exit code 2", async (args) => {
    expect((await server.cambio(args)).status).toBe(2);
    expect(server.sent).toEqual([]);
  });
});

describe("keys rotate and token-keys rotate", () => {
  const rotation = (store: ReturnType<typeof storeOf>, change: Partial<Rotation> = {}): Rotation => ({
    ...{ operator: { issuer: server.url, key: readOperatorKey(server.keyFile) }, kind: "signing", algorithm: "ES256", wait: false, patience: 0 },
    ...{ terminal: store.terminal, secrets: store.secrets },
    ...change,
  });

  test("store a new key under the next number, and say what is to be done where the Worker does not hold it yet", async () => {
    server.answer(200, KEYS);
    const store = storeOf("SIGNING_KEY_1", "TOKEN_KEY_1");
    expect(await rotate(rotation(store))).toMatchObject({ step: "stored", key: "SIGNING_KEY_2" });
    expect(JSON.parse(store.kept.get("SIGNING_KEY_2") ?? "")).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", d: expect.any(String) });
    expect(store.notes.join("\n")).toContain("deploy, then call this again");
    server.answer(200, { ...KEYS, keys: [{ kind: "token", number: 1, role: "current", since: START, deployed: true }] });
    expect(await rotate(rotation(store, { kind: "token", algorithm: undefined }))).toMatchObject({ step: "stored", key: "TOKEN_KEY_2" });
    expect(JSON.parse(store.kept.get("TOKEN_KEY_2") ?? "")).toMatchObject({ kty: "oct", k: expect.stringMatching(/^[\w-]{43}$/) });
  });

  test("make no second key while one is stored and not deployed", async () => {
    server.answer(200, KEYS);
    await expect(rotate(rotation(storeOf("SIGNING_KEY_1", "SIGNING_KEY_2")))).rejects.toThrow("SIGNING_KEY_2 is stored and not deployed yet: deploy");
  });

  test("publish it once it is deployed, promote it when it is time and not before", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: START * 1000 });
    server.answer(200, { ...KEYS, keys: [KEY, NEXT] });
    const store = storeOf();
    expect(await rotate(rotation(store))).toMatchObject({ step: "published", key: "SIGNING_KEY_2", from: START + 310 });
    expect(server.sent.map(({ path }) => path)).toEqual(["/api/v1/keys/register"]);
    vi.setSystemTime((START + 310) * 1000);
    expect(await rotate(rotation(store))).toMatchObject({ step: "promoted", key: "SIGNING_KEY_2" });
    expect(server.sent.map(({ path }) => path).slice(1)).toEqual(["/api/v1/keys/register", "/api/v1/keys/signing/2/promote"]);
    expect(store.kept.size).toBe(0);
  });

  test("do all of it in one call where the Worker holds the key at once: a script that rotates five times", async () => {
    let keys: readonly (typeof KEY & { readonly promotableFrom?: number })[] = [KEY];
    const store = storeOf("SIGNING_KEY_1");
    const numbers: string[] = [];
    server.answerBy(({ path }: Sent) => {
      const [, promoted] = /signing\/([0-9]+)\/promote/.exec(path) ?? [];
      const number = store.kept.size;
      if (promoted !== undefined) keys = keys.map((key) => ({ ...key, role: key.number === Number(promoted) ? "current" : "previous" }));
      else if (number > keys.length) keys = [...keys, { ...KEY, number, role: "next", promotableFrom: 1 }];
      return { status: 200, body: { ...KEYS, keys } };
    });
    for (let round = 0; round < 5; round++) {
      const { step, key } = await rotate(rotation(store, { wait: true }));
      numbers.push(`${step} ${key}`);
    }
    expect(numbers).toEqual([2, 3, 4, 5, 6].map((number) => `promoted SIGNING_KEY_${number}`));
  });
});

describe("init", () => {
  test("makes every key that a Worker needs, each once, and an operator's key that only its owner can read", async () => {
    const store = storeOf();
    const file = join(folder, "env", "operator.jwk.json");
    const first = await initialise(store.terminal, store.secrets, file, "olga");
    expect(first.made).toEqual(["SIGNING_KEY_1", "SIGNING_KEY_2", "SIGNING_KEY_3", "TOKEN_KEY_1"]);
    expect(store.notes).toEqual(first.made.map((name) => `storing ${name}`));
    expect(statSync(file).mode & 0o077).toBe(0);
    const { d } = JSON.parse(readFileSync(file, "utf8")) as { readonly d: string };
    expect(JSON.parse(first.operatorKeys)).toEqual({ keys: [expect.objectContaining({ kid: "olga", kty: "EC" })] });
    expect(first.operatorKeys).not.toContain(d);
    const kept = new Map(store.kept);
    const again = await initialise(store.terminal, store.secrets, file, "somebody");
    expect([again.made, again.kept, again.operatorKeys]).toEqual([[], [...kept.keys()], first.operatorKeys]);
    expect(store.kept).toEqual(kept);
  });

  test("makes no first key where rotation has replaced it", async () => {
    const store = storeOf("SIGNING_KEY_7", "SIGNING_KEY_2", "SIGNING_KEY_3", "TOKEN_KEY_4");
    expect((await initialise(store.terminal, store.secrets, join(folder, "o.json"), "olga")).made).toEqual([]);
  });

  test.each([[["init"]], [["init", "--env", "staging", "--local"]], [["init", "--env", "nowhere"]], [["init", "--env", "staging", "--operator", "a b"]]])(
    "%j is a usage error, exit code 2",
    async (args) => {
      expect((await inProcess(args)).status).toBe(2);
    },
  );
});

describe("where secrets are put", () => {
  test("wrangler gets a value by standard input: no argument and no line that is printed holds it", async () => {
    const [script, log] = [join(folder, "wrangler.mjs"), join(folder, "log")];
    writeFileSync(
      script,
      `import { appendFileSync, readFileSync } from "node:fs";
const [, , ...args] = process.argv;
const input = args[1] === "put" ? readFileSync(0, "utf8") : "";
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ args, input }) + "\\n");
if (args.includes("BAD")) { console.error("not logged in"); process.exit(1); }
if (args[1] === "list") console.log('[{"name":"SIGNING_KEY_1"},{"name":"TOKEN_KEY_1"}]');`,
    );
    const store = wranglerSecrets("staging", script);
    expect(await store.names()).toEqual(["SIGNING_KEY_1", "TOKEN_KEY_1"]);
    await store.put("SIGNING_KEY_2", "the-value");
    const failed = await store.put("BAD", "another-value").catch((error: Error) => error.message);
    expect(failed).toBe("wrangler secret put failed (exit 1):\nnot logged in");
    const calls = readFileSync(log, "utf8").trim().split("\n");
    expect(calls.map((line) => JSON.parse(line) as unknown)).toEqual([
      { args: ["secret", "list", "--env", "staging", "--format", "json"], input: "" },
      { args: ["secret", "put", "SIGNING_KEY_2", "--env", "staging"], input: "the-value" },
      { args: ["secret", "put", "BAD", "--env", "staging"], input: "another-value" },
    ]);
  });

  test("the local server's file takes each once, and stays its owner's", async () => {
    const file = join(folder, "vars.env");
    await expect(localSecrets(file).put("TOKEN_KEY_2", "x")).rejects.toThrow("npm start makes it");
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, "ISSUERS='http://localhost:1'\n");
    await localSecrets(file).put("TOKEN_KEY_2", "x");
    expect([await localSecrets(file).names(), statSync(file).mode & 0o077]).toEqual([["ISSUERS", "TOKEN_KEY_2"], 0]);
    await expect(localSecrets(file).put("TOKEN_KEY_2", "y")).rejects.toThrow("a secret is written once");
  });
});
