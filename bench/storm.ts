import { setTimeout as sleep } from "node:timers/promises";
import { applyTenant } from "../cli/operator-api.ts";
import { table } from "../cli/table.ts";
import { type BenchClient, type MeasuredCambio, secretOf } from "./cambio.ts";
import { CONNECTIONS } from "./contestant.ts";
import type { Generator } from "./generator.ts";
import { post } from "./request.ts";

/** What a storm of identical exchanges needed, with coalescing off and on. */
export interface Storm {
  readonly consistency: "strong" | "edge";
  readonly requests: number;
  /** How many tokens there were to begin with: an exchange budget ends what one can give. */
  readonly subjects: { readonly off: number; readonly on: number };
  /** How many different tokens came of it: so many rows. */
  readonly tokens: { readonly off: number; readonly on: number };
  /** Off over on: CPU time of the server's process per request, over all threads; and the 99th percentile of latencies. */
  readonly cpu: number;
  readonly p99: number;
  /** On over off. */
  readonly throughput: number;
}

interface Sample {
  readonly tokens: number;
  readonly cpu: number;
  readonly p99: number;
  readonly throughput: number;
}

/** What a client's policy says, and among how many subject tokens the storm is divided. */
interface Mode {
  readonly tokenPolicy: object;
  readonly subjects: number;
}

const OFF = {
  // So many children one node may have at most; unset it is a thousand.
  strong: { tokenPolicy: { exchangeBudget: 10_000 }, subjects: 1 },
  // A budget that is set is exact, and exact is strong: it stays unset, and every five hundred begin anew.
  edge: { tokenPolicy: {}, subjects: 20 },
} as const satisfies Record<string, Mode>;
const ON: Mode = { tokenPolicy: { coalesceSeconds: 5 }, subjects: 1 };

// So few that even a busy machine answers them in time.
const MOST_AT_ONCE = 1000;
const LONGEST_MS = 20_000;
// Longer than batches are kept back.
const AFTER_BATCHES_MS = 150;
const WARM_UP = 1000;

/** Sends storms of `requests` identical exchanges in each consistency, with coalescing off and on in turn; medians of `rounds` rounds. */
export async function storms(cambio: MeasuredCambio, generator: Generator, requests: number, rounds: number, note: (text: string) => void): Promise<readonly Storm[]> {
  const result: Storm[] = [];
  for (const consistency of ["strong", "edge"] as const) {
    const taken: (readonly [off: Sample, on: Sample])[] = [];
    for (let round = 0; round <= rounds; round++) {
      note(round === 0 ? `${consistency}: warming up` : `${consistency}: round ${round} of ${rounds}`);
      const count = round === 0 ? WARM_UP : requests;
      const pair = [await storm(cambio, generator, consistency, OFF[consistency], count), await storm(cambio, generator, consistency, ON, count)] as const;
      if (round > 0) taken.push(pair);
    }
    const tokens = { off: median(taken.map(([off]) => off.tokens)), on: median(taken.map(([, on]) => on.tokens)) };
    const ratio = (of: (sample: Sample) => number) => median(taken.map(([off, on]) => of(off) / of(on)));
    const subjects = { off: OFF[consistency].subjects, on: ON.subjects };
    result.push({ consistency, requests, subjects, tokens, cpu: ratio((one) => one.cpu), p99: ratio((one) => one.p99), throughput: 1 / ratio((one) => one.throughput) });
  }
  return result;
}

/** The storms as a table. */
export function stormLines(measured: readonly Storm[]): readonly string[] {
  const heading = ["identical exchanges", "different tokens, off", "on", "CPU, off / on", "throughput, on / off", "p99, off / on"];
  const rows = measured.map(({ consistency, requests, tokens, cpu, throughput, p99 }) => [
    `${requests} in ${consistency}`,
    ...[tokens.off, tokens.on].map(String),
    ...[cpu, throughput, p99].map((ratio) => ratio.toFixed(2)),
  ]);
  return table([heading, ...rows]);
}

async function storm(cambio: MeasuredCambio, generator: Generator, consistency: "strong" | "edge", { tokenPolicy, subjects }: Mode, requests: number): Promise<Sample> {
  const { served, operator, tenant } = cambio;
  const [app, audience]: readonly BenchClient[] = consistency === "strong" ? ["app-strong", "api-strong"] : ["app-edge", "api-edge"];
  if (app === undefined || audience === undefined) throw new Error("no client");
  const clients = { ...tenant.clients, [app]: { ...tenant.clients[app], tokenPolicy } };
  await applyTenant(operator, { ...tenant, clients }, { prune: false, dryRun: false });
  const latencies: number[] = [];
  const tokens = new Set<string>();
  const total = { cpu: 0, seconds: 0 };
  for (let subject = 0; subject < subjects; subject++) {
    const { access_token } = await cambio.logIn(app);
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: access_token, subject_token_type: ACCESS_TOKEN, audience };
    const exchange = post(served.host, "/oauth2/token", form, [app, secretOf(app)]);
    const before = served.cpu();
    for (let sent = 0; sent < requests / subjects; sent += MOST_AT_ONCE) {
      const job = { port: served.port, requests: [exchange], connections: CONNECTIONS, milliseconds: LONGEST_MS, collect: "access_token" };
      const count = Math.min(MOST_AT_ONCE, requests / subjects - sent);
      const { failures, failure, count: answered, seconds, p99, collected } = await generator.run({ ...job, count });
      if (failures > 0 || answered < count) throw new Error(`cambio: ${failure ?? `${answered} of ${count} answered`}`);
      total.seconds += seconds;
      latencies.push(p99);
      for (const token of collected) tokens.add(token);
    }
    await sleep(AFTER_BATCHES_MS);
    total.cpu += served.cpu() - before;
  }
  return { tokens: tokens.size, cpu: total.cpu / requests, p99: median(latencies), throughput: requests / total.seconds };
}

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
