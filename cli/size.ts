import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments, runMain, terminal } from "./command.ts";
import { ROOT } from "./root.ts";
import { bundle } from "./size/bundle.ts";
import { bareSetup, cambioSetup, compatibilityDate, startupCpu } from "./size/startup.ts";

const LIMIT_KIB = 80;
const LIMIT_MS = 25;
const ROUNDS = 15;

const HELP = `npm run size

Prints how large the Worker's bundle is (minified, gzip) and how much CPU time it takes from its start to its first
answer, each beside a Worker that does nothing. Fails above ${LIMIT_KIB} KiB, or above ${LIMIT_MS} ms more than the bare Worker.`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, { help: { type: "boolean", short: "h", default: false } });
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "cambio-size-"));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string): Promise<number> {
  const bareConfig = join(folder, "bare.json");
  writeFileSync(join(folder, "bare.js"), 'export default { fetch: () => new Response("ok") };\n');
  writeFileSync(bareConfig, JSON.stringify({ name: "bare", main: "bare.js", compatibility_date: compatibilityDate() }));
  const cambio = bundle(join(ROOT, "wrangler.toml"), join(folder, "cambio"));
  const bare = bundle(bareConfig, join(folder, "bare"));

  const setups = {
    cambio: await cambioSetup(cambio.file, join(folder, "cambio")),
    bare: await bareSetup(bare.file, join(folder, "bare")),
  };
  const times: { cambio: number[]; bare: number[] } = { cambio: [], bare: [] };
  // Interleaved, so that whatever else the machine does falls on both.
  for (let round = 0; round < ROUNDS; round++) {
    times.bare.push(await startupCpu(setups.bare));
    times.cambio.push(await startupCpu(setups.cambio));
  }
  const [cambioMs, bareMs] = [median(times.cambio), median(times.bare)];
  // Of each round by itself: a machine that becomes faster or slower on the way does so for both.
  const aboveMs = median(times.cambio.map((time, round) => time - (times.bare[round] ?? Number.NaN)));
  const kib = cambio.gzipBytes / 1024;

  const rows = [
    ["", "gzip KiB", "start-up CPU ms"],
    ["cambio", kib.toFixed(1), cambioMs.toFixed(1)],
    ["bare Worker", (bare.gzipBytes / 1024).toFixed(1), bareMs.toFixed(1)],
    ["difference", (kib - bare.gzipBytes / 1024).toFixed(1), aboveMs.toFixed(1)],
    ["limit", `${LIMIT_KIB.toFixed(1)} in all`, `+${LIMIT_MS.toFixed(1)}`],
  ];
  for (const [name = "", size = "", time = ""] of rows) terminal.out(`${name.padEnd(12)}${size.padStart(14)}${time.padStart(18)}`);

  const tooLarge = kib > LIMIT_KIB;
  const tooSlow = aboveMs > LIMIT_MS;
  if (tooLarge) terminal.note(`the bundle is above ${LIMIT_KIB} KiB`);
  if (tooSlow) terminal.note(`the start takes more than ${LIMIT_MS} ms above the bare Worker's`);
  return tooLarge || tooSlow ? 1 : 0;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

await runMain(main);
