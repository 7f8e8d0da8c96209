import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../cli/size/startup.ts";
import { table } from "../../cli/table.ts";
import { startCambio } from "../cambio.ts";
import { cambioContestant } from "../cambio-supplies.ts";
import { CONNECTIONS, OPERATIONS, type Operation, type Supply } from "../contestant.ts";
import type { Generator } from "../generator.ts";
import { profiles } from "./inspector.ts";
import { type Spent, sharesOf } from "./shares.ts";
import { sourcesOf } from "./sources.ts";

const FUNCTIONS_SHOWN = 25;
const LEAST_SHARE = 0.01;
const LONGEST_MS = 5000;

/** Where the time of each operation went. */
export type Spending = ReadonlyMap<Operation, Spent>;

/** Profiles operations of a Cambio of its own: the Worker at the edge, the objects', and what is left of the process' CPU time. */
export async function profileOperations(folder: string, generator: Generator, operations: readonly Operation[], count: number): Promise<Spending> {
  if (operations.length === 0) return new Map();
  const inspectorPort = await freePort();
  const own = join(folder, "profiled");
  mkdirSync(own);
  const cambio = await startCambio(own, { inspectorPort });
  try {
    const { served, supplies } = await cambioContestant(cambio, generator);
    const bundles = cambio.bundles.map(({ name, file }) => ({ name, sourceOf: sourcesOf(file), isState: name.endsWith("-state") }));
    const workers = bundles.map(({ name }) => name);
    const prepared = async (supply: Supply) => {
      const { requests, chains, took } = await supply(count);
      const job = { port: served.port, requests, ...(chains === undefined ? {} : { chains }), connections: CONNECTIONS, count, milliseconds: LONGEST_MS };
      return async () => {
        const before = served.cpu();
        const result = await generator.run(job);
        took?.(result);
        return served.cpu() - before;
      };
    };
    const spending = new Map<Operation, Spent>();
    for (const operation of operations) {
      const supply = supplies[operation];
      if (supply === undefined) continue;
      await (await prepared(supply))();
      const work = await prepared(supply);
      const { result, taken } = await profiles(inspectorPort, workers, work);
      const profiled = bundles.flatMap((bundle, index) => (taken[index] === undefined ? [] : [{ ...bundle, profile: taken[index] }]));
      spending.set(operation, sharesOf(profiled, result));
    }
    return spending;
  } finally {
    await cambio.stop();
  }
}

/** A line for each operation: the areas that its CPU time goes to. */
export function areaLines(spending: Spending): readonly string[] {
  const shown = (areas: Spent["areas"]) => areas.flatMap(([area, share]) => (share < LEAST_SHARE ? [] : [`${area} ${(share * 100).toFixed(0)} %`])).join(", ");
  return [...spending].map(([operation, { areas }]) => `${OPERATIONS[operation]}: ${shown(areas)}`);
}

/** For each operation its areas, and the functions with the most time. */
export function profileLines(spending: Spending): readonly string[] {
  const percent = (share: number) => (share * 100).toFixed(1);
  return [...spending].flatMap(([operation, spent]) => [
    ...areaLines(new Map([[operation, spent]])),
    ...table([["total %", "own %", "function"], ...spent.functions.slice(0, FUNCTIONS_SHOWN).map(({ place, own, total }) => [percent(total), percent(own), place])]),
    "",
  ]);
}
