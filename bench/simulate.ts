// What a caller waits for an exchange, in `strong` and in `edge`, with callers in six regions: a model, not a measurement.
// The same seed gives the same table. Run: npx node bench/simulate.ts
import { table } from "../cli/table.ts";

const REGIONS = ["wnam", "enam", "weur", "eeur", "apac", "oc"] as const;
/** Round trips between regions in milliseconds, as public measurements of the backbone have them, rounded. */
const ROUND_TRIP: readonly (readonly number[])[] = [
  [8, 65, 140, 160, 120, 140],
  [65, 8, 80, 100, 190, 200],
  [140, 80, 8, 30, 160, 250],
  [160, 100, 30, 8, 180, 270],
  [120, 190, 160, 180, 12, 100],
  [140, 200, 250, 270, 100, 10],
];
const RATES = [10, 10_000, 1_000_000];
const DRAWS = 40_000;
const SEED = 20_261_121;

/** What the model takes for granted. Milliseconds and seconds. */
const MODEL = {
  workerMs: 1,
  durableWriteMs: 8,
  /** One turn of a family's object: what bounds a hot family. */
  turnMs: 0.5,
  edgeSeconds: 5,
  requestsPerIsolate: 300,
  /** Callers outside the region where the family began. */
  remoteShare: 0.1,
  /** Of the traffic: tokens of services, exchanged by everyone in the region again and again; the rest are users' own. */
  serviceShare: 0.2,
  serviceTokenRate: 50,
  userTokenRate: 0.1,
} as const;

/** What came out for one rate, one consistency. */
interface Outcome {
  readonly p50: number;
  readonly p99: number;
  /** Of exchanges: how many waited for an object. */
  readonly asked: number;
}

// Mulberry32.
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function simulate(rate: number, consistency: "strong" | "edge"): Outcome {
  const next = random(SEED + rate);
  const isolates = Math.max(1, Math.round(rate / REGIONS.length / MODEL.requestsPerIsolate));
  const waits: number[] = [];
  let asked = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const home = Math.floor(next() * REGIONS.length);
    const here = next() < MODEL.remoteShare ? Math.floor(next() * REGIONS.length) : home;
    const isService = next() < MODEL.serviceShare;
    const tokenRate = Math.min(isService ? MODEL.serviceTokenRate : MODEL.userTokenRate, rate);
    // An isolate has seen this token within the bound, with a chance that depends on how many isolates share its traffic.
    const isKnown = consistency === "edge" && next() < 1 - Math.exp((-tokenRate * MODEL.edgeSeconds) / isolates);
    const spread = 0.8 + 0.4 * next() - Math.log(1 - next()) * 0.1;
    if (isKnown) {
      waits.push(MODEL.workerMs * spread);
      continue;
    }
    asked++;
    const load = Math.min(0.99, (tokenRate * MODEL.turnMs) / 1000);
    const queue = (MODEL.turnMs * load) / (2 * (1 - load));
    waits.push((MODEL.workerMs + (ROUND_TRIP[here]?.[home] ?? 0) + queue + MODEL.turnMs + MODEL.durableWriteMs) * spread);
  }
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), asked: asked / DRAWS };
}

const rows = RATES.flatMap((rate) =>
  (["strong", "edge"] as const).map((consistency) => {
    const { p50, p99, asked } = simulate(rate, consistency);
    return [rate.toLocaleString("en"), consistency, p50.toFixed(0), p99.toFixed(0), `${(asked * 100).toFixed(0)} %`];
  }),
);
process.stdout.write(`${table([["exchanges/s", "consistency", "p50 ms", "p99 ms", "waited for an object"], ...rows]).join("\n")}\n`);
