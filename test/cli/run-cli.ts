import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../cli/root.ts";

/** What a command did, as a shell sees it. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the operator's command line. */
export function cambio(...args: readonly string[]): Outcome {
  return spawnSync(process.execPath, [join(ROOT, "cli", "cambio.ts"), ...args], { cwd: ROOT, encoding: "utf8" });
}
