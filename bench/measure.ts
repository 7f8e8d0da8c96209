import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS, type Contestant, OPERATIONS, type Operation, type Supply } from "./contestant.ts";
import type { Generator } from "./generator.ts";

/** What one contestant needed for one operation: medians of the rounds. */
export interface Measured {
  readonly contestant: string;
  readonly operation: Operation;
  /** CPU time of the server's process per request, microseconds, over all threads, with what follows the response. */
  readonly cpu: number;
  /** Requests per second. */
  readonly throughput: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Of the time that the server had something to do: the share for which it waited for its core, because others had it. */
  readonly waited: number;
  readonly rounds: number;
}

/** How much is sent. */
export interface Effort {
  readonly rounds: number;
  readonly count: number;
  /** The operations that are measured; all of them when left out. */
  readonly only?: readonly Operation[];
}

type Sample = Pick<Measured, "cpu" | "throughput" | "p50" | "p99" | "waited">;

const LONGEST_MS = 5000;
const AFTER_RESPONSE_MS = 30;
// Longer than batches are kept back.
const AFTER_BATCHES_MS = 150;
const BATCHED: readonly Operation[] = ["exchangeEdge", "exchangeKnown"];
const WARM_UP_ROUNDS = 2;
// What runs for the first time runs slowly, and the more code there is the longer.
const LEAST_WARM_UP = 300;
const LEAST_REQUESTS = 40;

/** Measures every operation of every contestant, in turn within each round: whatever else the machine does falls on all of them. */
export async function measure(contestants: readonly Contestant[], generator: Generator, effort: Effort, note: (text: string) => void): Promise<readonly Measured[]> {
  const operations = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => effort.only?.includes(operation) ?? true);
  const samples = new Map<string, Sample[]>();
  // A peer has one supply for all that is the same to it.
  const warm = new Set<Supply>();
  for (let round = 0; round <= effort.rounds; round++) {
    note(round === 0 ? "warming up" : `round ${round} of ${effort.rounds}`);
    for (const operation of operations) {
      for (const contestant of contestants) {
        const supply = contestant.supplies[operation];
        if (supply === undefined || (round === 0 && warm.has(supply))) continue;
        warm.add(supply);
        // Everything is compiled and cached before anything counts.
        const sample = await once(contestant, operation, supply, generator, round === 0 ? Math.max(effort.count * WARM_UP_ROUNDS, LEAST_WARM_UP) : effort.count);
        if (round > 0) samples.set(`${contestant.name} ${operation}`, [...(samples.get(`${contestant.name} ${operation}`) ?? []), sample]);
      }
    }
  }
  return [...new Set(contestants.map(({ name }) => name))].flatMap((name) =>
    operations.flatMap((operation) => {
      const taken = samples.get(`${name} ${operation}`);
      return taken === undefined ? [] : [{ contestant: name, operation, ...medians(taken), rounds: taken.length }];
    }),
  );
}

async function once({ name, served }: Contestant, operation: Operation, supply: Supply, generator: Generator, count: number): Promise<Sample> {
  const { requests, chains, each = 1, took } = await supply(count);
  const sent = Math.max(Math.ceil(count / each), LEAST_REQUESTS);
  const [before, waitedBefore] = [served.cpu(), served.waited()];
  const result = await generator.run({ port: served.port, requests, ...(chains === undefined ? {} : { chains }), connections: CONNECTIONS, count: sent, milliseconds: LONGEST_MS });
  await sleep(BATCHED.includes(operation) ? AFTER_BATCHES_MS : AFTER_RESPONSE_MS);
  const [busy, waiting] = [served.cpu() - before, served.waited() - waitedBefore];
  const cpu = (busy / (result.count * each)) * 1000;
  if (result.failures > 0) throw new Error(`${name}, ${OPERATIONS[operation]}: ${result.failures} of ${result.count} refused: ${result.failure}`);
  took?.(result);
  return { cpu, throughput: (result.count * each) / result.seconds, p50: result.p50, p99: result.p99, waited: waiting / (busy + waiting) };
}

function medians(samples: readonly Sample[]): Sample {
  const median = (of: (sample: Sample) => number) => samples.map(of).toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
  return {
    cpu: median((one) => one.cpu),
    throughput: median((one) => one.throughput),
    p50: median((one) => one.p50),
    p99: median((one) => one.p99),
    waited: median((one) => one.waited),
  };
}
