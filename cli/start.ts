import { relative } from "node:path";
import { readArguments, runMain, terminal } from "./command.ts";
import { DEMO_PORTS } from "./local/demo-tenant.ts";
import { listenForInterrupt, untilTheEnd } from "./local/foreground.ts";
import { nextSteps } from "./local/next-steps.ts";
import { type RunningCambio, startCambio } from "./local/start-cambio.ts";
import { START_OPTIONS, startOptions } from "./local/start-options.ts";

const HELP = `npm start -- [--port PORT] [--idp-port PORT] [--partner-port PORT] [--fresh] [--verbose]

Brings up Cambio (the Worker, in wrangler dev) and two demo corporate identity providers, and applies the demo tenant.

  --port PORT          where Cambio listens (${DEMO_PORTS.port}); what it keeps is apart for each port, in .cambio/PORT
  --idp-port PORT      where the demo identity provider listens (${DEMO_PORTS.idpPort})
  --partner-port PORT  where that of the partners listens (${DEMO_PORTS.partnerPort})
  --fresh              forget what an earlier start on this port has kept, keys included
  --verbose            show the Worker's output here as well as in .cambio/PORT/worker.log
  --help               this text`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, START_OPTIONS);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const interrupt = listenForInterrupt();
  const running = await startCambio(startOptions(values, interrupt)).catch((error: unknown) => {
    if (!interrupt.aborted) throw error;
  });
  if (running === undefined) return 0;
  announce(running);
  return await untilTheEnd(running, interrupt);
}

function announce(running: RunningCambio): void {
  const count = running.applied.changes.length;
  const changes = count === 0 ? "no changes" : `${count} change${count === 1 ? "" : "s"}`;
  terminal.note(`demo tenant, version ${running.applied.version}: ${changes}; the Worker's log is ${relative("", running.workerLog)}`);
  terminal.out(nextSteps(running));
}

await runMain(main);
