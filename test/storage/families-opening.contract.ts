import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import {
  anotherCode,
  CLIENT,
  DONA,
  fateOf,
  granted,
  HOUR,
  jwtLeaf,
  lazyQuery,
  loggedIn,
  newCode,
  newLogin,
  newSession,
  opaqueQuery,
  pathQuery,
  presenting,
  redemption,
  refreshQuery,
} from "./asks.ts";
import { now, pass, START, stoppedClock } from "./clock.ts";

/** How families begin: lazy roots, opening, sessions that stand for a login, and when a family closes. */
export function openingContract(name: string, make: () => Families): void {
  describe(`${name}: a family that nobody has opened`, () => {
    stoppedClock();

    it("is alive for the lazy root itself, and says nothing of a root", async () => {
      const families = make();
      expect(await families.status(families.create(undefined), lazyQuery(randomId()))).toEqual({ alive: true, now: START });
    });

    it.each([
      ["a token below a lazy root", { kind: "path", path: ["a"], node: "b", lazy: true }],
      ["a lazy root that carries a session", { kind: "path", path: [], node: "b", sid: "s", lazy: true }],
      ["a token that is no lazy root", { kind: "path", path: [], node: "b", lazy: false }],
      ["a token deep in the tree", { kind: "path", path: ["a", "b", "c"], node: "d", lazy: false }],
      ["an opaque token", { kind: "opaque", parent: "", node: "b", hash: "h" }],
      ["a refresh token", { kind: "refresh", parent: "", node: "b", generation: 0, hash: "h", window: 10 }],
    ] as const)("is dead for %s: it is never taken for a family without revocations", async (_what, query) => {
      const families = make();
      expect(await families.status(families.create(undefined), query)).toEqual({ alive: false, now: START, reason: "family_unknown" });
    });

    it("gives nothing for a code, a refresh token or a session", async () => {
      const families = make();
      const family = families.create(undefined);
      const code = newCode();
      expect(await families.redeem(family, redemption(code))).toEqual({ ok: false, reason: "code_unknown" });
      expect(await families.signOn(family, { session: randomId(), hash: randomId(), client: CLIENT, code })).toEqual({ ok: false, reason: "login_required" });
      expect(await families.endSession(family, randomId())).toEqual({ ok: false, reason: "login_required" });
      expect(await fateOf(families, family, lazyQuery(randomId()))).toBe("alive");
    });

    it("draws another id each time, in hexadecimal", async () => {
      const families = make();
      const drawn = Array.from({ length: 50 }, () => families.create(undefined));
      expect(new Set(drawn).size).toBe(50);
      for (const family of drawn) expect(family).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  describe(`${name}: opening a family`, () => {
    stoppedClock();

    it("answers with the object's time, which is the root's", async () => {
      const families = make();
      const family = families.create(undefined);
      const opening = newLogin();
      expect(await families.open(family, opening)).toEqual({ ok: true, now: START });
      expect(await families.status(family, pathQuery([], randomId()))).toMatchObject({
        alive: true,
        root: { kind: "login", time: START, lazy: false, idp: "corp" },
        principal: DONA,
      });
    });

    it("answers the same operation as the first time, and keeps what was opened", async () => {
      const families = make();
      const { family, opening, session } = await loggedIn(families);
      pass(30);
      expect(await families.open(family, { ...opening, principal: { ...DONA, sub: "somebody else" }, session: newSession() })).toEqual({ ok: true, now: START });
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: true, principal: DONA });
    });

    it("refuses another operation: two logins never share a family", async () => {
      const families = make();
      const { family, session } = await loggedIn(families);
      const second = newSession();
      await expect(families.open(family, newLogin({ session: second }))).rejects.toMatchObject({ reason: "unavailable" });
      expect(await families.signOn(family, { session: second.id, hash: second.hash, client: CLIENT })).toMatchObject({ ok: false });
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: true });
    });

    it("records a client's own grant, whose opaque token lives until its expiry and belongs to no user", async () => {
      const families = make();
      const family = families.create(undefined);
      const leaf = { ...jwtLeaf(300), hash: "secret" };
      const grant = { id: randomId(), record: { client: CLIENT, audience: [CLIENT], scope: ["a"], hops: 0 }, leaves: [leaf] };
      await families.open(family, { op: randomId(), tenant: "t", kind: "client_credentials", grant });
      const status = await families.status(family, opaqueQuery(grant.id, "secret"));
      expect(status).toMatchObject({ alive: true, root: { kind: "client_credentials", time: START, lazy: false }, record: { path: [grant.id], deadline: START + 300 } });
      expect(status).not.toHaveProperty("principal");
      expect(await fateOf(families, family, opaqueQuery(grant.id, "another secret"))).toBe("record_unknown");
      pass(300);
      expect(await fateOf(families, family, opaqueQuery(grant.id, "secret"))).toBe("expired");
    });
  });

  describe(`${name}: a login session`, () => {
    stoppedClock();
    const cases = [
      ["the right secret", {}, true],
      ["another secret", { hash: "another" }, false],
      ["an unknown session", { session: "another" }, false],
      ["a login as old as is allowed", { maxAge: 100 }, true],
      ["a login older than is allowed", { maxAge: 99 }, false],
      ["an IdP that will do", { idps: ["other", "corp"] }, true],
      ["an IdP that will not do", { idps: ["other"] }, false],
      ["no IdP at all", { idps: [] }, false],
    ] as const;
    it.each(cases)("stands for a login or not: %s", async (_what, changes, stands) => {
      const families = make();
      const { family, session } = await loggedIn(families);
      pass(100);
      const answer = await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT, ...changes });
      expect(answer).toEqual(
        stands
          ? { ok: true, now: START + 100, root: { kind: "login", time: START, lazy: false, idp: "corp" }, principal: DONA, authTime: START }
          : { ok: false, reason: "login_required" },
      );
    });

    it("stands for a login until its last second, and not after it", async () => {
      const families = make();
      const { family, session } = await loggedIn(families, { session: { lifetime: 300 } });
      pass(299);
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: true });
      pass(1);
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: false });
    });

    it("stands for no login once it has ended or its family is revoked", async () => {
      const families = make();
      const ended = await loggedIn(families);
      await families.endSession(ended.family, ended.session.id);
      const revoked = await loggedIn(families);
      await families.revoke(revoked.family, { kind: "family" });
      for (const { family, session } of [ended, revoked]) {
        const code = newCode();
        expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT, code })).toEqual({ ok: false, reason: "login_required" });
        expect(await families.redeem(family, redemption(code))).toEqual({ ok: false, reason: "code_unknown" });
      }
    });

    it("gives the same code once: asked again, its time does not begin anew", async () => {
      const families = make();
      const { family, session } = await loggedIn(families);
      const code = await anotherCode(families, family, session);
      pass(40);
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT, code })).toMatchObject({ ok: true });
      pass(20);
      expect(await families.redeem(family, redemption(code))).toEqual({ ok: false, reason: "code_expired" });
    });

    it("never says that the user logged in later than now", async () => {
      const families = make();
      const { family, session } = await loggedIn(families, { session: { authTime: START + 500 } });
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ authTime: START });
    });

    it("ends once: the second time answers as the first", async () => {
      const families = make();
      const { family, session } = await loggedIn(families, { session: { idpTokens: "sealed" } });
      const first = await families.endSession(family, session.id);
      expect(first).toEqual({ ok: true, idp: "corp", idpTokens: "sealed", participants: [] });
      pass(60);
      expect(await families.endSession(family, session.id)).toEqual(first);
      expect(await families.endSession(family, randomId())).toEqual({ ok: false, reason: "login_required" });
    });
  });

  describe(`${name}: the time until which a family is kept`, () => {
    stoppedClock();
    const closing = async (families: Families, family: string) => {
      const fate = await fateOf(families, family, pathQuery([], randomId()));
      return fate === "family_closed" ? "closed" : fate;
    };

    it("is the latest expiry of what was recorded and 120 s more", async () => {
      const families = make();
      const { family } = await loggedIn(families, { session: { lifetime: 600 } });
      pass(719);
      expect(await closing(families, family)).toBe("alive");
      pass(1);
      expect(await closing(families, family)).toBe("closed");
    });

    it.each([
      ["a refresh token", { leaves: [], chain: { hash: "h", keyNumber: 1, lifetime: 5 * HOUR } }, 5 * HOUR],
      ["an access token", { leaves: [jwtLeaf(5 * HOUR)], chain: { hash: "h", keyNumber: 1, lifetime: 60 } }, 5 * HOUR],
    ])("grows with %s that lives longer", async (_what, redeem, lifetime) => {
      const families = make();
      const { family } = await granted(families, { session: { lifetime: 300 }, redeem: { ...redeem } });
      pass(lifetime + 119);
      expect(await closing(families, family)).toBe("alive");
      pass(1);
      expect(await closing(families, family)).toBe("closed");
    });

    it("grows with an access token that a refresh gave and that outlives the refresh token", async () => {
      const families = make();
      const { family, token, grant } = await granted(families, { session: { lifetime: 300 }, redeem: { leaves: [], chain: { hash: "h", keyNumber: 1, lifetime: HOUR } } });
      pass(HOUR - 1);
      const leaf = jwtLeaf(5 * HOUR);
      expect(await families.refresh(family, presenting({ ...token, hash: "h" }, { leaves: [leaf] }))).toMatchObject({ ok: true });
      pass(5 * HOUR - 1);
      expect(await fateOf(families, family, pathQuery([grant], leaf.id))).toBe("alive");
    });

    it("grows with a revocation: what was revoked stays known until its own expiry", async () => {
      const families = make();
      const { family } = await loggedIn(families, { session: { lifetime: 300 } });
      const node = randomId();
      await families.revoke(family, { kind: "node", node, tenant: "t", expires: now() + 9 * HOUR, lazy: false });
      pass(9 * HOUR + 119);
      expect(await fateOf(families, family, pathQuery([], node))).toBe("node_revoked");
    });

    it("never shrinks: a short token recorded later takes nothing from it", async () => {
      const families = make();
      const { family, token } = await granted(families, { session: { lifetime: 300 }, redeem: { leaves: [], chain: { hash: "h", keyNumber: 1, lifetime: 5 * HOUR } } });
      await families.refresh(family, presenting(token, { lifetime: 60, leaves: [jwtLeaf(60)] }));
      await families.revoke(family, { kind: "node", node: randomId(), tenant: "t", expires: now() + 10, lazy: false });
      pass(5 * HOUR + 119);
      expect(await closing(families, family)).toBe("alive");
    });

    it("leaves nothing alive, opens nothing and refreshes nothing after it", async () => {
      const families = make();
      const { family, token, ask, session } = await granted(families, { redeem: { chain: { hash: "h", keyNumber: 1, lifetime: HOUR } }, session: { lifetime: HOUR } });
      pass(HOUR + 120);
      expect(await fateOf(families, family, pathQuery([ask.grant], ask.leaves[0]!.id))).toBe("family_closed");
      expect(await families.status(family, refreshQuery(token))).toMatchObject({ alive: false });
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT, code: newCode() })).toMatchObject({ ok: false });
    });
  });
}
