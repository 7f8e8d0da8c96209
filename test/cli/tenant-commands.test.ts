import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../../cli/root.ts";
import { tenantSchemaText } from "../../cli/tenant-schema.ts";
import { cambio } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "cambio-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WRONG_SHAPE = {
  issuer: "ftp://id.example.com",
  clients: {
    "web-app": { developmentSecret: "s", redirectUris: ["https://app.example.com/*"], grants: ["password"], colour: "red" },
    "bad id": {},
  },
};

const WRONG_REFERENCES = {
  issuer: "https://id.example.com/",
  defaultIdentityProvider: "nobody",
  clients: { "web-app": { developmentSecret: "s", grants: ["authorization_code"], trustedForHandoff: ["ghost"] } },
};

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe("tenant check", () => {
  test("says that the demo tenant is right", () => {
    const { status, stdout } = cambio("tenant", "check", "demo/tenant.json");
    const { clients, identityProviders, permissions } = JSON.parse(readFileSync(join(ROOT, "demo", "tenant.json"), "utf8"));
    expect(stdout).toBe(
      `demo/tenant.json: ok (clients ${Object.keys(clients).length}, identity providers ${Object.keys(identityProviders).length}, permissions ${permissions.length})\n`,
    );
    expect(status).toBe(0);
  });

  test("prints every problem of shape at once, each with its path", () => {
    const { status, stdout, stderr } = cambio("tenant", "check", write("shape.json", JSON.stringify(WRONG_SHAPE)));
    for (const path of ["issuer", "clients.web-app.redirectUris.0", "clients.web-app.grants.0", "clients.web-app", "clients.bad id"]) {
      expect(stderr).toMatch(new RegExp(`^  ${path.replaceAll(".", "\\.")}: \\S`, "m"));
    }
    expect(stderr).toContain("5 problems");
    expect(stdout).toBe("");
    expect(status).toBe(1);
  });

  test("prints every wrong reference at once, each with its path", () => {
    const { status, stderr } = cambio("tenant", "check", write("references.json", JSON.stringify(WRONG_REFERENCES)));
    const wrong = ["issuer", "defaultIdentityProvider", "clients.web-app.developmentSecret", "clients.web-app.redirectUris", "clients.web-app.trustedForHandoff.0"];
    for (const path of wrong) expect(stderr).toMatch(new RegExp(`^  ${path.replaceAll(".", "\\.")}: \\S`, "m"));
    expect(status).toBe(1);
  });

  test("with --json prints the problems as data on standard output", () => {
    const { status, stdout } = cambio("tenant", "check", "--json", write("json.json", JSON.stringify(WRONG_REFERENCES)));
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, problems: expect.arrayContaining([expect.objectContaining({ path: "defaultIdentityProvider" })]) });
    expect(status).toBe(1);
  });

  test.each([
    ["a file that is not there", join(folder, "nowhere.json"), "cannot read"],
    ["a file that is not JSON", write("broken.json", "{"), "not JSON"],
  ])("says so of %s", (_, file, message) => {
    const { status, stderr } = cambio("tenant", "check", file);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
  });
});

describe("tenant apply", () => {
  test("sends nothing when the file is wrong", () => {
    const { status, stderr } = cambio("tenant", "apply", write("apply.json", JSON.stringify(WRONG_SHAPE)));
    expect(stderr).toContain("5 problems");
    expect(status).toBe(1);
  });

  test("needs --key for a server that is not local", () => {
    const { status, stderr } = cambio("tenant", "apply", "demo/tenant.json", "--url", "https://id.example.com");
    expect(stderr).toContain("--key FILE is missing");
    expect(status).toBe(2);
  });

  test("says when the key is not an operator's", () => {
    const { status, stderr } = cambio("tenant", "apply", "demo/tenant.json", "--key", "demo/tenant.json");
    expect(stderr).toContain("demo/tenant.json is not an operator key");
    expect(status).toBe(1);
  });
});

describe("tenant schema", () => {
  test("is what demo/tenant.schema.json holds (npm run -s cambio -- tenant schema > demo/tenant.schema.json)", () => {
    expect(readFileSync(join(ROOT, "demo", "tenant.schema.json"), "utf8")).toBe(`${tenantSchemaText()}\n`);
  });
});

describe("help and usage", () => {
  test.each([[["--help"]], [["tenant", "--help"]]])("%s lists the commands", (args) => {
    const { status, stdout } = cambio(...args);
    expect(stdout).toContain("tenant check");
    expect(stdout).toContain("tenant apply");
    expect(status).toBe(0);
  });

  test.each([["check"], ["apply"], ["schema"]])("tenant %s --help says how it is called", (word) => {
    const { status, stdout } = cambio("tenant", word, "--help");
    expect(stdout).toContain(`npm run cambio -- tenant ${word}`);
    expect(status).toBe(0);
  });

  test.each([
    ["an unknown command", ["tenant", "frobnicate"]],
    ["half a command", ["tenant"]],
    ["a missing argument", ["tenant", "check"]],
    ["an argument too many", ["tenant", "check", "a", "b"]],
    ["an unknown option", ["tenant", "check", "a", "--frobnicate"]],
  ])("%s is a usage error, exit code 2", (_, args) => {
    const { status, stdout, stderr } = cambio(...args);
    expect(stderr).toContain("Try --help.");
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});
