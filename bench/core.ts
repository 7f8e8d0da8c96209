import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a process does here: each server has one core for itself, so that throughput is what one core can do; the load comes from another. */
export type Role = "server" | "generator";

/** Holds a process, and what threads it starts later, to one core. Without `taskset` (util-linux) or a second core it runs where it likes. */
export function hold(pid: number | undefined, role: Role): void {
  const cores = coresHere();
  const core = role === "server" ? cores[0] : cores.at(-1);
  if (pid !== undefined && core !== undefined && cores.length > 1) spawnSync("taskset", ["--all-tasks", "--cpu-list", "--pid", core, String(pid)], { stdio: "ignore" });
}

// The first and the last that this process may run on, such as "0" and "3" of "0-1,3".
function coresHere(): readonly string[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(/[-,]/);
}
