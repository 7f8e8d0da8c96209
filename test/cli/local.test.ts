import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { demoTenant } from "../../cli/local/demo-tenant.ts";
import { requireFreePorts } from "../../cli/local/ports.ts";
import { startProcess } from "../../cli/local/processes.ts";
import { type LocalState, prepare } from "../../cli/local/state.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cambio-local-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("ports", () => {
  const CAMBIO = { purpose: "Cambio", option: "--port" };
  const IDP = { purpose: "demo identity provider", option: "--idp-port" };

  test("two free ports are fine", async () => {
    const [one, two] = [await listen(), await listen()];
    const wanted = [
      { ...CAMBIO, port: portOf(one) },
      { ...IDP, port: portOf(two) },
    ];
    await Promise.all([close(one), close(two)]);
    await expect(requireFreePorts(wanted)).resolves.toBeUndefined();
  });

  test("a taken port is named with what it is for and the option that chooses another, and so is the second", async () => {
    const [one, two] = [await listen(), await listen()];
    const wanted = [
      { ...CAMBIO, port: portOf(one) },
      { ...IDP, port: portOf(two) },
    ];
    await expect(requireFreePorts(wanted)).rejects.toThrow(
      `port ${portOf(one)} (Cambio) is taken: end what uses it, or choose another with --port PORT\n` +
        `port ${portOf(two)} (demo identity provider) is taken: end what uses it, or choose another with --idp-port PORT`,
    );
    await Promise.all([close(one), close(two)]);
  });

  test("the same port for two things is named with both options", async () => {
    const wanted = [
      { ...CAMBIO, port: 1 },
      { ...IDP, port: 2 },
      { purpose: "demo identity provider of the partners", option: "--partner-port", port: 1 },
    ];
    await expect(requireFreePorts(wanted)).rejects.toThrow("--port and --partner-port are both 1; they must differ");
  });
});

describe("the state of one port", () => {
  test("is made once and kept: a second start has the same keys and secrets", () => {
    const state = stateIn(folder);
    const secrets = prepare(state, "http://localhost:1");
    const before = [readFileSync(state.varsFile, "utf8"), readFileSync(state.operatorKeyFile, "utf8")];
    expect(prepare(state, "http://localhost:1")).toEqual(secrets);
    expect(secrets.corp).not.toBe(secrets.partner);
    expect([readFileSync(state.varsFile, "utf8"), readFileSync(state.operatorKeyFile, "utf8")]).toEqual(before);
  });

  test("is readable by its owner only", () => {
    const state = stateIn(folder);
    prepare(state, "http://localhost:1");
    for (const file of [state.varsFile, state.operatorKeyFile]) expect(statSync(file).mode & 0o077).toBe(0);
  });

  test("gives the Worker the public half of the operator's key and nothing of the private one", () => {
    const state = stateIn(folder);
    prepare(state, "http://localhost:1");
    const { OPERATOR_KEYS = "" } = parseEnv(readFileSync(state.varsFile, "utf8"));
    const { d, ...publicHalf } = JSON.parse(readFileSync(state.operatorKeyFile, "utf8")) as { readonly d: string };
    expect(JSON.parse(OPERATOR_KEYS)).toEqual({ keys: [publicHalf] });
    expect(readFileSync(state.varsFile, "utf8")).not.toContain(d);
  });
});

describe("the demo tenant on other ports", () => {
  test("has its origins replaced, also when they are swapped, and the applications' own addresses kept", () => {
    const text = JSON.stringify(demoTenant("http://localhost:8788", "http://localhost:8787", "http://localhost:1"));
    const identityProviders = { corp: { issuer: "http://localhost:8787" }, partner: { issuer: "http://localhost:1" } };
    expect(JSON.parse(text)).toMatchObject({ issuer: "http://localhost:8788", identityProviders });
    expect(text).toContain("http://localhost:8789/callback");
  });
});

describe("a started process", () => {
  const GRANDCHILD = 'require("node:child_process").spawn("sleep", ["1000"], { stdio: "ignore" }); console.log("up"); setInterval(() => {}, 1000)';

  test("is ended together with what it started", async () => {
    const log = join(folder, "log");
    const started = startProcess({ name: "it", args: ["-e", `console.log(process.pid); ${GRANDCHILD}`], env: {}, cwd: folder, log });
    while (!existsSync(log) || !readFileSync(log, "utf8").includes("up")) await sleep(20);
    const group = Number.parseInt(readFileSync(log, "utf8"), 10);
    expect(() => process.kill(-group, 0)).not.toThrow();
    await started.stop();
    expect(() => process.kill(-group, 0)).toThrow("ESRCH");
    await started.stop();
  });

  test("that ends by itself says so, with its exit code", async () => {
    const started = startProcess({ name: "it", args: ["-e", "process.exit(3)"], env: {}, cwd: folder, log: join(folder, "log") });
    await expect(started.ended).resolves.toBe("it ended (exit 3)");
    await started.stop();
  });
});

function stateIn(directory: string): LocalState {
  return {
    directory,
    varsFile: join(directory, "vars.env"),
    storage: join(directory, "state"),
    operatorKeyFile: join(directory, "operator.jwk.json"),
    workerLog: join(directory, "worker.log"),
  };
}

function listen(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("not listening");
  return address.port;
}
