import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { SingleUse, SingleUseKind } from "../../src/storage/single-use.ts";
import { now, pass, stoppedClock } from "./clock.ts";

const KIND: SingleUseKind = { tenant: "https://id.example.com", issuer: "web-app", kind: "client_assertion" };

/** Things that may be used once. */
export function singleUseContract(name: string, make: () => SingleUse): void {
  describe(`${name}: a thing that may be used once`, () => {
    stoppedClock();

    it("is used once: the first is told true, everyone after it false", async () => {
      const single = make();
      const id = randomId();
      expect(await single.use(KIND, id, now() + 60)).toBe(true);
      expect(await single.use(KIND, id, now() + 60)).toBe(false);
      expect(await single.use(KIND, id, now() + 6000)).toBe(false);
    });

    it("CON-05 is used once by fifty at a time", async () => {
      const single = make();
      for (let round = 0; round < 5; round++) {
        const id = randomId();
        const told = await Promise.all(Array.from({ length: 50 }, () => single.use(KIND, id, now() + 60)));
        expect(told.filter((first) => first)).toHaveLength(1);
      }
    });

    it("does not stand in the way of fifty others at the same time", async () => {
      const single = make();
      const told = await Promise.all(Array.from({ length: 50 }, () => single.use(KIND, randomId(), now() + 60)));
      expect(told.every((first) => first)).toBe(true);
    });

    it.each([
      ["tenant", { ...KIND, tenant: "https://other.example.com" }],
      ["issuer", { ...KIND, issuer: "mobile-app" }],
      ["kind", { ...KIND, kind: "dpop_proof" }],
      ["text that reads the same when it is put together", { ...KIND, tenant: "https://id.example.com/web-app", issuer: "" }],
    ] as const)("is another thing at another %s", async (_what, other) => {
      const single = make();
      const id = randomId();
      expect(await single.use(KIND, id, now() + 60)).toBe(true);
      expect(await single.use(other, id, now() + 60)).toBe(true);
      expect(await single.use(other, id, now() + 60)).toBe(false);
    });

    it.each(["", "a", "A", " a", "a\u0000", "\u00e4", "a\u0308", "x".repeat(10_000), "'; DROP TABLE used; --", "🙂"])("is told from every other by its bytes: %j", async (id) => {
      const single = make();
      expect(await single.use(KIND, id, now() + 60)).toBe(true);
      expect(await single.use(KIND, `${id}.`, now() + 60)).toBe(true);
      expect(await single.use(KIND, id, now() + 60)).toBe(false);
    });

    it("CON-35 is remembered until it has expired, and 120 s more for clocks that disagree", async () => {
      const single = make();
      const id = randomId();
      await single.use(KIND, id, now() + 60);
      pass(60 + 119);
      expect(await single.use(KIND, id, now() + 60)).toBe(false);
    });
  });
}
