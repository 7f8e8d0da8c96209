import type { Compared } from "./report.ts";

const LEFT = 300;
const WIDTH = 900;
const BAR = 14;
const GAP = 10;
const MOST = 4;

/** The CPU of every operation against its floor, as an SVG bar chart; the line is the floor. */
export function chart(compared: readonly Compared[]): string {
  const rows = compared.filter(({ floor }) => floor !== undefined);
  const height = 60 + rows.length * (BAR + GAP);
  const scale = (WIDTH - LEFT - 80) / MOST;
  const bars = rows.map(({ title, floor }, index) => {
    const y = 45 + index * (BAR + GAP);
    const ratio = floor?.ratio ?? 0;
    const length = Math.min(ratio, MOST) * scale;
    return [
      text(LEFT - 8, y + BAR - 3, title, "end"),
      `<rect x="${LEFT}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" fill="${floor?.missed ? "#c2552d" : "#2d7dc2"}"/>`,
      text(LEFT + length + 6, y + BAR - 3, `${ratio.toFixed(2)} ×`, "start"),
    ].join("");
  });
  const line = `<line x1="${LEFT + scale}" x2="${LEFT + scale}" y1="35" y2="${height - 10}" stroke="#333" stroke-dasharray="3 3"/>`;
  const title = text(LEFT, 22, "CPU time per request against the floor (dashed); red: more than it is to be", "start");
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">${title}${bars.join("")}${line}</svg>\n`;
}

function text(x: number, y: number, content: string, anchor: "start" | "end"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
