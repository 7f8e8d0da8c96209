import { describe, expect, it } from "vitest";
import type { Attempt, Attempts } from "../../src/storage/attempts.ts";
import { now, pass, stoppedClock } from "./clock.ts";

const ATTEMPT: Attempt = { tenant: "https://id.example.com", clientId: "web-app", address: "203.0.113.7" };
const POLICY = { failures: 3, seconds: 600 };

/** Failed attempts, counted and locked. */
export function attemptsContract(name: string, make: () => Attempts): void {
  describe(`${name}: failed attempts`, () => {
    stoppedClock();

    it("lock once there were too many, and say until when", async () => {
      const attempts = make();
      expect([await attempts.fail(ATTEMPT, POLICY), await attempts.fail(ATTEMPT, POLICY)]).toEqual([undefined, undefined]);
      expect(attempts.lockedUntil(ATTEMPT)).toBeUndefined();
      expect(await attempts.fail(ATTEMPT, POLICY)).toBe(now() + 600);
      expect(attempts.lockedUntil(ATTEMPT)).toBe(now() + 600);
    });

    it("of a locked attempt lengthen nothing", async () => {
      const attempts = make();
      for (let n = 0; n < 3; n++) await attempts.fail(ATTEMPT, POLICY);
      const until = now() + 600;
      pass(500);
      expect(await attempts.fail(ATTEMPT, POLICY)).toBe(until);
      pass(100);
      expect(attempts.lockedUntil(ATTEMPT)).toBeUndefined();
      expect(await attempts.fail(ATTEMPT, POLICY)).toBeUndefined();
    });

    it("are forgotten in time, each counted from the last", async () => {
      const attempts = make();
      await attempts.fail(ATTEMPT, POLICY);
      pass(599);
      await attempts.fail(ATTEMPT, POLICY);
      pass(600);
      expect(await attempts.fail(ATTEMPT, POLICY)).toBeUndefined();
      expect(await attempts.fail(ATTEMPT, POLICY)).toBeUndefined();
    });

    it.each([
      ["tenant", { tenant: "https://other.example.com" }],
      ["client", { clientId: "mobile-app" }],
      ["address", { address: "203.0.113.8" }],
    ] as const)("are counted apart for another %s", async (_what, other) => {
      const attempts = make();
      for (let n = 0; n < 3; n++) await attempts.fail(ATTEMPT, POLICY);
      expect(attempts.lockedUntil({ ...ATTEMPT, ...other })).toBeUndefined();
      expect(await attempts.fail({ ...ATTEMPT, ...other }, POLICY)).toBeUndefined();
    });

    it("of fifty at once are all counted", async () => {
      const attempts = make();
      const told = await Promise.all(Array.from({ length: 50 }, () => attempts.fail(ATTEMPT, { failures: 50, seconds: 600 })));
      expect(told.filter((until) => until !== undefined)).toEqual([now() + 600]);
    });
  });
}
