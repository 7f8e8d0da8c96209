import { describe, expect, it } from "vitest";
import type { Families, Refused } from "../../src/storage/families.ts";
import type { Granted } from "../../src/storage/family/record.ts";
import { RETRY_WINDOW_SECONDS } from "../../src/tenants/defaults.ts";
import { CLIENT, exchanging, fateOf, granted, HOUR, type Holder, pathQuery, presenting, refreshQuery, successor } from "./asks.ts";
import { pass, stoppedClock } from "./clock.ts";

const FOR_EVER = RETRY_WINDOW_SECONDS.mobile;
const WINDOWS = [
  ["strict", 0],
  ["grace", 10],
  ["online", 300],
  ["mobile", FOR_EVER],
] as const;

const generationOf = (answer: Granted | Refused) => (answer.ok ? answer.chain?.generation : answer.reason);

/** What becomes of a refresh token that was presented before. */
export function reuseContract(name: string, make: () => Families): void {
  describe(`${name}: presenting a refresh token again`, () => {
    stoppedClock();

    it.each(WINDOWS)("within the window of %s (%d s) gets the same generation by the same key, whatever key is current now", async (_policy, window) => {
      const families = make();
      const { family, token } = await granted(families);
      const first = await families.refresh(family, presenting(token, { window }, 1));
      expect(generationOf(first)).toBe(1);
      if (window === 0) return;
      pass(Math.min(window, 12 * HOUR) - 1);
      const again = await families.refresh(family, presenting(token, { window }, 2));
      expect(again).toMatchObject({ ok: true, chain: { generation: 1, hash: successor(token, 1).hash, keyNumber: 1 } });
      expect(generationOf(await families.refresh(family, presenting(successor(token, 1), { window })))).toBe(2);
    });

    it.each(WINDOWS.filter(([, window]) => window !== FOR_EVER))("after the window of %s (%d s) kills the grant", async (_policy, window) => {
      const families = make();
      const { family, token, grant, ask } = await granted(families);
      await families.refresh(family, presenting(token, { window }));
      pass(window);
      expect(await families.refresh(family, presenting(token, { window }))).toEqual({ ok: false, reason: "refresh_reused" });
      expect(await families.refresh(family, presenting(successor(token), { window }))).toEqual({ ok: false, reason: "refresh_revoked" });
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("node_revoked");
    });

    it.each(WINDOWS)("by the same operation is answered again under %s, also outside its window (%d s)", async (_policy, window) => {
      const families = make();
      const { family, token } = await granted(families);
      const ask = presenting(token, { window });
      const first = await families.refresh(family, ask);
      pass(20);
      const again = await families.refresh(family, ask);
      expect(again).toMatchObject({ ok: true, chain: (first as Granted).chain });
      expect(generationOf(await families.refresh(family, presenting(successor(token), { window })))).toBe(2);
    });

    it("RT-06 two generations old kills the grant, also within the window", async () => {
      const families = make();
      const { family, token } = await granted(families);
      await families.refresh(family, presenting(token));
      await families.refresh(family, presenting(successor(token)));
      expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_reused" });
      expect(await families.refresh(family, presenting(successor(successor(token))))).toEqual({ ok: false, reason: "refresh_revoked" });
    });

    it("gets the successor however often it asks, until the successor is used", async () => {
      const families = make();
      const { family, token } = await granted(families);
      for (let turn = 0; turn < 5; turn++) expect(generationOf(await families.refresh(family, presenting(token)))).toBe(1);
      await families.refresh(family, presenting(successor(token)));
      expect(generationOf(await families.refresh(family, presenting(token)))).toBe("refresh_reused");
    });

    it("as a subject token, without the key that it is bound to, is refused and changes nothing: neither the grant nor the window ends", async () => {
      const families = make();
      const proven = { jkt: "key" };
      const { family, token } = await granted(families, { redeem: { proven } });
      await families.refresh(family, presenting(token, { proven }));
      const next = successor(token);
      const asSubject = (holder: Holder) => exchanging({ query: refreshQuery(holder), client: CLIENT, expires: 0, hops: 0, deadline: 0 });
      const refused = { ok: false, reason: "subject_unproven" };
      expect(await families.extend(family, asSubject(next))).toEqual(refused);
      expect(generationOf(await families.refresh(family, presenting(token, { proven })))).toBe(1);
      pass(10);
      expect(await families.extend(family, asSubject(token))).toEqual(refused);
      expect(generationOf(await families.refresh(family, presenting(next, { proven })))).toBe(2);
    });

    it("RT-05 within the window by another client is refused, and the grant lives", async () => {
      const families = make();
      const { family, token } = await granted(families);
      await families.refresh(family, presenting(token));
      expect(generationOf(await families.refresh(family, presenting(token, { client: "web-app" })))).toBe("refresh_client_differs");
      pass(60);
      expect(generationOf(await families.refresh(family, presenting(token, { client: "web-app" })))).toBe("refresh_client_differs");
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe(2);
    });

    it("RT-13 and twice more within one second is one lineage", async () => {
      const families = make();
      const { family, token } = await granted(families);
      expect(generationOf(await families.refresh(family, presenting(token)))).toBe(1);
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe(2);
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe(2);
      expect(generationOf(await families.refresh(family, presenting(successor(successor(token)))))).toBe(3);
    });

    it("fifty times at once has one successor; the family and every access token live", async () => {
      const families = make();
      const { family, token, grant } = await granted(families);
      const asks = Array.from({ length: 50 }, (_value, key) => presenting(token, {}, key));
      const answers = await Promise.all(asks.map((ask) => families.refresh(family, ask)));
      const chains = new Set(answers.map((answer) => JSON.stringify((answer as Granted).chain)));
      expect(chains.size).toBe(1);
      for (const { leaves } of asks) expect(await fateOf(families, family, pathQuery([grant], leaves[0]!.id))).toBe("alive");
    });

    it("CON-08 by a thief within the window gets the same successor; the next use by both sides, the window over, kills the grant", async () => {
      const families = make();
      const { family, token } = await granted(families);
      const [owner, thief] = await Promise.all([families.refresh(family, presenting(token)), families.refresh(family, presenting(token))]);
      expect((owner as Granted).chain).toEqual((thief as Granted).chain);
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe(2);
      pass(10);
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe("refresh_reused");
    });
  });
}
