import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { detached } from "../../src/protocol/bounded.ts";

// Here and not in workerd, which tells nobody how much memory it uses.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A token that was cut out of the body of a request, as every parameter is. */
function cutOut(index: number): string {
  const body = Buffer.from(`token=${String(index).padStart(1000, "t")}&x=${"a".repeat(60_000)}`).toString("latin1");
  return body.slice(6, body.indexOf("&"));
}

/** How many bytes a thousand texts hold. */
function heldBy(own: (text: string) => string): number {
  const texts = new Set<string>();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 1000; index++) texts.add(own(cutOut(index)));
  collect();
  const held = process.memoryUsage().heapUsed - before;
  expect([texts.has(cutOut(7)), texts.size]).toEqual([true, 1000]);
  return held;
}

test("a token that is kept keeps the body that it came in, unless it has memory of its own", () => {
  expect(heldBy((text) => text)).toBeGreaterThan(50_000_000);
  expect(heldBy(detached)).toBeLessThan(10_000_000);
});
