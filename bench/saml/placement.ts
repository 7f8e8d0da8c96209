// Where the verifier of foreign SAML is to stand: in a Worker of its own behind a service binding, in the Worker at the
// edge, or there but run only when it is first asked for. Run: npx node bench/saml/placement.ts
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { localVars } from "../../cli/local/state.ts";
import { ROOT } from "../../cli/root.ts";
import { type Bundle, bundle } from "../../cli/size/bundle.ts";
import { bareSetup, cambioSetup, compatibilityDate, freePort, quote, type Setup, startupCpu } from "../../cli/size/startup.ts";
import { table } from "../../cli/table.ts";
import { CONNECTIONS } from "../contestant.ts";
import { type Generator, startGenerator } from "../generator.ts";
import { post } from "../request.ts";
import { serveWorkers, type WorkerConfig } from "../served.ts";

const PLACES = { bound: "second Worker, service binding", lazy: "edge, module run when first asked for", static: "edge, part of the bundle" } as const;

type Place = keyof typeof PLACES;

/** What one placement costs: milliseconds of CPU, and microseconds for `each`. */
interface Cost {
  readonly start: number;
  readonly first: number;
  readonly each: number;
}

const ROUNDS = 9;
const TIMES = 10;
const REQUESTS = 40;
const LONGEST_MS = 10_000;

interface Built {
  readonly place: Place;
  readonly edge: Bundle;
  readonly setup: Setup;
  readonly workers: (issuer: string) => readonly [WorkerConfig, ...WorkerConfig[]];
}

async function build(folder: string, place: Place, key: string, reader: WorkerConfig): Promise<Built> {
  const config = join(folder, `${place}.json`);
  writeFileSync(
    config,
    JSON.stringify({ name: place, main: join(ROOT, "bench", "saml", "workers", `${place}-worker.ts`), compatibility_date: compatibilityDate(), keep_names: false }),
  );
  const edge = bundle(config, join(folder, place));
  const bindings = (issuer: string) => [
    ...Object.entries({ ...localVars(issuer, {}), SAML_KEY: key }).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`),
    '(name = "TOKENS", kvNamespace = "internet")',
    ...(place === "bound" ? [`(name = "SAML", service = (name = ${quote(reader.name)}, entrypoint = "Verifier"))`] : []),
  ];
  const main = (issuer: string) => ({ name: place, bundleFile: edge.file, date: compatibilityDate(), bindings: bindings(issuer) });
  return { place, edge, setup: await cambioSetup(edge.file, join(folder, place)), workers: (issuer) => (place === "bound" ? [main(issuer), reader] : [main(issuer)]) };
}

async function costOf({ setup, workers }: Built, generator: Generator): Promise<Cost> {
  const start = await startupCpu(setup);
  const port = await freePort();
  const served = await serveWorkers(workers(`http://localhost:${port}`), port, "/document");
  try {
    const verify = async (times: number, count: number) => {
      const before = served.cpu();
      const result = await generator.run({ port, requests: [post(served.host, `/verify?times=${times}`, {})], connections: CONNECTIONS, count, milliseconds: LONGEST_MS });
      if (result.failures > 0) throw new Error(result.failure);
      return (served.cpu() - before) / (result.count * times);
    };
    const first = await verify(1, 1);
    await verify(TIMES, REQUESTS);
    return { start, first, each: (await verify(TIMES, REQUESTS)) * 1000 };
  } finally {
    await served.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const folder = mkdtempSync(join(tmpdir(), "cambio-placement-"));
const generator = startGenerator();
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
process.setMaxListeners(0);
const readerBundle = bundle(join(ROOT, "src", "reader", "wrangler.toml"), join(folder, "reader"));
const reader = { name: "reader", bundleFile: readerBundle.file, date: compatibilityDate() };
const key = JSON.stringify(newPrivateJwk("SAML"));
const readerSetup = await bareSetup(readerBundle.file, join(folder, "reader"));
for (const place of Object.keys(PLACES)) mkdirSync(join(folder, place));
const built: Built[] = [];
for (const place of Object.keys(PLACES) as Place[]) built.push(await build(folder, place, key, reader));
const costs = new Map<Place, Cost[]>(built.map(({ place }) => [place, []]));
// Interleaved, so that whatever else the machine does falls on all.
const readerStarts: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  for (const one of built) costs.get(one.place)?.push(await costOf(one, generator));
  readerStarts.push(await startupCpu(readerSetup));
}
generator.stop();

const medians = built.map(({ place, edge }) => {
  const taken = costs.get(place) ?? [];
  const of = (name: keyof Cost) => median(taken.map((cost) => cost[name]));
  return { place, gzip: edge.gzipBytes, start: of("start"), first: of("first"), each: of("each") };
});
const [unit] = medians;
const ratio = (value: number, of: number | undefined) => (value / (of ?? Number.NaN)).toFixed(2);
const rows = medians.map(({ place, gzip, start, first, each }) => [
  PLACES[place],
  (gzip / 1024).toFixed(1),
  `${start.toFixed(1)} (${ratio(start, unit?.start)})`,
  `${first.toFixed(1)} (${ratio(first, unit?.first)})`,
  `${each.toFixed(0)} (${ratio(each, unit?.each)})`,
]);
const heading = ["verifier", "edge bundle, gzip KiB", "start-up CPU of the edge, ms", "first verification, CPU ms", "each after that, CPU µs"];
process.stdout.write(
  `${table([heading, ...rows]).join("\n")}\nthe second Worker by itself: ${(readerBundle.gzipBytes / 1024).toFixed(1)} KiB gzip, ${median(readerStarts).toFixed(1)} ms (${ratio(median(readerStarts), unit?.start)}) to start\n`,
);
