import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families, Refused } from "../../src/storage/families.ts";
import type { Granted } from "../../src/storage/family/record.ts";
import { fateOf, granted, HOUR, type Holder, jwtLeaf, opaqueLeaf, opaqueQuery, pathQuery, presenting, refreshQuery, SCOPE, successor } from "./asks.ts";
import { pass, START, stoppedClock } from "./clock.ts";

const generationOf = (answer: Granted | Refused) => (answer.ok ? answer.chain?.generation : answer.reason);

/** How refresh tokens rotate, what a retry gets, and what reuse does. */
export function refreshContract(name: string, make: () => Families): void {
  describe(`${name}: presenting a refresh token`, () => {
    stoppedClock();

    it("rotates it: a new generation under the hash and key of the successor, the same absolute expiry", async () => {
      const families = make();
      const { family, token, answer: first } = await granted(families);
      pass(60);
      const leaf = jwtLeaf(300);
      const answer = await families.refresh(family, presenting(token, { leaves: [leaf] }, 7));
      expect(answer).toMatchObject({
        ok: true,
        now: START + 60,
        record: first.record,
        leaves: [{ id: leaf.id, issued: START + 60, expires: START + 360 }],
        chain: { generation: 1, hash: successor(token, 7).hash, keyNumber: 7, expires: START + 12 * HOUR },
      });
    });

    it.each([
      ["another client", { client: "web-app" }, "refresh_client_differs"],
      ["another client and an old generation", { client: "web-app", generation: 0, hash: "old" }, "refresh_client_differs"],
      ["another secret", { hash: "another" }, "refresh_unknown"],
      ["a generation that does not exist yet", { generation: 5 }, "refresh_unknown"],
      ["a grant that does not exist", { grant: "another" }, "refresh_unknown"],
      ["another place of the grant", { parent: "another" }, "refresh_unknown"],
      ["a scope that was not granted", { scope: ["openid", "admin"] }, "scope_exceeds"],
      ["a client that may have none of the scopes today", { allowedScope: ["other"] }, "scope_empty"],
    ] as const)("is refused with %s, and changes nothing", async (_what, changes, reason) => {
      const families = make();
      const { family, token } = await granted(families);
      await families.refresh(family, presenting(token));
      const current = successor(token);
      expect(await families.refresh(family, presenting(current, { ...changes, window: 0 }))).toEqual({ ok: false, reason });
      expect(generationOf(await families.refresh(family, presenting(current)))).toBe(2);
    });

    it("takes back what was rotated for nothing, by the very operation alone: the token is as good as before, and nothing is reuse", async () => {
      const families = make();
      const { family, token } = await granted(families);
      await families.refresh(family, presenting(token));
      const current = successor(token);
      const ask = presenting(current, { window: 0 });
      expect(generationOf(await families.refresh(family, ask))).toBe(2);
      const undo = { ...ask, undone: 1 };
      // Asked twice where its answer was lost, it has been taken back once.
      for (let time = 0; time < 2; time++) expect(generationOf(await families.refresh(family, undo))).toBe("refresh_revoked");
      expect(generationOf(await families.refresh(family, presenting(current, { window: 0 })))).toBe(2);
      const next = successor(current);
      for (const late of [undo, { ...undo, op: randomId() }]) expect(generationOf(await families.refresh(family, late))).toBe("refresh_revoked");
      expect(generationOf(await families.refresh(family, presenting(next)))).toBe(3);
    });

    it("leaves the access token of the generation before alive until it expires (RT-20)", async () => {
      const families = make();
      const { family, token, grant, ask } = await granted(families, { redeem: { leaves: [jwtLeaf()] } });
      await families.refresh(family, presenting(token));
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("alive");
    });

    it("gives an opaque token a record of its own, with the scope that it was given", async () => {
      const families = make();
      const { family, token, grant } = await granted(families);
      const leaf = opaqueLeaf(300);
      await families.refresh(family, presenting(token, { leaves: [leaf], scope: ["openid"] }));
      const status = await families.status(family, opaqueQuery(leaf.id, leaf.hash, grant));
      expect(status).toMatchObject({ alive: true, record: { scope: ["openid"], path: [grant] }, leaf: { id: leaf.id, expires: START + 300 } });
      pass(300);
      expect(await fateOf(families, family, opaqueQuery(leaf.id, leaf.hash, grant))).toBe("expired");
    });

    it("RT-07 narrows the scope for once: the original may be asked for again, a wider one never", async () => {
      const families = make();
      const { family, token } = await granted(families);
      expect(await families.refresh(family, presenting(token, { scope: ["openid"] }))).toMatchObject({ ok: true, record: { scope: ["openid"] } });
      const second = successor(token);
      expect(await families.refresh(family, presenting(second, { scope: [...SCOPE, "admin"] }))).toEqual({ ok: false, reason: "scope_exceeds" });
      expect(await families.refresh(family, presenting(second))).toMatchObject({ ok: true, record: { scope: SCOPE } });
      expect(await families.refresh(family, presenting(successor(second), { scope: SCOPE, allowedScope: ["profile", "other"] }))).toMatchObject({ record: { scope: ["profile"] } });
    });

    it("gives tokens that end with the session where the grant is coupled to it", async () => {
      const families = make();
      const { family, token } = await granted(families, { session: { lifetime: 1800 }, code: { coupled: true } });
      pass(1700);
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true, leaves: [{ expires: START + 1800 }], chain: { expires: START + 1800 } });
      pass(100);
      expect(await families.refresh(family, presenting(successor(token)))).toEqual({ ok: false, reason: "refresh_session_ended" });
    });

    it("gives no token that outlives the deadline", async () => {
      const families = make();
      const { family, token } = await granted(families, { redeem: { exchangePeriod: HOUR } });
      pass(HOUR - 10);
      expect(await families.refresh(family, presenting(token))).toMatchObject({ leaves: [{ expires: START + HOUR }] });
    });

    it.each([
      ["its grant is revoked", { kind: "refresh", everyGrant: false }],
      ["its family is revoked", { kind: "family" }],
      ["every grant of its client is revoked", { kind: "client", client: "mobile-app" }],
    ] as const)("gives nothing once %s", async (_what, how) => {
      const families = make();
      const { family, token, grant } = await granted(families);
      await families.revoke(family, how.kind === "refresh" ? { ...how, parent: "", node: grant, client: "mobile-app" } : how);
      expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_revoked" });
    });
  });

  describe(`${name}: the absolute expiry of a refresh chain`, () => {
    stoppedClock();

    it("RT-08 is never extended over 100 rotations and retries", async () => {
      const families = make();
      const { family, token } = await granted(families, { redeem: { chain: { hash: "h", keyNumber: 1, lifetime: HOUR } } });
      let held: Holder = token;
      for (let turn = 1; turn <= 100; turn++) {
        pass(30);
        const longest = presenting(held, { lifetime: 999 * HOUR });
        for (const ask of [longest, longest, presenting(held)]) {
          const answer = await families.refresh(family, ask);
          expect(answer).toMatchObject({ ok: true, chain: { generation: turn, expires: START + HOUR } });
        }
        held = successor(held);
      }
      pass(599);
      expect(await families.refresh(family, presenting(held))).toMatchObject({ ok: true });
      pass(1);
      expect(await families.refresh(family, presenting(successor(held)))).toEqual({ ok: false, reason: "refresh_expired" });
    });

    it("is only ever shortened by what a request asks for", async () => {
      const families = make();
      const { family, token } = await granted(families);
      expect(await families.refresh(family, presenting(token, { lifetime: 600 }))).toMatchObject({ chain: { expires: START + 600 } });
      expect(await families.refresh(family, presenting(successor(token), { lifetime: 6000 }))).toMatchObject({ chain: { expires: START + 600 } });
    });

    it("is at once where no further refresh token is wanted; the repeated operation still gets its answer", async () => {
      const families = make();
      const { family, token } = await granted(families);
      const last = presenting(token, { lifetime: 0 });
      expect(await families.refresh(family, last)).toMatchObject({ ok: true, chain: { expires: START } });
      expect(await families.refresh(family, last)).toMatchObject({ ok: true, chain: { generation: 1, expires: START } });
      expect(await families.refresh(family, presenting(successor(token)))).toEqual({ ok: false, reason: "refresh_expired" });
    });
  });

  describe(`${name}: looking at a refresh token`, () => {
    stoppedClock();

    it("finds the current generation and, within the window, the one before it; looking changes nothing", async () => {
      const families = make();
      const { family, token } = await granted(families);
      const fates = async () => {
        const seen = [];
        for (const held of [token, successor(token), { ...successor(token), hash: "wrong" }, successor(successor(token))])
          seen.push(await fateOf(families, family, refreshQuery(held)));
        return seen;
      };
      expect(await fates()).toEqual(["alive", "rotated", "rotated", "rotated"]);
      await families.refresh(family, presenting(token));
      expect(await fates()).toEqual(["alive", "alive", "rotated", "rotated"]);
      pass(10);
      expect(await fates()).toEqual(["rotated", "alive", "rotated", "rotated"]);
      expect(generationOf(await families.refresh(family, presenting(successor(token))))).toBe(2);
    });

    it("knows its absolute expiry, and ends there", async () => {
      const families = make();
      const { family, token } = await granted(families);
      expect(await families.status(family, refreshQuery(token))).toMatchObject({ alive: true, refreshExpires: START + 12 * HOUR });
      pass(12 * HOUR);
      expect(await fateOf(families, family, refreshQuery(token))).toBe("expired");
      expect(await fateOf(families, family, { kind: "refresh", parent: "", node: randomId(), generation: 0, hash: "h", window: 10 })).toBe("record_unknown");
    });
  });
}
