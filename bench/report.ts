import { table } from "../cli/table.ts";
import { OPERATIONS, type Operation } from "./contestant.ts";
import type { Measured } from "./measure.ts";

/** What an operation is to reach: CPU against its floor at most, throughput against each peer at least. */
interface Goal {
  readonly floor?: number;
  readonly peers?: Readonly<Record<string, number>>;
}

const OIDC = "oidc-provider";
const OIDC_REDIS = "oidc-provider on Redis";
const WORKERS = "workers-oauth-provider";
const GLEWLWYD = "glewlwyd";
const GOALS: Readonly<Partial<Record<Operation, Goal>>> = {
  exchange: { floor: 1.25, peers: { [OIDC]: 1.2, [OIDC_REDIS]: 2, [WORKERS]: 2 } },
  // It does what `strong` does.
  exchangeFirst: { floor: 1.25, peers: { [OIDC]: 1.2, [OIDC_REDIS]: 2, [WORKERS]: 2 } },
  exchangeEdge: { floor: 1.25, peers: { [OIDC]: 2.2, [OIDC_REDIS]: 3.5, [WORKERS]: 3.5 } },
  exchangeKnown: { floor: 1.25, peers: { [OIDC]: 3.5, [OIDC_REDIS]: 5, [WORKERS]: 5 } },
  refresh: { floor: 1.3, peers: { [OIDC]: 0.9, [OIDC_REDIS]: 1.5, [WORKERS]: 2 } },
  clientCredentials: { floor: 1.25, peers: { [OIDC]: 1.3, [OIDC_REDIS]: 2, [GLEWLWYD]: 5 } },
  samlAssertion: { floor: 1.3 },
  introspectOpaqueEdge: { floor: 1.25, peers: { [OIDC]: 1, [WORKERS]: 1.5 } },
  introspectOpaqueKnown: { floor: 1.25, peers: { [OIDC]: 1, [WORKERS]: 1.5 } },
  introspectJwtEdge: { floor: 1.25, peers: { [OIDC]: 1, [WORKERS]: 1.5 } },
  introspectJwtKnown: { floor: 1.25, peers: { [OIDC]: 1, [WORKERS]: 1.5 } },
};

const BUSY = 0.1;

/** One ratio of one run, and whether it is what it is to be. */
export interface Ratio {
  readonly against: string;
  /** CPU of Cambio over the floor's; or throughput of Cambio over the peer's. */
  readonly ratio: number;
  /** Of a peer: its CPU time over Cambio's, which is what the throughputs of one core would be if nobody else had it. */
  readonly byCpu?: number;
  /** Of a peer: throughput of the floor over the peer's. Nothing that does the same work can reach more. */
  readonly floor?: number;
  readonly goal?: number;
  readonly missed: boolean;
}

/** One operation: Cambio against its floor and every peer that can do it. */
export interface Compared {
  readonly operation: Operation;
  readonly title: string;
  readonly floor?: Ratio;
  /** CPU per request, as a multiple of Cambio's exchange JWT→JWT (or of its first operation, where that was not measured). */
  readonly relativeCpu: number;
  /** The 99th percentile over the median, of latencies. */
  readonly tail: number;
  /** The share of its time that Cambio waited for its core, because others had it: above a tenth, throughput says little. */
  readonly waited: number;
  readonly peers: readonly Ratio[];
}

/** Turns what was measured into ratios; nothing absolute is kept. */
export function compare(measured: readonly Measured[]): readonly Compared[] {
  const own = measured.filter(({ contestant }) => contestant === "cambio");
  const unit = (own.find(({ operation }) => operation === "exchange") ?? own[0])?.cpu ?? Number.NaN;
  return own.map((cambio) => {
    const { operation } = cambio;
    const goal = GOALS[operation] ?? {};
    const others = measured.filter((other) => other.operation === operation && other.contestant !== "cambio");
    const floor = others.find(({ contestant }) => contestant === "floor");
    const peers = others
      .filter((other) => other !== floor)
      .map((peer) => ({
        ...atLeast(peer.contestant, cambio.throughput / peer.throughput, goal.peers?.[peer.contestant]),
        byCpu: peer.cpu / cambio.cpu,
        ...(floor === undefined ? {} : { floor: floor.throughput / peer.throughput }),
      }));
    return {
      operation,
      title: OPERATIONS[operation],
      ...(floor === undefined ? {} : { floor: atMost("floor", cambio.cpu / floor.cpu, goal.floor) }),
      relativeCpu: cambio.cpu / unit,
      tail: cambio.p99 / cambio.p50,
      waited: cambio.waited,
      peers,
    };
  });
}

/** The comparison as a table with its footnotes, and a sentence for each goal that was missed. */
export function lines(compared: readonly Compared[], footnotes: readonly string[] = []): readonly string[] {
  const names = [...new Set(compared.flatMap(({ peers }) => peers.map(({ against }) => against)))];
  const heading = ["operation", "CPU", "CPU / floor", "p99 / p50", ...names.map((name) => `throughput / ${name}`)];
  const rows = compared.map(({ title, relativeCpu, tail, floor, peers }) => [
    title,
    relativeCpu.toFixed(2),
    cell(floor),
    tail.toFixed(1),
    ...names.map((name) => cell(peers.find(({ against }) => against === name))),
  ]);
  const missed = compared.flatMap(({ title, floor, peers }) => [floor, ...peers].flatMap((one) => (one?.missed ? [`${title}: ${sentence(one)}`] : [])));
  return [
    ...table([heading, ...rows]),
    "",
    ...footnotes,
    ...(footnotes.length === 0 ? [] : [""]),
    ...busyLines(compared),
    ...(missed.length === 0 ? ["every goal is reached"] : ["missed (marked !):", ...missed]),
  ];
}

/** The operations that miss a goal. */
export function missedIn(compared: readonly Compared[]): readonly Operation[] {
  return compared.flatMap(({ operation, floor, peers }) => ([floor, ...peers].some((one) => one?.missed) ? [operation] : []));
}

function busyLines(compared: readonly Compared[]): readonly string[] {
  const waited = compared.reduce((sum, one) => sum + one.waited, 0) / compared.length;
  if (waited < BUSY) return [];
  return [
    `the machine is busy: Cambio waited for its core for ${(waited * 100).toFixed(0)} % of its time. Servers with many threads get more of a core that others want; repeat this when nothing else runs`,
    "",
  ];
}

function cell(ratio: Ratio | undefined): string {
  return ratio === undefined ? "–" : `${ratio.ratio.toFixed(2)}${ratio.missed ? " !" : ""}`;
}

function sentence({ against, ratio, byCpu = Number.NaN, floor = Number.NaN, goal = 0 }: Ratio): string {
  return against === "floor"
    ? `${ratio.toFixed(2)} times the floor's CPU, to be at most ${goal}`
    : `${ratio.toFixed(2)} times the throughput of ${against}, to be at least ${goal} (${byCpu.toFixed(2)} by CPU time; the floor has ${floor.toFixed(2)})`;
}

function atMost(against: string, ratio: number, goal: number | undefined): Ratio {
  return { against, ratio, ...(goal === undefined ? {} : { goal }), missed: goal !== undefined && ratio > goal };
}

function atLeast(against: string, ratio: number, goal: number | undefined): Ratio {
  return { against, ratio, ...(goal === undefined ? {} : { goal }), missed: goal !== undefined && ratio < goal };
}
