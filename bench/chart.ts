import type { Compared } from "./report.ts";

const WIDTH = 900;
const BAR = 14;
const GAP = 10;
const MOST = 4;

/** A bar: what it stands for, its length as a multiple of the dashed line, and whether that is more than it is to be. */
export interface Bar {
  readonly title: string;
  readonly ratio: number;
  readonly missed: boolean;
}

/** The CPU of every operation against its floor, as an SVG bar chart; the line is the floor. */
export function chart(compared: readonly Compared[]): string {
  const bars = compared.flatMap(({ title, floor }) => (floor === undefined ? [] : [{ title, ratio: floor.ratio, missed: floor.missed }]));
  return barChart("CPU time per request against the floor (dashed); red: more than it is to be", bars);
}

/** Bars as an SVG, beginning so many pixels from the left; dashed is one. */
export function barChart(title: string, shown: readonly Bar[], left = 300): string {
  const height = 60 + shown.length * (BAR + GAP);
  const scale = (WIDTH - left - 80) / MOST;
  const bars = shown.map(({ title: name, ratio, missed }, index) => {
    const y = 45 + index * (BAR + GAP);
    const length = Math.min(ratio, MOST) * scale;
    return [
      text(left - 8, y + BAR - 3, name, "end"),
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${missed ? "#c2552d" : "#2d7dc2"}"/>`,
      text(left + length + 6, y + BAR - 3, `${ratio.toFixed(2)} ×`, "start"),
    ].join("");
  });
  const line = `<line x1="${left + scale}" x2="${left + scale}" y1="35" y2="${height - 10}" stroke="#333" stroke-dasharray="3 3"/>`;
  const heading = text(left, 22, title, "start");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">${heading}${bars.join("")}${line}</svg>\n`;
}

function text(x: number, y: number, content: string, anchor: "start" | "end"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
