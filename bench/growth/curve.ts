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

/**
 * Measures every size of every curve, job by job in turn, and in each round from another size on: whatever else the machine
 * does falls on all of them. The first round warms up.
 */
export async function measureCurves(
  curves: readonly Curve[],
  generator: Generator,
  { least, most, milliseconds }: Rounds,
  note: (text: string) => void,
): Promise<readonly GrownCurve[]> {
  const taken = curves.map((): (readonly Sample[])[] => []);
  const deadline = performance.now() + milliseconds;
  let rounds = 0;
  for (let round = 0; round <= most && (round <= least || performance.now() < deadline); round++) {
    note(round === 0 ? "warming up" : `round ${round}`);
    rounds = round;
    for (const [index, curve] of curves.entries()) {
      const samples = await sampleCurve(curve, round, generator);
      if (round > 0) taken[index]?.push(samples);
    }
  }
  return curves.map(({ title, grows, points }, index) => {
    const samples = taken[index] ?? [];
    const of = (at: number) => samples.flatMap((inRound) => inRound[at] ?? []);
    return { title, grows, rounds, waited: median(samples.flat().map(({ waited }) => waited)), sizes: points.map(({ size }, at) => ({ size, ...ratios(of(at), of(0)) })) };
  });
}

async function sampleCurve({ title, points }: Curve, round: number, generator: Generator): Promise<readonly Sample[]> {
  const sums = [];
  for (const { served, supply } of points) sums.push({ served, jobs: await supply(round), cpu: 0, waited: 0, requests: 0, latencies: [] as number[] });
  const turns = Math.max(...sums.map(({ jobs }) => jobs.length));
  for (let turn = 0; turn < turns; turn++) {
    for (let step = 0; step < sums.length; step++) {
      const sum = sums[(step + round) % sums.length];
      const job = sum?.jobs[turn];
      if (sum === undefined || job === undefined) continue;
      const [before, waitedBefore] = [sum.served.cpu(), sum.served.waited()];
      const { requests, count } = job;
      const result = await generator.run({ port: sum.served.port, requests, connections: CONNECTIONS, count, milliseconds: LONGEST_MS });
      // What follows the response belongs to it.
      await sleep(AFTER_RESPONSE_MS);
      sum.cpu += sum.served.cpu() - before;
      sum.waited += sum.served.waited() - waitedBefore;
      sum.requests += result.count;
      sum.latencies.push(result.p50);
      if (result.failures > 0) throw new Error(`${title}: ${result.failures} of ${result.count} refused: ${result.failure}`);
    }
  }
  return sums.map(({ cpu, waited, requests, latencies }) => ({ cpu: cpu / requests, p50: median(latencies), waited: waited / (cpu + waited) }));
}

function ratios(samples: readonly Sample[] = [], smallest: readonly Sample[] = []): Omit<Grown, "size"> {
  const within = (of: (sample: Sample) => number) => median(samples.flatMap((sample, round) => (smallest[round] === undefined ? [] : [of(sample) / of(smallest[round])])));
  const least = (all: readonly Sample[]) => Math.min(...all.map(({ cpu }) => cpu));
  return { cpu: within(({ cpu }) => cpu), leastCpu: least(samples) / least(smallest), p50: within(({ p50 }) => p50) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
