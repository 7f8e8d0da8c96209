import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { environments, issuerOfEnvironment } from "../../cli/environment.ts";
import { quietWrangler, WRANGLER } from "../../cli/local/wrangler.ts";
import { ROOT } from "../../cli/root.ts";
import { inProcess } from "./run-cli.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "cambio-deploy-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WORKERS = {
  cambio: join(ROOT, "wrangler.toml"),
  state: join(ROOT, "src", "state", "wrangler.toml"),
  reader: join(ROOT, "src", "reader", "wrangler.toml"),
} as const;
const BINDINGS = {
  cambio: ["FAMILIES", "USERS", "SINGLE_USE", "TENANTS", "ATTEMPTS", "TOKENS", "SAML", "SCHEMAS", "ISSUERS", "OPERATOR_KEYS"],
  state: ["FAMILIES", "USERS"],
  reader: [],
} as const;
const TARGETS = ["", ...environments()];

/** What these tests look at of a configuration as wrangler resolves it. */
interface Config {
  readonly name: string;
  readonly durable_objects: { readonly bindings: readonly { readonly name: string; readonly class_name: string; readonly script_name?: string }[] };
  readonly kv_namespaces: readonly { readonly binding: string; readonly id: string }[];
  readonly services?: readonly { readonly binding: string; readonly service: string; readonly entrypoint: string }[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly migrations: unknown;
  readonly routes?: unknown;
}

const configOf = (worker: keyof typeof WORKERS, env: string): Config =>
  readConfig({ config: WORKERS[worker], ...(env === "" ? {} : { env }) }, { hideWarnings: true }) as unknown as Config;

describe("wrangler deploy --dry-run", () => {
  const cases = TARGETS.flatMap((env) => [["cambio", env] as const, ["state", env] as const, ["reader", env] as const]);
  test.each(cases)("passes for %s in the environment '%s', offline and without a warning", async (worker, env) => {
    const args = [WRANGLER, "deploy", "--dry-run", "--config", WORKERS[worker], `--env=${env}`, "--outdir", join(folder, `${worker}-${env}`)];
    const { stdout, stderr } = await run(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...quietWrangler() } });
    expect(stdout).toContain("--dry-run: exiting now");
    expect(`${stdout}${stderr}`).not.toMatch(/warning|error/i);
    for (const binding of BINDINGS[worker]) expect(stdout).toContain(`env.${binding} `);
  });
});

describe("wrangler.toml", () => {
  test("names the same bindings in every environment, and nothing of one in another", () => {
    const known = TARGETS.map((env) => configOf("cambio", env));
    const shapes = known.map((config) => ({
      objects: config.durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
      kv: config.kv_namespaces.map(({ binding }) => binding),
      services: config.services?.map(({ binding, entrypoint }) => [binding, entrypoint]),
      vars: Object.keys(config.vars),
      migrations: config.migrations,
    }));
    for (const shape of shapes) expect(shape).toEqual(shapes[0]);
    for (const own of [
      known.map(({ name }) => name),
      known.map(({ kv_namespaces: [kv] }) => kv?.id),
      known.map(({ vars }) => vars.ISSUERS),
      known.map(({ services }) => services?.[0]?.service),
    ])
      expect(new Set(own).size).toBe(TARGETS.length);
  });

  test("leaves workers.dev, previews and the platform's own request lines off, and no bundle keeps names", () => {
    for (const env of TARGETS) {
      for (const worker of ["cambio", "state", "reader"] as const) {
        expect(configOf(worker, env)).toMatchObject({
          workers_dev: false,
          preview_urls: false,
          keep_names: false,
          observability: { logs: { enabled: true, invocation_logs: false } },
        });
      }
    }
  });

  test("has a custom domain for the issuer of each environment, and objects and a reader of its own", () => {
    for (const env of environments()) {
      const config = configOf("cambio", env);
      expect(config.routes).toEqual([{ pattern: new URL(issuerOfEnvironment(env)).host, custom_domain: true }]);
      expect(config.services?.map(({ service }) => service)).toEqual(config.services?.map(() => configOf("reader", env).name));
      const classes = config.durable_objects.bindings.map(({ class_name, script_name }) => [class_name, script_name]);
      expect(classes).toEqual(classes.map(([name]) => [name, configOf("state", env).name]));
      expect(configOf("state", env).migrations).toEqual([{ tag: "v1", new_sqlite_classes: expect.arrayContaining(classes.map(([name]) => name)) }]);
    }
  });

  test("holds no secret and no operator", () => {
    const text = readFileSync(WORKERS.cambio, "utf8");
    expect(text).not.toMatch(/(SIGNING|TOKEN)_KEY_|_CLIENT_SECRET\s*=/);
    for (const env of TARGETS) expect(configOf("cambio", env).vars.OPERATOR_KEYS).toBe('{"keys":[]}');
  });
});

describe("what Deploy to Cloudflare asks for", () => {
  const example = parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8"));
  const described = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).cloudflare.bindings as Readonly<Record<string, { readonly description: string }>>;

  test("is every secret without a value, and a sentence for each of them, each variable and each binding", () => {
    expect(Object.values(example).join("")).toBe("");
    const { durable_objects: objects, kv_namespaces: kv, services = [], vars } = configOf("cambio", "");
    const names = [...objects.bindings.map(({ name }) => name), ...kv.map(({ binding }) => binding), ...services.map(({ binding }) => binding), ...Object.keys(vars)];
    expect(Object.keys(described).toSorted()).toEqual([...names, ...Object.keys(example)].toSorted());
    for (const { description } of Object.values(described)) expect(description).toMatch(/^[A-Z].*\.$/);
  });

  test("is what init --print prints, in the shape of a file of variables", async () => {
    const { status, stdout, stderr } = await inProcess(["init", "--print", "--key", join(folder, "operator.jwk.json")]);
    const printed = parseEnv(stdout);
    expect([status, Object.keys(printed).toSorted()]).toEqual([0, ["OPERATOR_KEYS", ...Object.keys(example)].toSorted()]);
    expect(Object.values(printed).map((text) => typeof JSON.parse(text ?? ""))).toEqual(Object.values(printed).map(() => "object"));
    expect(stderr).not.toMatch(/"(d|k)":/);
    expect((await inProcess(["init", "--print", "--local"])).status).toBe(2);
  });
});
