import { describe, expect, it } from "vitest";
import type { Attempts } from "../../src/storage/attempts.ts";
import { now, pass, START, stoppedClock } from "./clock.ts";

const ATTEMPT = { tenant: "https://id.example.com", clientId: "web-app", address: "192.0.2.1" };
const POLICY = { failures: 3, seconds: 60 };

/** Failed attempts: counted, locked when there are too many, forgotten in time. */
export function attemptsContract(name: string, make: () => Attempts): void {
  describe(`${name}: failed attempts`, () => {
    stoppedClock();

    it("lock when there were too many, from then on for as long as the policy says", async () => {
      const attempts = make();
      expect([await attempts.fail(ATTEMPT, POLICY), await attempts.fail(ATTEMPT, POLICY), attempts.lockedUntil(ATTEMPT)]).toEqual([undefined, undefined, undefined]);
      expect(await attempts.fail(ATTEMPT, POLICY)).toBe(START + 60);
      expect(attempts.lockedUntil(ATTEMPT)).toBe(START + 60);
      pass(59);
      expect(attempts.lockedUntil(ATTEMPT)).toBe(START + 60);
      pass(1);
      expect([attempts.lockedUntil(ATTEMPT), await attempts.fail(ATTEMPT, POLICY)]).toEqual([undefined, undefined]);
    });

    it("while it is locked prolong nothing", async () => {
      const attempts = make();
      for (let count = 0; count < 3; count++) await attempts.fail(ATTEMPT, POLICY);
      pass(30);
      expect(await attempts.fail(ATTEMPT, POLICY)).toBe(START + 60);
    });

    it("are forgotten when none comes for as long as the policy says", async () => {
      const attempts = make();
      for (let count = 0; count < 2; count++) await attempts.fail(ATTEMPT, POLICY);
      pass(60);
      expect([await attempts.fail(ATTEMPT, POLICY), await attempts.fail(ATTEMPT, POLICY)]).toEqual([undefined, undefined]);
    });

    it("of fifty at once lock as well", async () => {
      const attempts = make();
      const answers = await Promise.all(Array.from({ length: 50 }, () => attempts.fail(ATTEMPT, POLICY)));
      expect(answers.filter((until) => until === undefined)).toHaveLength(2);
      expect(attempts.lockedUntil(ATTEMPT)).toBe(now() + 60);
    });

    it.each([
      ["tenant", { tenant: "https://other.example.com" }],
      ["client", { clientId: "mobile-app" }],
      ["address", { address: "192.0.2.2" }],
      ["reading of what is put together", { tenant: 'https://id.example.com","web', clientId: "app" }],
    ])("of one %s lock no other", async (_what, other) => {
      const attempts = make();
      for (let count = 0; count < 3; count++) await attempts.fail(ATTEMPT, POLICY);
      expect([attempts.lockedUntil({ ...ATTEMPT, ...other }), await attempts.fail({ ...ATTEMPT, ...other }, POLICY)]).toEqual([undefined, undefined]);
    });
  });
}
