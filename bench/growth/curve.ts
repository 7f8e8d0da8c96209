import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS, type Work } from "../contestant.ts";
import type { Generator } from "../generator.ts";
import type { Served } from "../served.ts";

/** One size of what grows: who is asked, and the work of one round, as jobs that follow each other. Making it is not measured. */
export interface Point {
  readonly size: number;
  readonly served: Served;
  readonly supply: (round: number) => Promise<readonly Job[]>;
}

/** Requests that are sent in turn, so many times. */
export interface Job extends Work {
  readonly count: number;
}

/** One operation, at every size of what grows; the smallest first. */
export interface Curve {
  readonly title: string;
  /** What the sizes count. */
  readonly grows: string;
  readonly points: readonly Point[];
}

/** A size against the smallest of its curve. */
export interface Grown {
  readonly size: number;
  /** CPU time of the server's process per request, over all threads: the median over the rounds of the ratio within each round. */
  readonly cpu: number;
  /** The same, of the round that took least of each: what else the machine does only ever adds. */
  readonly leastCpu: number;
  /** The median latency. */
  readonly p50: number;
}

/** One curve as ratios; nothing absolute is kept. */
export interface GrownCurve extends Pick<Curve, "title" | "grows"> {
  readonly rounds: number;
  /** Which share of its time the server waited for a core. */
  readonly waited: number;
  readonly sizes: readonly Grown[];
}

/** How many rounds are measured: after the least, only while there is time. */
export interface Rounds {
  readonly least: number;
  readonly most: number;
  readonly milliseconds: number;
}

interface Sample {
  readonly cpu: number;
  readonly p50: number;
  readonly waited: number;
}

const LONGEST_MS = 5000;
const AFTER_RESPONSE_MS = 30;

/** Measures every size of every curve, in turn within each round, and in each round from another size on. The first round warms up. */
export async function measureCurves(
  curves: readonly Curve[],
  generator: Generator,
  { least, most, milliseconds }: Rounds,
  note: (text: string) => void,
): Promise<readonly GrownCurve[]> {
  const taken = curves.map(({ points }) => points.map((): Sample[] => []));
  const deadline = performance.now() + milliseconds;
  let rounds = 0;
  for (let round = 0; round <= most && (round <= least || performance.now() < deadline); round++) {
    note(round === 0 ? "warming up" : `round ${round}`);
    rounds = round;
    for (const [index, { title, points }] of curves.entries()) {
      for (let step = 0; step < points.length; step++) {
        const at = (step + round) % points.length;
        const point = points[at];
        if (point === undefined) continue;
        const sample = await sampleOf(point, round, generator, title);
        if (round > 0) taken[index]?.[at]?.push(sample);
      }
    }
  }
  return curves.map(({ title, grows, points }, index) => {
    const samples = taken[index] ?? [];
    const sizes = points.map(({ size }, at) => ({ size, ...ratios(samples[at], samples[0]) }));
    return { title, grows, rounds, waited: median(samples.flat().map(({ waited }) => waited)), sizes };
  });
}

async function sampleOf({ served, supply }: Point, round: number, generator: Generator, title: string): Promise<Sample> {
  let [milliseconds, waiting, requests] = [0, 0, 0];
  const latencies: number[] = [];
  for (const { count, requests: sent } of await supply(round)) {
    const [before, waitedBefore] = [served.cpu(), served.waited()];
    const result = await generator.run({ port: served.port, requests: sent, connections: CONNECTIONS, count, milliseconds: LONGEST_MS });
    // What follows the response belongs to it.
    await sleep(AFTER_RESPONSE_MS);
    milliseconds += served.cpu() - before;
    waiting += served.waited() - waitedBefore;
    requests += result.count;
    latencies.push(result.p50);
    if (result.failures > 0) throw new Error(`${title}: ${result.failures} of ${result.count} refused: ${result.failure}`);
  }
  return { cpu: milliseconds / requests, p50: median(latencies), waited: waiting / (milliseconds + waiting) };
}

function ratios(samples: readonly Sample[] = [], smallest: readonly Sample[] = []): Omit<Grown, "size"> {
  const within = (of: (sample: Sample) => number) => median(samples.flatMap((sample, round) => (smallest[round] === undefined ? [] : [of(sample) / of(smallest[round])])));
  const least = (all: readonly Sample[]) => Math.min(...all.map(({ cpu }) => cpu));
  return { cpu: within(({ cpu }) => cpu), leastCpu: least(samples) / least(smallest), p50: within(({ p50 }) => p50) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
