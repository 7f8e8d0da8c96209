import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";
import { terminal } from "./command.ts";
import { ROOT } from "./root.ts";

/** How many of something went which way. */
interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Check {
  readonly name: string;
  readonly tool: string;
  readonly args: readonly string[];
}

// What is wrong at a glance comes before what takes minutes; each counts as one test.
const CHECKS: readonly Check[] = [
  { name: "lint and format (biome)", tool: "@biomejs/biome/bin/biome", args: ["check", "."] },
  { name: "types of the Worker and its tests (tsc)", tool: "typescript/bin/tsc", args: ["--noEmit", "-p", "."] },
  { name: "types of the command line (tsc)", tool: "typescript/bin/tsc", args: ["--noEmit", "-p", "cli"] },
  { name: "nothing unused (knip)", tool: "knip/bin/knip.js", args: [] },
];

const MEMORY = "/dev/shm";
const MEMORY_BYTES = 2 ** 30;

const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

function runCheck(check: Check): Counts {
  const result = spawnSync(process.execPath, [join(ROOT, "node_modules", check.tool), ...check.args], { cwd: ROOT, encoding: "utf8" });
  const ok = result.status === 0;
  terminal.out(`${ok ? "✓" : "✗"} ${check.name}`);
  if (!ok) terminal.out(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`.trimEnd());
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

// The objects of thousands of small worlds wait for the disk at every write: kept in memory they take a third of the time.
function scratch(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= MEMORY_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

async function runVitest(args: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(join(scratch(), "cambio-test-"));
  // A server that a test starts may work as another user, who has to get through to its own files below.
  chmodSync(folder, 0o711);
  const report = join(folder, "report.json");
  try {
    const flags = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const vitest = spawn(process.execPath, [join(ROOT, "node_modules", "vitest", "vitest.mjs"), ...flags, ...args], {
      cwd: ROOT,
      stdio: "inherit",
      env: { ...process.env, TMPDIR: folder },
    });
    const [status] = (await once(vitest, "exit")) as [number | null];
    return count(report, status);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function count(file: string, status: number | null): Counts {
  const report = readReport(file);
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  // A file that could not be loaded holds no failed test, and an error outside of all tests none either: neither may pass.
  const broken = report.testResults.filter((one) => one.status === "failed" && !one.assertionResults.some((test) => test.status === "failed")).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function readReport(file: string): z.output<typeof Report> | undefined {
  try {
    return Report.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    terminal.note(`no report of the tests: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

// What runs in workerd keeps one core busy, and what starts processes mostly waits for them: side by side they take less time.
const SIDES = [
  ["--project", "worker"],
  ["--project", "cli", "--project", "e2e"],
];

// Arguments choose tests, as vitest has them (a part of a file's name, --project, -t); the checks then stay out.
const chosen = process.argv.slice(2);
const checked = chosen.length === 0 ? CHECKS.map(runCheck) : [];
const all = [...checked, ...(await Promise.all(chosen.length === 0 ? SIDES.map(runVitest) : [runVitest(chosen)]))];
const total = (of: (counts: Counts) => number) => all.reduce((sum, counts) => sum + of(counts), 0);
const [passed, failed, skipped] = [total((one) => one.passed), total((one) => one.failed), total((one) => one.skipped)];
terminal.out(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
