import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Revocation } from "../../src/storage/family/ending-ask.ts";
import {
  anotherCode,
  CLIENT,
  fateOf,
  granted,
  HOUR,
  holderOf,
  jwtLeaf,
  lazyQuery,
  loggedIn,
  newLogin,
  opaqueLeaf,
  opaqueQuery,
  pathQuery,
  presenting,
  redemption,
  refreshQuery,
  successor,
  TENANT,
} from "./asks.ts";
import { now, pass, stoppedClock } from "./clock.ts";

const node = (id: string, changes: object = {}) => ({ kind: "node" as const, node: id, tenant: TENANT, expires: now() + HOUR, lazy: false, ...changes });

/** What revoking does: one row, and everything below it is dead. */
export function revocationContract(name: string, make: () => Families): void {
  describe(`${name}: revoking a node`, () => {
    stoppedClock();

    it.each(Array.from({ length: 17 }, (_value, depth) => depth))("at depth %d kills it and all below it, and nothing above or beside it (REV-07, REV-08)", async (depth) => {
      const families = make();
      const { family } = await loggedIn(families);
      const line = Array.from({ length: 17 }, () => randomId());
      await families.revoke(family, node(line[depth]!));
      const fates = [];
      for (const [index, id] of line.entries()) fates.push(await fateOf(families, family, pathQuery(line.slice(0, index), id)));
      expect(fates).toEqual(line.map((_id, index) => (index < depth ? "alive" : "node_revoked")));
      const cousin = randomId();
      expect(await fateOf(families, family, pathQuery([...line.slice(0, depth), cousin], randomId()))).toBe("alive");
    });

    it("twice, or twenty times at once, is once (REV-10)", async () => {
      const families = make();
      const { family } = await loggedIn(families);
      const id = randomId();
      const answers = await Promise.all(Array.from({ length: 20 }, () => families.revoke(family, node(id))));
      for (const answer of answers) expect(answer).toEqual({ ok: true, found: true, hashes: [] });
      expect(await fateOf(families, family, pathQuery([], id))).toBe("node_revoked");
    });

    it("that is a lazy root opens its family, where the root and all below it are dead", async () => {
      const families = make();
      const family = families.create(undefined);
      const root = randomId();
      await families.revoke(family, node(root, { lazy: true }));
      expect(await fateOf(families, family, lazyQuery(root))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([root], randomId()))).toBe("node_revoked");
      pass(HOUR + 119);
      expect(await fateOf(families, family, lazyQuery(root))).toBe("node_revoked");
    });

    it("that is a lazy root and has expired opens nothing", async () => {
      const families = make();
      const family = families.create(undefined);
      await families.revoke(family, node(randomId(), { lazy: true, expires: now() }));
      expect(await fateOf(families, family, pathQuery([], randomId()))).toBe("family_unknown");
    });

    it("that is no lazy root opens no family: whoever could say so would kill a lazy root that is not theirs", async () => {
      const families = make();
      const family = families.create(undefined);
      const asks: readonly Revocation[] = [
        node(randomId()),
        { kind: "client", client: CLIENT },
        { kind: "refresh", parent: "", node: randomId(), client: CLIENT, everyGrant: true },
        { kind: "opaque", parent: "", node: randomId(), hash: "h", client: CLIENT, everyGrant: true },
      ];
      for (const ask of asks) expect(await families.revoke(family, ask)).toEqual({ ok: true, found: false, hashes: [] });
      expect(await families.status(family, lazyQuery(randomId()))).not.toHaveProperty("root");
    });
  });

  describe(`${name}: revoking an opaque token`, () => {
    stoppedClock();
    const grantOfTwo = async (families: Families) => {
      const [opaque, jwt] = [opaqueLeaf(), jwtLeaf()];
      return { ...(await granted(families, { redeem: { leaves: [opaque, jwt] } })), opaque, jwt };
    };

    it("kills that leaf alone, names its copy, and its grant goes on", async () => {
      const families = make();
      const { family, grant, opaque, jwt, token } = await grantOfTwo(families);
      const ask = { kind: "opaque" as const, parent: "", node: grant, hash: opaque.hash, client: CLIENT, everyGrant: false };
      expect(await families.revoke(family, ask)).toEqual({ ok: true, found: true, hashes: [opaque.hash] });
      expect(await families.revoke(family, ask)).toEqual({ ok: true, found: true, hashes: [opaque.hash] });
      expect(await fateOf(families, family, opaqueQuery(grant, opaque.hash))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([grant, opaque.id], randomId()))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([grant], jwt.id))).toBe("alive");
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });

    it.each([
      ["another client", { client: "web-app" }],
      ["another client that revokes all its grants", { client: "web-app", everyGrant: true }],
      ["another secret", { hash: "another" }],
      ["another secret that revokes all grants", { hash: "another", everyGrant: true }],
      ["another place", { parent: "another" }],
    ])("by %s does nothing (REV-03)", async (_what, changes) => {
      const families = make();
      const { family, grant, opaque, token } = await grantOfTwo(families);
      const ask = { kind: "opaque" as const, parent: "", node: grant, hash: opaque.hash, client: CLIENT, everyGrant: false, ...changes };
      expect(await families.revoke(family, ask)).toEqual({ ok: true, found: false, hashes: [] });
      expect(await fateOf(families, family, opaqueQuery(grant, opaque.hash))).toBe("alive");
      expect(await fateOf(families, family, refreshQuery(token))).toBe("alive");
    });
  });

  describe(`${name}: revoking a refresh token`, () => {
    stoppedClock();

    it("of any generation kills its grant and all below it, and names the copies (REV-06)", async () => {
      const families = make();
      const [first, second] = [opaqueLeaf(), opaqueLeaf()];
      const { family, grant, token } = await granted(families, { redeem: { leaves: [first] } });
      await families.refresh(family, presenting(token, { leaves: [second] }));
      pass(60);
      const answer = await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: CLIENT, everyGrant: false });
      expect(new Set(answer.hashes)).toEqual(new Set([first.hash, second.hash]));
      expect(await fateOf(families, family, opaqueQuery(grant, first.hash))).toBe("node_revoked");
      expect(await fateOf(families, family, opaqueQuery(second.id, second.hash, grant))).toBe("node_revoked");
      expect(await fateOf(families, family, refreshQuery(successor(token)))).toBe("node_revoked");
      expect(await fateOf(families, family, pathQuery([grant, first.id, randomId()], randomId()))).toBe("node_revoked");
    });

    it("by another client does nothing", async () => {
      const families = make();
      const { family, grant, token } = await granted(families);
      for (const everyGrant of [false, true]) {
        expect(await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: "web-app", everyGrant })).toEqual({ ok: true, found: false, hashes: [] });
      }
      expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    });

    it("leaves the other grants of the session alone, unless the client revokes them all; other clients' always", async () => {
      const families = make();
      const { family, grant, session, token } = await granted(families);
      const another = redemption(await anotherCode(families, family, session));
      const foreign = redemption(await anotherCode(families, family, session, { client: "web-app" }));
      await families.redeem(family, another);
      await families.redeem(family, foreign);
      const fates = async () => {
        const seen = [];
        for (const held of [token, holderOf(another), holderOf(foreign)]) seen.push(await fateOf(families, family, refreshQuery(held)));
        return seen;
      };
      await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: CLIENT, everyGrant: false });
      expect(await fates()).toEqual(["node_revoked", "alive", "alive"]);
      await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: CLIENT, everyGrant: true });
      expect(await fates()).toEqual(["node_revoked", "node_revoked", "alive"]);
    });
  });

  describe(`${name}: revoking every grant of a client`, () => {
    stoppedClock();

    it("reaches an access token that outlives its refresh chain", async () => {
      const families = make();
      const { family, token, grant } = await granted(families, { redeem: { leaves: [jwtLeaf(60)], chain: { hash: "h", keyNumber: 1, lifetime: HOUR } } });
      pass(HOUR - 10);
      const leaf = jwtLeaf(HOUR);
      await families.refresh(family, presenting(token, { leaves: [leaf] }));
      pass(60);
      expect(await fateOf(families, family, pathQuery([grant], leaf.id))).toBe("alive");
      await families.revoke(family, { kind: "client", client: CLIENT });
      expect(await fateOf(families, family, pathQuery([grant], leaf.id))).toBe("node_revoked");
    });

    it("leaves the session to the user: the next code is a new grant", async () => {
      const families = make();
      const { family, session } = await granted(families);
      await families.revoke(family, { kind: "client", client: CLIENT });
      const again = redemption(await anotherCode(families, family, session));
      expect(await families.redeem(family, again)).toMatchObject({ ok: true });
      expect(await fateOf(families, family, refreshQuery(holderOf(again)))).toBe("alive");
    });
  });

  describe(`${name}: revoking a family`, () => {
    stoppedClock();

    it("kills everything in it, once and for all", async () => {
      const families = make();
      const { family, grant, token, session, ask } = await granted(families);
      await families.revoke(family, { kind: "family" });
      pass(100);
      await families.revoke(family, { kind: "family" });
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("family_revoked");
      expect(await fateOf(families, family, pathQuery([], randomId()))).toBe("family_revoked");
      expect(await fateOf(families, family, refreshQuery(token))).toBe("family_revoked");
      expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_revoked" });
      expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: false });
    });

    it("that is only about to be opened keeps it from being opened", async () => {
      const families = make();
      const family = families.create(undefined);
      await families.revoke(family, { kind: "family" });
      const opening = newLogin();
      expect(await families.open(family, opening)).toEqual({ ok: false, reason: "user_cut_off" });
      expect(await families.signOn(family, { session: opening.session.id, hash: opening.session.hash, client: CLIENT })).toMatchObject({ ok: false });
      expect(await fateOf(families, family, pathQuery([], randomId()))).toBe("family_revoked");
    });
  });

  describe(`${name}: what is dead`, () => {
    stoppedClock();

    it("stays dead: nothing that is done afterwards brings it back", async () => {
      const families = make();
      const { family, grant, token, session, ask, code, opening } = await granted(families);
      await families.revoke(family, { kind: "refresh", parent: "", node: grant, client: CLIENT, everyGrant: false });
      await families.open(family, opening);
      await families.redeem(family, ask);
      await families.redeem(family, redemption(code));
      await families.refresh(family, presenting(token));
      await families.redeem(family, redemption(await anotherCode(families, family, session)));
      pass(5);
      expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("node_revoked");
      expect(await fateOf(families, family, refreshQuery(token))).toBe("node_revoked");
    });
  });
}
