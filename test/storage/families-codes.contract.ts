import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Redeem } from "../../src/storage/family/login-ask.ts";
import {
  anotherCode,
  CLIENT,
  DONA,
  fateOf,
  granted,
  HOUR,
  holderOf,
  jwtLeaf,
  loggedIn,
  opaqueLeaf,
  opaqueQuery,
  pathQuery,
  presenting,
  redemption,
  refreshQuery,
  SCOPE,
} from "./asks.ts";
import { pass, START, stoppedClock } from "./clock.ts";

const DAY = 24 * HOUR;

/** How authorization codes are redeemed: once, by the right presenter, and what a second time does. */
export function codesContract(name: string, make: () => Families): void {
  const WRONG: readonly (readonly [string, Partial<Redeem>, string])[] = [
    ["another secret", { hash: "another" }, "code_unknown"],
    ["another code", { code: "another" }, "code_unknown"],
    ["another client", { client: "web-app" }, "code_client_differs"],
    ["another redirect URI", { redirectUri: "http://127.0.0.1/callbacK" }, "code_redirect_differs"],
    ["another verifier", { challenge: "another" }, "code_verifier_wrong"],
    ["another verifier as long as the right one", { challenge: "A".repeat(43) }, "code_verifier_wrong"],
  ];

  describe(`${name}: redeeming a code`, () => {
    stoppedClock();

    it("gives everything that the tokens are made from", async () => {
      const families = make();
      const { family, code } = await loggedIn(families, { code: { nonce: "n-1" } });
      pass(10);
      const leaf = jwtLeaf(300);
      const ask = redemption(code, { leaves: [leaf], format: "jwt" });
      expect(await families.redeem(family, ask)).toEqual({
        ok: true,
        now: START + 10,
        root: { kind: "login", time: START, lazy: false, idp: "corp" },
        record: { client: CLIENT, audience: [CLIENT], scope: SCOPE, path: [ask.grant], hops: 0, deadline: START + 90 * DAY, authTime: START, format: "jwt" },
        principal: DONA,
        leaves: [{ id: leaf.id, type: "access_token", issued: START + 10, expires: START + 310 }],
        chain: { generation: 0, hash: ask.chain?.hash, keyNumber: 1, expires: START + 10 + 12 * HOUR },
        nonce: "n-1",
      });
    });

    it.each(WRONG)("is refused with %s, and changes nothing: the right presenter succeeds after it", async (_what, changes, reason) => {
      const families = make();
      const { family, code } = await loggedIn(families);
      expect(await families.redeem(family, redemption(code, changes))).toEqual({ ok: false, reason });
      expect(await families.redeem(family, redemption(code))).toMatchObject({ ok: true });
    });

    it.each(WRONG)("is refused with %s once it has been redeemed, and the grant lives on", async (_what, changes, reason) => {
      const families = make();
      const { family, code, grant, ask, token } = await granted(families);
      expect(await families.redeem(family, redemption(code, changes))).toEqual({ ok: false, reason });
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("alive");
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });

    it("is possible until the code's last second", async () => {
      const families = make();
      const { family, code } = await loggedIn(families);
      pass(59);
      expect(await families.redeem(family, redemption(code))).toMatchObject({ ok: true });
      const late = await loggedIn(families);
      pass(60);
      expect(await families.redeem(late.family, redemption(late.code))).toEqual({ ok: false, reason: "code_expired" });
    });

    it("gives nothing once the session has ended or the family is revoked", async () => {
      const families = make();
      const ended = await loggedIn(families);
      await families.endSession(ended.family, ended.session.id);
      expect(await families.redeem(ended.family, redemption(ended.code))).toEqual({ ok: false, reason: "code_family_dead" });
      const revoked = await loggedIn(families);
      await families.revoke(revoked.family, { kind: "family" });
      expect(await families.redeem(revoked.family, redemption(revoked.code))).toEqual({ ok: false, reason: "code_family_dead" });
    });

    it("records a grant without a refresh token where none is asked for", async () => {
      const families = make();
      const { family, code } = await loggedIn(families);
      const { chain: _none, ...ask } = redemption(code);
      const answer = await families.redeem(family, ask);
      expect(answer).toMatchObject({ ok: true });
      expect(answer).not.toHaveProperty("chain");
      expect(await families.refresh(family, presenting({ grant: ask.grant, generation: 0, hash: "" }))).toEqual({ ok: false, reason: "refresh_unknown" });
    });
  });

  describe(`${name}: a code presented again`, () => {
    stoppedClock();

    it.each([0, 30, 3 * HOUR])("by the right presenter after %d s is refused, and everything of its grant is dead", async (later) => {
      const families = make();
      const leaf = opaqueLeaf(5 * HOUR);
      const jwt = jwtLeaf(5 * HOUR);
      const { family, code, grant, token } = await granted(families, { redeem: { leaves: [leaf, jwt] } });
      pass(later);
      expect(await families.redeem(family, redemption(code))).toEqual({ ok: false, reason: "code_replayed" });
      expect(await fateOf(families, family, opaqueQuery(grant, leaf.hash))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([grant], jwt.id))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([grant, jwt.id, randomId()], randomId()))).toBe("node_revoked");
      expect(await fateOf(families, family, refreshQuery(token))).toBe("node_revoked");
      expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_revoked" });
    });

    it("leaves the other grants of the session alone", async () => {
      const families = make();
      const { family, code, session } = await granted(families);
      const other = redemption(await anotherCode(families, family, session));
      await families.redeem(family, other);
      await families.redeem(family, redemption(code));
      expect(await families.refresh(family, presenting(holderOf(other)))).toMatchObject({ ok: true });
    });

    it("by the same operation answers as the first time and changes nothing", async () => {
      const families = make();
      const { family, ask, answer, token } = await granted(families, { code: { nonce: "n" } });
      pass(7);
      expect(await families.redeem(family, { ...ask, leaves: [jwtLeaf()], exchangePeriod: HOUR })).toEqual(answer);
      expect(await fateOf(families, family, pathQuery([ask.grant], ask.leaves[0]!.id))).toBe("alive");
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });

    it("fifty times at once is redeemed once; the others are replays, which revoke the grant", async () => {
      const families = make();
      const { family, code } = await loggedIn(families);
      const asks = Array.from({ length: 50 }, () => redemption(code));
      const answers = await Promise.all(asks.map((ask) => families.redeem(family, ask)));
      const won = asks.filter((_ask, index) => answers[index]?.ok);
      expect(won).toHaveLength(1);
      expect(answers.filter((answer) => !answer.ok && answer.reason === "code_replayed")).toHaveLength(49);
      expect(await fateOf(families, family, refreshQuery(holderOf(won[0]!)))).toBe("node_revoked");
    });

    it("fifty times at once by one operation is one grant that lives", async () => {
      const families = make();
      const { family, code } = await loggedIn(families);
      const ask = redemption(code);
      const answers = await Promise.all(Array.from({ length: 50 }, () => families.redeem(family, ask)));
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(await fateOf(families, family, refreshQuery(holderOf(ask)))).toBe("alive");
    });
  });

  describe(`${name}: what a grant inherits from its login`, () => {
    stoppedClock();

    it("ends with the session where it is coupled: at its end, and never later than its expiry", async () => {
      const families = make();
      const { family, session, grant, answer, token, ask } = await granted(families, { session: { lifetime: 1800 }, code: { coupled: true } });
      expect(answer).toMatchObject({ record: { sid: session.id }, leaves: [{ expires: START + 1800 }], chain: { expires: START + 1800 } });
      await families.endSession(family, session.id);
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id, session.id))).toBe("session_ended");
      expect(await fateOf(families, family, refreshQuery(token))).toBe("session_ended");
      expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_session_ended" });
    });

    it("survives the session where it is not coupled", async () => {
      const families = make();
      const { family, session, grant, answer, token, ask } = await granted(families, { session: { lifetime: 1800 } });
      expect(answer).not.toHaveProperty("record.sid");
      expect(answer).toMatchObject({ leaves: [{ expires: START + HOUR }], chain: { expires: START + 12 * HOUR } });
      await families.endSession(family, session.id);
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("alive");
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });

    it("counts the deadline from the login, not from the code; no refresh token outlives it", async () => {
      const families = make();
      const { answer } = await granted(families, { session: { authTime: START - HOUR }, redeem: { exchangePeriod: 2 * HOUR } });
      expect(answer).toMatchObject({ record: { deadline: START + HOUR, authTime: START - HOUR }, chain: { expires: START + HOUR } });
    });

    it("gives nothing whose deadline has passed, for it would be dead at its birth; the code is not used up by it", async () => {
      const families = make();
      const { family, code } = await loggedIn(families, { session: { authTime: START - 2 * HOUR } });
      expect(await families.redeem(family, redemption(code, { exchangePeriod: 2 * HOUR }))).toEqual({ ok: false, reason: "code_deadline" });
      expect(await families.redeem(family, redemption(code, { exchangePeriod: 2 * HOUR + 1 }))).toMatchObject({ ok: true, leaves: [{ expires: START + 1 }] });
    });
  });

  describe(`${name}: how many grants of one client a session may have`, () => {
    stoppedClock();

    it("is kept by the oldest leaving; other clients and grants without a refresh token are not counted", async () => {
      const families = make();
      const { family, session, token: first } = await granted(families, { redeem: { parallel: 2 } });
      const grantFor = async (client: string, changes: Partial<Redeem> = {}) => {
        pass(1);
        const ask = redemption(await anotherCode(families, family, session, { client }), { parallel: 2, ...changes });
        await families.redeem(family, ask);
        return holderOf(ask);
      };
      const other = await grantFor("web-app");
      const second = await grantFor(CLIENT);
      expect(await fateOf(families, family, refreshQuery(first))).toBe("alive");
      const third = await grantFor(CLIENT);
      const fates = [];
      for (const token of [first, second, third, other]) fates.push(await fateOf(families, family, refreshQuery(token)));
      expect(fates).toEqual(["node_revoked", "alive", "alive", "alive"]);
    });

    it("counts no grant that is dead already", async () => {
      const families = make();
      const { family, session, token: first, grant } = await granted(families, { redeem: { parallel: 2 } });
      pass(1);
      const second = redemption(await anotherCode(families, family, session), { parallel: 2 });
      await families.redeem(family, second);
      await families.revoke(family, { kind: "refresh", parent: "", node: second.grant, client: CLIENT, everyGrant: false });
      pass(1);
      const third = redemption(await anotherCode(families, family, session), { parallel: 2 });
      await families.redeem(family, third);
      expect(await fateOf(families, family, refreshQuery(first))).toBe("alive");
      expect(await fateOf(families, family, refreshQuery(holderOf(third)))).toBe("alive");
      expect(grant).toBe(first.grant);
    });

    it("is not touched by a redemption that is repeated or refused", async () => {
      const families = make();
      const { family, session, token, ask } = await granted(families, { redeem: { parallel: 1 } });
      await families.redeem(family, ask);
      const code = await anotherCode(families, family, session);
      await families.redeem(family, redemption(code, { parallel: 1, challenge: "wrong" }));
      expect(await fateOf(families, family, refreshQuery(token))).toBe("alive");
      await families.redeem(family, redemption(code, { parallel: 1 }));
      expect(await fateOf(families, family, refreshQuery(token))).toBe("node_revoked");
    });
  });
}
