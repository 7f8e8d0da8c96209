import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailed } from "../command.ts";
import { type Applied, applyTenant } from "../operator-api.ts";
import { readOperatorKey } from "../operator-key.ts";
import { ROOT } from "../root.ts";
import { demoTenant } from "./demo-tenant.ts";
import { requireFreePorts } from "./ports.ts";
import { type LocalProcess, startProcess } from "./processes.ts";
import { forget, type LocalState, localState, prepare } from "./state.ts";
import { quietWrangler, WRANGLER } from "./wrangler.ts";

/** How to start Cambio and the demo IdPs on this machine. */
export interface StartOptions {
  readonly port: number;
  readonly idpPort: number;
  readonly partnerPort: number;
  /** Forget what an earlier start on this port has kept. */
  readonly fresh?: boolean;
  /** Aborted when the start is no longer wanted. */
  readonly signal?: AbortSignal;
  /** Told what is being done; silent by default. */
  readonly note?: (text: string) => void;
  /** Shown everything that the Worker prints; it stands in the log in any case. */
  readonly onWorkerOutput?: (text: string) => void;
  /** Changes the demo tenant before it is applied. */
  readonly tenant?: (file: unknown) => unknown;
  /** Another entry than wrangler.toml's, and variables that it needs. */
  readonly worker?: { readonly entry: string; readonly vars: Readonly<Record<string, string>> };
}

/** Cambio and its demo IdPs, running, with the demo tenant applied. */
export interface RunningCambio {
  readonly issuer: string;
  readonly idp: string;
  /** The second IdP, of the partners. */
  readonly partner: string;
  readonly applied: Applied;
  readonly workerLog: string;
  /** Resolves when one of the processes has ended by itself, with what to say about it. */
  readonly ended: Promise<string>;
  /** Ends all and resolves when nothing of them is left. */
  stop(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Brings up the Worker and the demo IdPs, and applies the demo tenant. When it rejects, nothing is left running. */
export async function startCambio(options: StartOptions): Promise<RunningCambio> {
  const { port, idpPort, partnerPort, note = () => {} } = options;
  await requireFreePorts([
    { port, purpose: "Cambio", option: "--port" },
    { port: idpPort, purpose: "demo identity provider", option: "--idp-port" },
    { port: partnerPort, purpose: "demo identity provider of the partners", option: "--partner-port" },
  ]);
  const [issuer, idp, partner] = [`http://localhost:${port}`, `http://localhost:${idpPort}`, `http://localhost:${partnerPort}`];
  const state = localState(port);
  if (options.fresh) forget(state);
  const secrets = prepare(state, issuer, options.worker?.vars);

  note(`starting Cambio on ${issuer} and the demo identity providers on ${idp} and ${partner}`);
  const processes = [
    startIdp(state, { organisation: "corp", port: idpPort, cambio: issuer, secret: secrets.corp }),
    startIdp(state, { organisation: "partner", port: partnerPort, cambio: issuer, secret: secrets.partner }),
    startWorker(state, options),
  ];
  const ended = Promise.race(processes.map((one) => one.ended));
  const stop = async () => void (await Promise.all(processes.map((one) => one.stop())));
  try {
    await ready([`${issuer}/health/ready`, ...[idp, partner].map((origin) => `${origin}/.well-known/openid-configuration`)], ended, state, options.signal);
    const { tenant = (file: unknown) => file } = options;
    const applied = await applyTenant({ issuer, key: readOperatorKey(state.operatorKeyFile) }, tenant(demoTenant(issuer, idp, partner)), { prune: false, dryRun: false });
    return { issuer, idp, partner, applied, workerLog: state.workerLog, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Idp {
  readonly organisation: "corp" | "partner";
  readonly port: number;
  readonly cambio: string;
  readonly secret: string;
}

function startIdp(state: LocalState, { organisation, port, cambio, secret }: Idp): LocalProcess {
  const keys = join(state.directory, `${organisation}.jwks.json`);
  return startProcess({
    name: organisation === "corp" ? "the demo identity provider" : "the demo identity provider of the partners",
    args: [join(ROOT, "demo", "idp.ts"), "--organisation", organisation, "--port", String(port), "--cambio", cambio, "--keys", keys],
    env: { CLIENT_SECRET: secret },
    cwd: ROOT,
    log: join(state.directory, `${organisation}.log`),
  });
}

function startWorker(state: LocalState, options: StartOptions): LocalProcess {
  const configs = ["wrangler.toml", join("src", "state", "wrangler.toml"), join("src", "reader", "wrangler.toml")].map((file) => `--config=${join(ROOT, file)}`);
  const flags = {
    port: String(options.port),
    ip: "127.0.0.1",
    "inspector-port": "0",
    "env-file": state.varsFile,
    "persist-to": state.storage,
    "log-level": "log",
    "show-interactive-dev-session": "false",
  };
  // With --env-file wrangler reads neither .env nor any .dev.vars that may lie about.
  return startProcess({
    name: "the Worker (wrangler dev)",
    args: [WRANGLER, "dev", ...(options.worker === undefined ? [] : [options.worker.entry]), ...configs, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    env: { ...quietWrangler(), WRANGLER_REGISTRY_PATH: join(state.directory, "registry") },
    cwd: ROOT,
    log: state.workerLog,
    ...(options.onWorkerOutput !== undefined && { onOutput: options.onWorkerOutput }),
  });
}

async function ready(urls: readonly string[], ended: Promise<string>, state: LocalState, signal: AbortSignal | undefined): Promise<void> {
  let endedEarly: string | undefined;
  void ended.then((why) => {
    endedEarly = why;
  });
  const deadline = Date.now() + PATIENCE_MS;
  for (const url of urls) {
    while (!(await answers(url))) {
      if (signal?.aborted) throw new CommandFailed("interrupted");
      if (endedEarly !== undefined) throw new CommandFailed(`${endedEarly} before it was ready; its output is in ${state.directory}`);
      if (Date.now() > deadline) throw new CommandFailed(`${url} did not answer within ${PATIENCE_MS / 1000} s; see the logs in ${state.directory}`);
      await sleep(100);
    }
  }
}

/** Whether an address answers with a 2xx within two seconds. */
export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
