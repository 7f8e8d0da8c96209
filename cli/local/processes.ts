import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process of ours, alone in its process group together with everything that it starts. */
export interface LocalProcess {
  readonly name: string;
  /** Resolves when the process has ended, whoever ended it, with what to say about it. */
  readonly ended: Promise<string>;
  /** Ends the whole group and resolves when nothing of it is left. May be called twice. */
  stop(): Promise<void>;
}

/** What to start, and where its output goes. */
export interface ProcessOptions {
  readonly name: string;
  /** Arguments of the Node that runs this command. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Everything that it prints goes into this file, from its beginning. */
  readonly log: string;
  /** Shown each piece of output besides. */
  readonly onOutput?: (text: string) => void;
}

const PATIENCE_MS = 5000;

/** Starts a process in a group of its own, so that ending it reaches its children as well. */
export function startProcess(options: ProcessOptions): LocalProcess {
  const child = spawn(process.execPath, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  record(child, options);
  // If this process ends without having stopped the child, the child must not outlive it.
  const orphaned = () => signalGroup(child, "SIGKILL");
  process.once("exit", orphaned);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`${options.name} did not start: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`${options.name} ended (${signal ?? `exit ${code}`})`));
  });
  const stop = async () => {
    await stopGroup(child);
    process.removeListener("exit", orphaned);
  };
  return { name: options.name, ended, stop };
}

function record(child: ChildProcess, options: ProcessOptions): void {
  const log = createWriteStream(options.log, { flags: "w", mode: 0o600 });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      log.write(data);
      options.onOutput?.(data.toString());
    });
  }
  child.once("close", () => log.end());
}

async function stopGroup(child: ChildProcess): Promise<void> {
  signalGroup(child, "SIGINT");
  const deadline = Date.now() + PATIENCE_MS;
  while (signalGroup(child, 0)) {
    if (Date.now() > deadline) signalGroup(child, "SIGKILL");
    await sleep(25);
  }
}

/** Whether the group still had a member to receive the signal; signal 0 only asks. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    process.kill(-child.pid, signal);
    return true;
  } catch {
    return false;
  }
}
