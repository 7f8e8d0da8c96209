import { table } from "../../cli/table.ts";
import { barChart } from "../chart.ts";
import type { Grown, GrownCurve } from "./curve.ts";

/** What grows a thousandfold may make a request so much dearer, and no more. */
const MOST = 1.1;
// Above this share of its time waited for a core, the ratios say more of the machine.
const BUSY = 0.1;
// Where the bars begin, pixels.
const LEFT = 420;

/** The curves as a table, and a sentence for each size that costs more than it is to. */
export function growthLines(curves: readonly GrownCurve[]): readonly string[] {
  const rows = each(curves).map(({ curve, size }) => [
    curve.grows,
    size.size.toLocaleString("en"),
    curve.title,
    `${size.cpu.toFixed(2)}${isMissed(size) ? " !" : ""}`,
    size.leastCpu.toFixed(2),
    size.p50.toFixed(2),
  ]);
  const missed = each(curves).filter(({ size }) => isMissed(size));
  const sentences = missed.map(({ curve, size }) => `${curve.title}: ${size.cpu.toFixed(2)} times the CPU at ${curve.grows} ${size.size}, to be at most ${MOST}`);
  const waited = Math.max(0, ...curves.map((curve) => curve.waited));
  const busy = waited < BUSY ? [] : [`the machine is busy: Cambio waited for a core for up to ${(waited * 100).toFixed(0)} % of its time; repeat this when nothing else runs`];
  return [
    ...table([["what grows", "to", "operation", "CPU / smallest", "quietest round", "p50 / smallest"], ...rows]),
    "",
    ...busy,
    ...(missed.length === 0 ? ["every curve is flat"] : ["not flat (marked !):", ...sentences]),
  ];
}

/** The CPU of every size against the smallest of its curve, as an SVG. */
export function growthChart(curves: readonly GrownCurve[]): string {
  const bars = each(curves).map(({ curve, size }) => ({ title: `${curve.title} · ${curve.grows} ${size.size.toLocaleString("en")}`, ratio: size.cpu, missed: isMissed(size) }));
  return barChart(`CPU time per request against the smallest (dashed); red: above ${MOST}`, bars, LEFT);
}

// What costs more does so in the quietest round as well; what a busy machine adds does not.
function isMissed({ cpu, leastCpu }: Grown): boolean {
  return Math.min(cpu, leastCpu) > MOST;
}

function each(curves: readonly GrownCurve[]) {
  return curves.flatMap((curve) => curve.sizes.map((size) => ({ curve, size })));
}
