import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hold } from "./core.ts";
import type { Job, Result } from "./load.ts";

/** The load generator, running in a process of its own. */
export interface Generator {
  run(job: Job): Promise<Result>;
  stop(): void;
}

/** Starts the load generator. It does one job at a time, and ends with this process. */
export function startGenerator(): Generator {
  const child = spawn(process.execPath, [join(import.meta.dirname, "load.ts")], { stdio: ["pipe", "pipe", "inherit"] });
  hold(child.pid, "generator");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    run: async (job) => {
      child.stdin.write(`${JSON.stringify(job)}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error("the load generator ended");
      const answer = JSON.parse(value) as Result & { readonly error?: string };
      if (answer.error !== undefined) throw new Error(`load generator: ${answer.error}`);
      return answer;
    },
    stop: () => void child.kill("SIGKILL"),
  };
}
