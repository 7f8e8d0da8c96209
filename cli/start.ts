import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { readArguments, readPort, runMain, terminal } from "./command.ts";
import { DEMO_PORTS } from "./local/demo-tenant.ts";
import { nextSteps } from "./local/next-steps.ts";
import { type RunningCambio, startCambio } from "./local/start-cambio.ts";

const HELP = `npm start -- [--port PORT] [--idp-port PORT] [--fresh] [--verbose]

Brings up Cambio (the Worker, in wrangler dev) and a demo corporate identity provider, and applies the demo tenant.

  --port PORT      where Cambio listens (${DEMO_PORTS.port}); what it keeps is apart for each port, in .cambio/PORT
  --idp-port PORT  where the demo identity provider listens (${DEMO_PORTS.idpPort})
  --fresh          forget what an earlier start on this port has kept, keys included
  --verbose        show the Worker's output here as well as in .cambio/PORT/worker.log
  --help           this text`;

const OPTIONS = {
  port: { type: "string", default: String(DEMO_PORTS.port) },
  "idp-port": { type: "string", default: String(DEMO_PORTS.idpPort) },
  fresh: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, OPTIONS);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const interrupt = listenForInterrupt();
  const running = await startCambio({
    port: readPort(values.port, "--port"),
    idpPort: readPort(values["idp-port"], "--idp-port"),
    fresh: values.fresh,
    signal: interrupt,
    note: terminal.note,
    ...(values.verbose && { onWorkerOutput: (text: string) => process.stderr.write(text) }),
  }).catch((error: unknown) => {
    if (!interrupt.aborted) throw error;
  });
  if (running === undefined) return 0;
  announce(running);
  return await untilTheEnd(running, interrupt);
}

// Listening begins before the start, so that Ctrl-C ends a start half done as well; a second signal changes nothing.
function listenForInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => controller.abort());
  // A signal to npm alone ends the shell between it and us, but never reaches us: having lost that shell says the same.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => process.ppid !== parent && controller.abort(), 500).unref();
  }
  return controller.signal;
}

async function untilTheEnd(running: RunningCambio, interrupt: AbortSignal): Promise<number> {
  const interrupted = new Promise<undefined>((resolve) => {
    if (interrupt.aborted) resolve(undefined);
    interrupt.addEventListener("abort", () => resolve(undefined));
  });
  const why = await Promise.race([running.ended, interrupted]);
  await running.stop();
  if (why === undefined) return 0;
  terminal.note(`${why} by itself, so the other process was ended too. The last lines of ${relative("", running.workerLog)}:\n${tail(running.workerLog)}`);
  return 1;
}

function announce(running: RunningCambio): void {
  const count = running.applied.changes.length;
  const changes = count === 0 ? "no changes" : `${count} change${count === 1 ? "" : "s"}`;
  terminal.note(`demo tenant, version ${running.applied.version}: ${changes}; the Worker's log is ${relative("", running.workerLog)}`);
  terminal.out(nextSteps(running));
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-12).join("\n");
}

await runMain(main);
