import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { unstable_readConfig } from "wrangler";
import * as z from "zod/mini";
import { CommandFailed } from "../command.ts";
import { localVars } from "../local/state.ts";
import { WRANGLER } from "../local/wrangler.ts";
import { ROOT } from "../root.ts";

/** A Worker made ready to be served by workerd alone: on which port, by which configuration file. */
export interface Setup {
  readonly configFile: string;
  readonly port: number;
}

const WranglerConfig = z.object({
  compatibility_date: z.string(),
  kv_namespaces: z.array(z.object({ binding: z.string() })),
  services: z.optional(z.array(z.object({ binding: z.string(), service: z.string(), entrypoint: z.optional(z.string()) }))),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string(), script_name: z.string() })) }),
});

const PATIENCE_MS = 15_000;

/**
 * The Worker at the edge, bundled into this directory, with new keys and what wrangler.toml binds to it; but for other Workers
 * and their objects: what workerd would start for those, here, is not the start of this one. No first answer needs them.
 */
export async function cambioSetup(bundleFile: string, directory: string): Promise<Setup> {
  const config = wranglerConfig();
  const port = await freePort();
  const bindings = [
    ...Object.entries(localVars(`http://localhost:${port}`, {})).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    ...config.kv_namespaces.map(({ binding }) => `(name = ${quote(binding)}, kvNamespace = "kv")`),
  ];
  return setup({ bundleFile, directory, date: config.compatibility_date, port, worker: `bindings = [${bindings}]` });
}

/** A Worker without bindings. */
export async function bareSetup(bundleFile: string, directory: string): Promise<Setup> {
  return setup({ bundleFile, directory, date: compatibilityDate(), port: await freePort(), worker: "" });
}

/** The compatibility date of Cambio's configuration; the bare Worker has the same. */
export function compatibilityDate(): string {
  return wranglerConfig().compatibility_date;
}

/** The CPU time in milliseconds that workerd takes from its start to its first answer, over all of its threads. */
export async function startupCpu({ configFile, port }: Setup): Promise<number> {
  const child = spawn(workerd(), ["serve", configFile], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  try {
    await firstAnswer(child, port, () => errors);
    return cpuMilliseconds(child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

/** What wrangler.toml binds to the Worker. */
export function wranglerConfig(): z.output<typeof WranglerConfig> {
  return WranglerConfig.parse(unstable_readConfig({ config: join(ROOT, "wrangler.toml") }, { hideWarnings: true }));
}

interface Parts {
  readonly bundleFile: string;
  readonly directory: string;
  readonly date: string;
  readonly port: number;
  /** What the Worker is given, in the words of workerd's configuration. */
  readonly worker: string;
}

function setup({ bundleFile, directory, date, port, worker }: Parts): Setup {
  // Beside the bundle stand the texts that it imports.
  const texts = readdirSync(directory).filter((file) => file.endsWith(".txt"));
  const named = [`(name = "index.js", esModule = embed ${quote(basename(bundleFile))})`, ...texts.map((file) => `(name = ${quote(file)}, text = embed ${quote(file)})`)];
  const modules = `modules = [${named}], compatibilityDate = ${quote(date)}`;
  // KV is never asked before the first answer; a second Worker behind it would count as start-up time.
  const kv = '(name = "kv", external = (address = "127.0.0.1:9", http = ()))';
  const main = `(name = "main", worker = (${modules}${worker === "" ? "" : `, ${worker}`}))`;
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${worker === "" ? main : `${main}, ${kv}`}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`;
  const configFile = join(directory, "config.capnp");
  writeFileSync(configFile, text, { mode: 0o600 });
  return { configFile, port };
}

async function firstAnswer(child: ChildProcess, port: number, errors: () => string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new CommandFailed(`workerd did not start:\n${errors()}`);
    const response = await fetch(`http://localhost:${port}/health/alive`).catch(() => undefined);
    if (response !== undefined) return void (await response.arrayBuffer());
    await sleep(5);
  }
  throw new CommandFailed(`workerd did not answer within ${PATIENCE_MS / 1000} s:\n${errors()}`);
}

/** The time that a process has spent on a CPU, over all of its threads that are alive. */
// The first number of schedstat is that time in nanoseconds; /proc/PID/stat counts in steps of 10 ms.
export function cpuMilliseconds(pid: number): number {
  return schedstat(pid, 0);
}

/** The time in milliseconds that a process has waited for a CPU while it had something to do, over all of its threads that are alive. */
export function waitedMilliseconds(pid: number): number {
  return schedstat(pid, 1);
}

function schedstat(pid: number, column: 0 | 1): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => Number(ofThread(`/proc/${pid}/task/${task}/schedstat`).split(" ")[column]));
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}

// A thread may have ended since the threads were listed.
function ofThread(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "0 0";
  }
}

/** The path of workerd's binary. */
// The one on disk is wrangler's; the package's main module exports the path.
export function workerd(): string {
  const required: unknown = createRequire(WRANGLER)("workerd");
  return (required as { readonly default: string }).default;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A text as workerd's configuration has it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
