import { describe, expect, test } from "vitest";
import type { Operation } from "../../bench/contestant.ts";
import type { Measured } from "../../bench/measure.ts";
import { areaOf, OUTSIDE } from "../../bench/profile/areas.ts";
import type { CallFrame, Profile } from "../../bench/profile/inspector.ts";
import { sharesOf } from "../../bench/profile/shares.ts";
import { compare, lines } from "../../bench/report.ts";

function measured(contestant: string, operation: Operation, cpu: number, throughput: number, waited = 0): Measured {
  return { contestant, operation, cpu, throughput, p50: 1, p99: 2, waited, rounds: 5 };
}

describe("the benchmark's table", () => {
  const run = (cambioCpu: number, throughput: number, waited = 0) =>
    compare([
      measured("cambio", "clientCredentials", cambioCpu, throughput, waited),
      measured("floor", "clientCredentials", 200, 4000),
      measured("oidc-provider", "clientCredentials", 500, 1000),
    ]);

  test("says nothing of goals that are reached", () => {
    expect(lines(run(250, 1300)).at(-1)).toBe("every goal is reached");
  });

  test("marks each ratio that misses its goal and says by how much, of a peer by CPU time too", () => {
    const text = lines(run(400, 1000)).join("\n");
    expect(text).toContain("2.00 !");
    expect(text).toContain("client_credentials → JWT: 2.00 times the floor's CPU, to be at most 1.25");
    expect(text).toContain("client_credentials → JWT: 1.00 times the throughput of oidc-provider, to be at least 1.3 (1.25 by CPU time; the floor has 4.00)");
  });

  test("has a footnote for each server that does something else", () => {
    expect(lines(run(250, 1300), ["oidc-provider: keeps nothing"])).toContain("oidc-provider: keeps nothing");
  });

  test.each([
    [0.05, false],
    [0.4, true],
  ])("of a run in which Cambio waited for its core for a share of %f of its time says that the machine is busy: %s", (waited, isBusy) => {
    expect(
      lines(run(250, 1300, waited))
        .join("\n")
        .includes("the machine is busy"),
    ).toBe(isBusy);
  });
});

describe("a profile by area", () => {
  const source = (file: string, name: string) => ({ file, name, line: 1 });

  test.each([
    ["cryptography", [source("src/protocol/signature.ts", "verifySignature"), source("src/tokens/read.ts", "readOwnJwt")]],
    ["cryptography", [source("", "digest"), source("src/protocol/bytes.ts", "sha256")]],
    ["verification of what is presented", [source("", "decode"), source("src/protocol/jwt-gate.ts", "openJwt")]],
    ["client authentication", [source("src/clients/secret.ts", "matches")]],
    ["object call", [source("src/storage/call.ts", "callObject")]],
    ["garbage collection", [source("", "(garbage collector)"), source("src/audit.ts", "write")]],
    ["other JavaScript", [source("node_modules/another/index.js", "run")]],
    [OUTSIDE, [source("", "(program)")]],
  ])("is %s for a stack of %j", (area, stack) => {
    expect(areaOf(stack, false)).toBe(area);
  });

  test("gives what no isolate was seen at to what is outside of JavaScript, and adds up to the whole", () => {
    const frame = (functionName: string): CallFrame => ({ functionName, url: "", lineNumber: 0, columnNumber: 0 });
    const profile: Profile = {
      nodes: [
        { id: 1, callFrame: frame("(root)"), children: [2, 3] },
        { id: 2, callFrame: frame("write") },
        { id: 3, callFrame: frame("(idle)") },
      ],
      samples: [2, 2, 3, 2],
      // The isolate rested before the last one.
      timeDeltas: [100, 100, 100, 90_000],
    };
    const { areas, functions } = sharesOf([{ profile, sourceOf: ({ functionName }) => source(functionName === "write" ? "src/audit.ts" : "", functionName), isState: false }], 1);
    expect(areas.map(([area, share]) => [area, Number(share.toFixed(3))])).toEqual([
      [OUTSIDE, 0.7],
      ["audit", 0.3],
    ]);
    expect(functions).toEqual([{ place: "write  src/audit.ts:1", own: expect.closeTo(0.3), total: expect.closeTo(0.3) }]);
  });
});
