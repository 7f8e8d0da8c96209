import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { exitCodeOf } from "../../cli/command.ts";
import { main } from "../../cli/main.ts";
import { ROOT } from "../../cli/root.ts";

/** What a command did, as a shell sees it. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the operator's command line in this process: the same but for standard input, and far sooner done. */
export async function inProcess(args: readonly string[]): Promise<Outcome> {
  const shown = { stdout: "", stderr: "" };
  const terminal = {
    out: (text: string) => {
      shown.stdout += `${text}\n`;
    },
    note: (text: string) => {
      shown.stderr += `${text}\n`;
    },
  };
  return { status: await exitCodeOf(main, args, terminal), ...shown };
}

/** Runs the operator's command line. */
export function cambio(...args: readonly string[]): Outcome {
  return spawnSync(process.execPath, [join(ROOT, "cli", "cambio.ts"), ...args], { cwd: ROOT, encoding: "utf8" });
}
