import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { terminal } from "../command.ts";
import type { RunningCambio } from "./start-cambio.ts";

/** Listens for the wish to end. Begun before the start, so that Ctrl-C ends a start half done as well; a second signal changes nothing. */
export function listenForInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => controller.abort());
  // A signal to npm alone ends the shell between it and us, but never reaches us: having lost that shell says the same.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => process.ppid !== parent && controller.abort(), 500).unref();
  }
  return controller.signal;
}

/** Waits until somebody ends what runs, or a part of it ends by itself; ends the rest, and answers the exit code. */
export async function untilTheEnd(running: RunningCambio, interrupt: AbortSignal): Promise<number> {
  const interrupted = new Promise<undefined>((resolve) => {
    if (interrupt.aborted) resolve(undefined);
    interrupt.addEventListener("abort", () => resolve(undefined));
  });
  const why = await Promise.race([running.ended, interrupted]);
  await running.stop();
  if (why === undefined) return 0;
  terminal.note(`${why} by itself, so the others were ended too. The last lines of ${relative("", running.workerLog)}:\n${tail(running.workerLog)}`);
  return 1;
}

function tail(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-12).join("\n");
}
