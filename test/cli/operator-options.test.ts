import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { environments, issuerOfEnvironment } from "../../cli/environment.ts";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { readIssuer, readOperator } from "../../cli/operator-options.ts";
import { inProcess } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "cambio-options-"));
afterAll(() => rmSync(folder, { recursive: true }));
const keyFile = (name: string, key: object) => {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(key));
  return file;
};

describe("whom a command asks", () => {
  test("the local server, unless it is told otherwise: a URL, an environment of wrangler.toml, or the file's own issuer", () => {
    expect(readIssuer({})).toBe("http://localhost:8787");
    expect(readIssuer({ local: true }, "https://id.example.com")).toBe("http://localhost:8787");
    expect(readIssuer({}, "https://id.example.com")).toBe("https://id.example.com");
    expect(readIssuer({ url: "https://id.example.com/" })).toBe("https://id.example.com");
    for (const env of environments()) expect(readIssuer({ env })).toBe(issuerOfEnvironment(env));
  });

  test("as the operator of the key that is named, or of the one that belongs to the place", () => {
    const key = keyFile("olga.jwk.json", { ...newPrivateJwk("ES256"), kid: "olga" });
    expect(readOperator({ env: "staging", key })).toMatchObject({ issuer: issuerOfEnvironment("staging"), key: { kid: "olga" } });
    expect(() => readOperator({ env: "none-is-here" })).toThrow('wrangler.toml has no environment "none-is-here"');
    expect(() => readOperator({ url: "https://id.example.com" })).toThrow("--key FILE is missing");
    for (const bad of [newPrivateJwk("ES256"), { ...newPrivateJwk("RS256"), kid: "olga" }, { kty: "EC", crv: "P-256", kid: "olga" }, []]) {
      expect(() => readOperator({ key: keyFile("bad.jwk.json", bad) })).toThrow("is not an operator key");
    }
  });

  test.each([[["--local", "--url", "http://localhost:1"]], [["--local", "--env", "staging"]], [["--env", "../x"]], [["--url", "nowhere"]]])(
    "%j is a usage error, exit code 2",
    async (options) => {
      expect((await inProcess(["client", "list", ...options])).status).toBe(2);
    },
  );
});

describe("every command that asks a server", () => {
  const remote = COMMANDS.filter(({ words }) => !/^(init|openapi|tenant (check|schema)|saml (certificate|import))$/.test(words));
  test.each(remote.map(({ words, help }) => [words, help]))("%s says that it takes --url, --local, --env, --key and --json", (_words, help) => {
    for (const option of ["--url", "--local", "--env", "--key", "--json"]) expect(help).toContain(`  ${option} `);
  });
});
