import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answers } from "../cli/local/start-cambio.ts";
import { cpuMilliseconds, quote, waitedMilliseconds, workerd } from "../cli/size/startup.ts";
import { hold } from "./core.ts";

/** A server under measurement: one process. */
export interface Served {
  readonly port: number;
  /** `localhost` with the port. */
  readonly host: string;
  /** CPU time so far in milliseconds, over all threads. */
  cpu(): number;
  /** Time so far in milliseconds for which it could have run and others did. */
  waited(): number;
  stop(): Promise<void>;
}

/** A Worker in the words of workerd's configuration. */
export interface WorkerConfig {
  readonly name: string;
  readonly bundleFile: string;
  readonly date: string;
  readonly bindings?: readonly string[];
  /** Names of Durable Object classes. */
  readonly objects?: readonly string[];
}

/** SQLite of an object needs files: they are kept in memory where the system has room for them. */
export const MEMORY = "/dev/shm";
const PATIENCE_MS = 20_000;

/** Serves Workers with workerd, the first of them on a port; every address may be fetched. */
export async function serveWorkers(workers: readonly [WorkerConfig, ...WorkerConfig[]], port: number, probe: string, inspectorPort?: number): Promise<Served> {
  // What a configuration embeds is named from where it stands.
  const directory = dirname(dirname(workers[0].bundleFile));
  const disk = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : directory, "cambio-bench-"));
  const forget = () => rmSync(disk, { recursive: true, force: true });
  process.once("exit", forget);
  const services = [
    ...workers.map((worker) => service(worker, directory)),
    '(name = "internet", network = (allow = ["public", "private"]))',
    `(name = "disk", disk = (path = ${quote(disk)}, writable = true))`,
  ];
  const socket = `(name = "http", address = "127.0.0.1:${port}", http = (), service = ${quote(workers[0].name)})`;
  const text = `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (\n  services = [${services.join(",\n    ")}],\n  sockets = [${socket}]\n);\n`;
  const file = join(directory, `${workers[0].name}-${port}.capnp`);
  writeFileSync(file, text, { mode: 0o600 });
  const inspector = inspectorPort === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspectorPort}`];
  const served = await serve(spawn(workerd(), ["serve", file, "--experimental", ...inspector], { stdio: ["ignore", "ignore", "pipe"] }), port, probe);
  const stop = async () => {
    await served.stop();
    process.removeListener("exit", forget);
    forget();
  };
  return { ...served, stop };
}

/** Serves a script of Node's that listens on the port given as its first argument. */
export async function serveScript(script: string, port: number, args: readonly string[], probe: string): Promise<Served> {
  const options = { stdio: ["ignore", "ignore", "pipe"] as ["ignore", "ignore", "pipe"], env: { ...process.env, NODE_ENV: "production", NODE_NO_WARNINGS: "1" } };
  return await serve(spawn(process.execPath, [script, String(port), ...args], options), port, probe);
}

function service({ name, bundleFile, date, bindings = [], objects = [] }: WorkerConfig, directory: string): string {
  const from = (file: string) => quote(relative(directory, file));
  const texts = readdirSync(dirname(bundleFile)).filter((file) => file.endsWith(".txt"));
  const modules = [
    `(name = ${quote(basename(bundleFile))}, esModule = embed ${from(bundleFile)})`,
    ...texts.map((text) => `(name = ${quote(text)}, text = embed ${from(join(dirname(bundleFile), text))})`),
  ];
  const namespaces = objects.map((object) => `(className = ${quote(object)}, uniqueKey = ${quote(object)}, enableSql = true)`);
  const storage = objects.length === 0 ? "" : `, durableObjectNamespaces = [${namespaces}], durableObjectStorage = (localDisk = "disk")`;
  return `(name = ${quote(name)}, worker = (modules = [${modules}], compatibilityDate = ${quote(date)}, bindings = [${bindings}]${storage}))`;
}

async function serve(child: ChildProcess, port: number, probe: string): Promise<Served> {
  hold(child.pid, "server");
  let errors = "";
  child.stderr?.on("data", (data: Buffer) => {
    errors = (errors + data.toString()).slice(-4000);
  });
  // Whatever ends this process, its servers must not outlive it.
  const orphaned = () => void child.kill("SIGKILL");
  process.once("exit", orphaned);
  const stop = async () => {
    process.removeListener("exit", orphaned);
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await answers(`http://localhost:${port}${probe}`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`a server did not start:\n${errors}`);
    }
    await sleep(20);
  }
  return { port, host: `localhost:${port}`, cpu: () => cpuMilliseconds(child.pid ?? 0), waited: () => waitedMilliseconds(child.pid ?? 0), stop };
}
