import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCambio } from "../bench/cambio.ts";
import { cambioContestant } from "../bench/cambio-supplies.ts";
import { chart } from "../bench/chart.ts";
import { type Contestant, OPERATIONS, type Operation } from "../bench/contestant.ts";
import { startFloor } from "../bench/floor/floor.ts";
import { startGenerator } from "../bench/generator.ts";
import { growth } from "../bench/growth/index.ts";
import { growthChart, growthLines } from "../bench/growth/report.ts";
import { type Effort, measure } from "../bench/measure.ts";
import { PEERS } from "../bench/peers/index.ts";
import { areaLines, profileLines, profileOperations } from "../bench/profile/profile.ts";
import { compare, lines, missedIn } from "../bench/report.ts";
import { startSaml } from "../bench/saml/saml.ts";
import { stormLines, storms } from "../bench/storm.ts";
import { readArguments, runMain, terminal, UsageError } from "./command.ts";
import { ROOT } from "./root.ts";

const HELP = `npm run bench -- [--quick] [--only OPERATION,…] [--out FOLDER] [--no-peers] [--profile | --growth | --storm]

Builds the production bundle, serves it with workerd, and measures what each operation costs beside a bare Worker that
does only what it cannot do without (the floor) and beside other servers (peers). All in turn within each round; what
counts are the ratios of one run, never a figure by itself: run it when nothing else runs. About ten minutes.

  --quick       fewer requests a round: done within two minutes where nothing else runs
  --only NAMES  only these operations, with commas between: ${Object.keys(OPERATIONS).join(", ")}
  --no-peers    Cambio and its floor only
  --profile     instead: where Cambio's CPU time goes for each operation, by area and by function
  --growth      instead: what a request costs as a family, a chain of exchanges and a tenant grow, against the smallest of
                each; growth.json and growth.svg instead of results. About four minutes
  --storm       instead: 10,000 identical exchanges, with coalescing off and on; storm.json. Some minutes
  --out FOLDER  where results.json and results.svg go (bench/results)
  --help        this text`;

const OPTIONS = {
  quick: { type: "boolean", default: false },
  only: { type: "string" },
  out: { type: "string", default: join(ROOT, "bench", "results") },
  profile: { type: "boolean", default: false },
  growth: { type: "boolean", default: false },
  storm: { type: "boolean", default: false },
  "no-peers": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const { values } = readArguments(args, OPTIONS);
  if (values.help) {
    terminal.out(HELP);
    return 0;
  }
  const only = values.only?.split(",").map(operationOf);
  const effort = { rounds: 5, count: values.quick ? 100 : 1000, ...(only === undefined ? {} : { only }) };
  // What ends with this process does so on its exit, which a signal by itself would skip.
  process.setMaxListeners(0);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const folder = mkdtempSync(join(tmpdir(), "cambio-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  try {
    if (values.profile) await profile(folder, { ...effort, count: 1000 });
    else if (values.growth) await grow(folder, values.out);
    else if (values.storm) await storm(folder, values.quick, values.out);
    else await bench(folder, effort, !values["no-peers"], values.out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

async function profile(folder: string, { only = Object.keys(OPERATIONS) as Operation[], count }: Effort): Promise<void> {
  const generator = startGenerator();
  try {
    for (const line of profileLines(await profileOperations(folder, generator, only, count))) terminal.out(line);
  } finally {
    generator.stop();
  }
}

async function grow(folder: string, out: string): Promise<void> {
  const generator = startGenerator();
  try {
    const curves = await growth(folder, generator, terminal.note);
    for (const line of growthLines(curves)) terminal.out(line);
    write(out, "growth", curves, growthChart(curves));
  } finally {
    generator.stop();
  }
}

async function storm(folder: string, isQuick: boolean, out: string): Promise<void> {
  const cambio = await startCambio(folder);
  const generator = startGenerator();
  try {
    const measured = await storms(cambio, generator, 10_000, isQuick ? 1 : 3, terminal.note);
    for (const line of stormLines(measured)) terminal.out(line);
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, "storm.json"), `${JSON.stringify(measured, null, 2)}\n`);
    terminal.note(`storm.json is in ${out}`);
  } finally {
    generator.stop();
    await cambio.stop();
  }
}

async function bench(folder: string, effort: Effort, withPeers: boolean, out: string): Promise<void> {
  const generator = startGenerator();
  const contestants: Contestant[] = [];
  try {
    terminal.note("building and starting Cambio");
    contestants.push(await cambioContestant(await startCambio(folder), generator), await startFloor(folder), ...(await startSaml(folder)));
    for (const peer of withPeers ? PEERS : []) {
      const started = await peer(folder);
      if (typeof started === "string") terminal.note(started);
      else contestants.push(started);
    }
    const compared = compare(await measure(contestants, generator, effort, terminal.note));
    const footnotes = contestants.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}`]));
    for (const line of lines(compared, footnotes)) terminal.out(line);
    const spending = await profileOperations(folder, generator, missedIn(compared), effort.count);
    for (const line of spending.size === 0 ? [] : ["", "where their time goes:", ...areaLines(spending)]) terminal.out(line);
    write(
      out,
      "results",
      compared.map((one) => ({ ...one, areas: spending.get(one.operation)?.areas })),
      chart(compared),
    );
  } finally {
    generator.stop();
    await Promise.all(contestants.map((one) => one.stop()));
  }
}

function write(folder: string, name: string, data: unknown, svg: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(data, null, 2)}\n`);
  writeFileSync(join(folder, `${name}.svg`), svg);
  terminal.note(`${name}.json and ${name}.svg are in ${folder}`);
}

function operationOf(name: string): Operation {
  if (!Object.hasOwn(OPERATIONS, name)) throw new UsageError(`--only: there is no operation "${name}"`);
  return name as Operation;
}

await runMain(main);
