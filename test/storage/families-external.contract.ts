import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { Extend } from "../../src/storage/family/exchange-ask.ts";
import type { FamilyId } from "../../src/storage/lineage.ts";
import type { Principal } from "../../src/tenants/principal.ts";
import { CLIENT, exchanging, fateOf, HOUR, pathQuery, TENANT } from "./asks.ts";
import { now, pass, stoppedClock } from "./clock.ts";

/** The family that all tokens of one external user share: opened by the first exchange, ended by a revocation, opened anew. */
export function externalContract(name: string, make: () => Families): void {
  const chris = (changes: Partial<Principal> = {}): Principal => ({ sub: "chris", idp: "partner", loginName: "chris.lee", groups: ["suppliers"], asOf: now(), ...changes });
  const open = (families: Families, family: FamilyId, until = now() + HOUR, since = 0) =>
    families.open(family, { op: "chris", tenant: TENANT, kind: "external", user: "user", principal: chris(), until, since });
  const presenting = (node: string, says: Principal = chris(), expires = now() + HOUR): Extend => {
    const ask = exchanging({ query: pathQuery([], node), client: CLIENT, expires, hops: 0, deadline: now() + HOUR });
    if (ask.subject.kind !== "jwt") throw new Error("no JWT");
    return { ...ask, subject: { ...ask.subject, root: { kind: "external", time: says.asOf ?? 0, lazy: false, idp: "partner" }, says } };
  };

  describe(`${name}: an external user`, () => {
    stoppedClock();

    it("has one family by name, and another has another", () => {
      const families = make();
      expect(families.named(undefined, "chris")).toBe(families.named(undefined, "chris"));
      expect(families.named(undefined, "chris")).not.toBe(families.named(undefined, "dona"));
    });

    it("has none until it is opened; whoever opens it second has opened it too", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      expect(await families.extend(family, presenting(randomId()))).toMatchObject({ ok: false, note: "family_unknown" });
      expect([await open(families, family), await open(families, family)]).toEqual([
        { ok: true, now: now() },
        { ok: true, now: now() },
      ]);
      expect((await families.extend(family, presenting(randomId()))).ok).toBe(true);
    });

    it("begins anew with each token: its root is in what comes of it, whenever the family was opened", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      await open(families, family);
      pass(600);
      const answer = await families.extend(family, presenting(randomId()));
      expect(answer).toMatchObject({ ok: true, root: { kind: "external", time: now(), idp: "partner" }, record: { root: now(), hops: 1 } });
    });

    it("is what the newest token says", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      await open(families, family);
      pass(10);
      const groups = async (says: Principal) => {
        const answer = await families.extend(family, presenting(randomId(), says));
        return answer.ok ? answer.principal?.groups : answer;
      };
      expect(await groups(chris({ groups: [] }))).toEqual([]);
      expect(await groups(chris({ asOf: now() - 5 }))).toEqual([]);
      pass(1);
      expect(await groups(chris({ groups: ["other"] }))).toEqual(["other"]);
    });

    it("is kept while a token could be presented again, so that what was revoked of it stays so; then opened anew", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      await open(families, family, now() + 60);
      const node = randomId();
      await families.extend(family, presenting(node));
      await families.revoke(family, { kind: "node", node, tenant: TENANT, expires: 0, lazy: false });
      pass(HOUR - 1);
      expect(await families.extend(family, presenting(node, chris(), now() + 1))).toMatchObject({ ok: false, note: "node_revoked" });
      pass(200);
      expect(await families.extend(family, presenting(randomId()))).toMatchObject({ ok: false });
      expect((await open(families, family)).ok).toBe(true);
      expect((await families.extend(family, presenting(randomId()))).ok).toBe(true);
    });

    it("who is revoked has nothing left, and opening again changes nothing until all of it has expired", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      await open(families, family);
      const answer = await families.extend(family, presenting(randomId()));
      if (!answer.ok) throw new Error(answer.reason);
      await families.revoke(family, { kind: "family" });
      expect(await fateOf(families, family, pathQuery(answer.record.path, answer.leaves[0]?.id ?? ""))).toBe("family_revoked");
      await open(families, family);
      expect(await families.extend(family, presenting(randomId()))).toMatchObject({ ok: false, note: "family_revoked" });
    });

    it("who is revoked begins anew with what is issued later; what began before stays dead, and a second revocation ends all of it", async () => {
      const families = make();
      const family = families.named(undefined, randomId());
      const revoke = async () => {
        await families.revoke(family, { kind: "family" });
        pass(1);
      };
      await open(families, family);
      const old = presenting(randomId());
      const before = await families.extend(family, old);
      if (!before.ok) throw new Error(before.reason);
      const place = { ...pathQuery(before.record.path, before.leaves[0]?.id ?? ""), began: now() };
      await revoke();
      for (const note of ["family_closed", undefined]) {
        expect(await families.extend(family, presenting(randomId()))).toMatchObject(note === undefined ? { ok: true } : { ok: false, note });
        // Opened on the strength of the old one it stays closed.
        await open(families, family, now() + HOUR, note === undefined ? now() : now() - 1);
        await open(families, family, now() + HOUR, now());
      }
      expect(await families.extend(family, { ...old, grant: randomId() })).toMatchObject({ ok: false, note: "family_revoked" });
      expect(await fateOf(families, family, place)).toBe("family_revoked");
      const later = await families.extend(family, presenting(randomId()));
      if (!later.ok) throw new Error(later.reason);
      const alive = { ...pathQuery(later.record.path, later.leaves[0]?.id ?? ""), began: now() };
      expect(await fateOf(families, family, alive)).toBe("alive");
      await revoke();
      expect(await fateOf(families, family, alive)).toBe("family_revoked");
      await open(families, family, now() + HOUR, now());
      for (const one of [place, alive]) expect(await fateOf(families, family, one)).toBe("family_revoked");
      expect((await families.extend(family, presenting(randomId()))).ok).toBe(true);
    });
  });
}
