import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { type ApiServer, apiServer } from "./api-server.ts";
import { cambio, inProcess } from "./run-cli.ts";

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

const PERMISSION = { consumer: "front", provider: "api://back/v1", name: "to-back", apis: [], scopes: ["a:read"], tokenTypes: ["access_token"], status: "requested" };
const PATH = "/api/v1/permissions/front/api%3A%2F%2Fback%2Fv1";
const ID = "a".repeat(64);
const NODE = "n".repeat(22);
const FAMILY = {
  ...{ family: ID, kind: "login", root: 1_800_000_000, closes: 1_900_000_000, sessions: [], revokedNodes: [], truncated: false, refusals: [] },
  nodes: [{ ...{ parent: "", id: NODE, client: "front", audience: ["back"], scope: [], hops: 1, path: [NODE], leaves: [] }, ...{ issued: 1_800_000_000, expires: 1_900_000_000 } }],
};
const TOKEN = "cambio_at_AAAA";
const FOUND = { family: ID, token: { kind: "access_token", format: "opaque", client: "front", grant: NODE, node: "t-1", alive: false, dead: "node_revoked" }, trace: FAMILY };

describe("permission", () => {
  test.each([
    [["request", "front", "api://back/v1", "--name", "to-back"], "POST", "/api/v1/permissions", { consumer: "front", provider: "api://back/v1", name: "to-back" }],
    [["request", "front", "back"], "POST", "/api/v1/permissions", { consumer: "front", provider: "back", name: "back" }],
    [
      ["request", "front", "back", "--scope", "a", "--scope", "b", "--api", "x", "--token-type", "id_token"],
      "POST",
      "/api/v1/permissions",
      { consumer: "front", provider: "back", name: "back", scopes: ["a", "b"], apis: ["x"], tokenTypes: ["id_token"] },
    ],
    [["grant", "front", "api://back/v1"], "POST", `${PATH}/grant`, {}],
    [["grant", "front", "api://back/v1", "--scope", "a:read"], "POST", `${PATH}/grant`, { scopes: ["a:read"] }],
    [["deny", "front", "api://back/v1"], "POST", `${PATH}/deny`, {}],
    [["withdraw", "front", "api://back/v1"], "POST", `${PATH}/withdraw`, { cut_off: false }],
    [["withdraw", "front", "api://back/v1", "--cut-off"], "POST", `${PATH}/withdraw`, { cut_off: true }],
  ])("%j sends what was said, by a token for exactly that", async (words, method, path, body) => {
    server.answer(200, PERMISSION);
    const { status, stdout } = await server.cambio(["permission", ...words]);
    expect(server.sent).toEqual([{ method, path, body, operator: "olga", boundTo: [method, path] }]);
    expect(stdout).toBe("requested: front → api://back/v1 (to-back), access_token, scope a:read\n");
    expect(status).toBe(0);
  });

  test("list filters on the server and prints a table, or the answer itself with --json", async () => {
    server.answer(200, { permissions: [PERMISSION], truncated: true });
    const { status, stdout, stderr } = await server.cambio(["permission", "list", "--consumer", "front", "--status", "requested"]);
    expect(server.sent).toEqual([{ method: "GET", path: "/api/v1/permissions?consumer=front&status=requested", body: undefined, operator: "olga", boundTo: expect.anything() }]);
    expect(stdout.split("\n")[1]).toMatch(/^front +api:\/\/back\/v1 +to-back +requested/);
    expect(stderr).toContain("there are more");
    expect(status).toBe(0);
    expect(JSON.parse((await server.cambio(["permission", "list", "--json"])).stdout)).toEqual({ permissions: [PERMISSION], truncated: true });
    server.answer(200, { permissions: [], truncated: false });
    expect((await server.cambio(["permission", "list"])).stdout).toBe("no permissions\n");
  });

  test("says what the server refused and where, exit code 1", async () => {
    server.answer(400, { error: "invalid_request", error_description: "The document has problems.", problems: [{ path: "scopes.0", message: "is no scope of the provider" }] });
    const { status, stdout, stderr } = await server.cambio(["permission", "grant", "front", "back"]);
    expect(stderr).toBe("the server answered 400 invalid_request: The document has problems.\n  scopes.0: is no scope of the provider\n");
    expect([status, stdout]).toEqual([1, ""]);
  });
});

describe("family trace", () => {
  test("reads the token from standard input or a file, and draws the tree with its place in it", async () => {
    server.answer(200, FOUND);
    const file = join(folder, "token");
    writeFileSync(file, `${TOKEN}\n`);
    for (const [args, input] of [
      [["-"], `${TOKEN}\n`],
      [["--file", file], ""],
      [[`--file=${file}`, "--tokens"], ""],
    ] as const) {
      const { status, stdout, stderr } = await server.cambio(["family", "trace", ...args], input);
      expect(stdout).toMatch(new RegExp(`^opaque access_token of front, dead: node_revoked \\[t-1\\]\n\nfamily ${ID}\n[^]*front → back · [^\n]* \\[${NODE}\\]  ← this token\n$`));
      expect([status, stderr]).toEqual([0, ""]);
    }
    expect(server.sent.map(({ method, path, body }) => [method, path, body])).toEqual(Array.from({ length: 3 }, () => ["POST", "/api/v1/families/lookup", { token: TOKEN }]));
  });

  test("takes a token as an argument, and says why not to; it stands in no URL", async () => {
    server.answer(200, FOUND);
    const { status, stderr } = await server.cambio(["family", "trace", TOKEN]);
    expect(stderr).toContain("stays in the shell's history");
    expect(server.sent[0]?.path).toBe("/api/v1/families/lookup");
    expect(status).toBe(0);
  });

  test("takes the id of a family", async () => {
    server.answer(200, FAMILY);
    const { status, stdout, stderr } = await server.cambio(["family", "trace", ID]);
    expect(server.sent.map(({ method, path }) => [method, path])).toEqual([["GET", `/api/v1/families/${ID}`]]);
    expect(stdout).toContain("front → back · no scope · depth 1");
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse((await server.cambio(["family", "trace", ID, "--json"])).stdout)).toEqual(FAMILY);
  });

  test("says when nothing of a family is on record", async () => {
    const { trace: _trace, ...place } = FOUND;
    server.answer(200, place);
    expect((await server.cambio(["family", "trace", "-"], TOKEN)).stdout).toContain("nothing of this family is on record");
  });

  test.each([
    ["no token", ["family", "trace"]],
    ["two", ["family", "trace", "a", "b"]],
    ["a file and an argument", ["family", "trace", "--file", "f", "a"]],
  ])("%s is a usage error, exit code 2", async (_case, args) => {
    expect((await inProcess(args)).status).toBe(2);
  });

  test("says when a file cannot be read, exit code 1", async () => {
    const { status, stderr } = await server.cambio(["family", "trace", "--file", join(folder, "nowhere")]);
    expect(stderr).toContain("cannot read the token");
    expect(status).toBe(1);
  });
});

describe("family revoke", () => {
  test.each([
    [[], {}],
    [["--node", NODE], { node: NODE }],
  ])("%j kills what was named and draws what is left", async (options, body) => {
    server.answer(200, FAMILY);
    const { status, stdout } = await server.cambio(["family", "revoke", ID, ...options]);
    expect(server.sent.map((sent) => [sent.method, sent.path, sent.body])).toEqual([["POST", `/api/v1/families/${ID}/revoke`, body]]);
    expect(stdout).toContain(`family ${ID}`);
    expect(status).toBe(0);
  });

  test("says when there is no such family, exit code 1", async () => {
    server.answer(404, { error: "not_found", error_description: "There is no such token family, or it has been emptied." });
    const { status, stderr } = await server.cambio(["family", "revoke", "nowhere"]);
    expect(stderr).toBe("the server answered 404 not_found: There is no such token family, or it has been emptied.\n");
    expect(status).toBe(1);
  });
});

describe("help and usage", () => {
  test.each(COMMANDS.map(({ words }) => words))("%s --help says how it is called", async (words) => {
    const { status, stdout } = await inProcess([...words.split(" "), "--help"]);
    expect(stdout).toContain(`npm run cambio -- ${words}`);
    expect(status).toBe(0);
  });

  test.each([[["permission"]], [["permission", "grant", "front"]], [["permission", "deny", "a", "b", "c"]], [["permission", "list", "--frobnicate"]], [["family", "revoke"]]])(
    "%j is a usage error, exit code 2",
    async (args) => {
      const { status, stdout } = await inProcess(args);
      expect([status, stdout]).toEqual([2, ""]);
    },
  );

  test("a server that is not local needs --key", () => {
    const { status, stderr } = cambio("permission", "list", "--url", "https://id.example.com");
    expect(stderr).toContain("--key FILE is missing");
    expect(status).toBe(2);
  });
});

describe("user revoke", () => {
  const USER = "u".repeat(22);

  test.each([
    [[], {}, "everything"],
    [["--client", "web-app"], { client: "web-app" }, "client"],
    [["--session", "sid-1"], { session: "sid-1" }, "session"],
  ])("asks for what it is told: %j", async (options, body, revoked) => {
    server.answer(200, { user: USER, revoked });
    const { status, stdout } = await server.cambio(["user", "revoke", USER, ...options]);
    expect(server.sent.map(({ method, path, body }) => [method, path, body])).toEqual([["POST", `/api/v1/users/${USER}/revoke`, body]]);
    expect([status, stdout]).toEqual([0, `revoked ${revoked} of ${USER}\n`]);
  });

  test("takes a client or a session, not both, and asks nothing then", async () => {
    const { status, stderr } = await server.cambio(["user", "revoke", USER, "--client", "a", "--session", "b"]);
    expect([status, stderr, server.sent]).toEqual([1, "--client and --session exclude each other\n", []]);
  });
});
