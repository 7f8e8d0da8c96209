import { describe, expect, it } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import type { Families } from "../../src/storage/families.ts";
import type { FamilyId } from "../../src/storage/lineage.ts";
import { loggedIn, pathQuery } from "./asks.ts";
import { now, pass, stoppedClock } from "./clock.ts";

const LEASE_SECONDS = 20;

/** The lease under which one caller refreshes the IdP's tokens of a login session. */
export function providerTokensContract(name: string, make: () => Families): void {
  describe(`${name}: the IdP's tokens of a session`, () => {
    stoppedClock();

    /** A login whose session holds tokens of the IdP. */
    async function opened(idpTokens?: string) {
      const families = make();
      const { family, session } = await loggedIn(families, { session: idpTokens === undefined ? {} : { idpTokens } });
      return { families, family, session: session.id };
    }

    it("come with the answer about a token that ends with the session, alive or dead", async () => {
      const { families, family, session } = await opened("sealed");
      const query = pathQuery([], randomId(), session);
      expect(await families.providerTokens(family, query)).toMatchObject({ ok: true, status: { alive: true, now: now() }, held: { session, idp: "corp", sealed: "sealed" } });
      expect((await families.providerTokens(family, pathQuery([], randomId()))).held).toBeUndefined();
      await families.endSession(family, session);
      expect(await families.providerTokens(family, query)).toEqual({ ok: true, status: { alive: false, now: now(), reason: "session_ended" } });
    });

    it("are none where the session holds none, or nobody has opened the family", async () => {
      const { families, family, session } = await opened();
      const query = pathQuery([], randomId(), session);
      expect(await families.providerTokens(family, query)).toMatchObject({ ok: true, status: { alive: true } });
      expect((await families.providerTokens(family, query)).held).toBeUndefined();
      const absent = { ok: false, reason: "idp_session_absent" };
      expect(await families.beginProviderRefresh(family, { session, lease: "a", seen: "" })).toEqual(absent);
      expect(await families.beginProviderRefresh(families.create(undefined), { session, lease: "a", seen: "" })).toEqual(absent);
      expect(await families.endProviderRefresh(families.create(undefined), { session, lease: "a", sealed: "x" })).toEqual(absent);
    });

    it("are refreshed by one caller of many; the same caller may ask again", async () => {
      const { families, family, session } = await opened("sealed");
      const turns = await Promise.all(["a", "b", "c"].map((lease) => families.beginProviderRefresh(family, { session, lease, seen: "sealed" })));
      expect(turns).toEqual([{ ok: true, isHolder: true }, pending, pending]);
      expect(await families.beginProviderRefresh(family, { session, lease: "a", seen: "sealed" })).toEqual({ ok: true, isHolder: true });
    });

    it("are given to those who saw older ones, once the holder has brought them; told twice is told once", async () => {
      const { families, family, session } = await opened("sealed");
      await begin(families, family, session, "a");
      for (let time = 0; time < 2; time++) expect(await families.endProviderRefresh(family, { session, lease: "a", sealed: "newer" })).toEqual({ ok: true });
      expect(await families.beginProviderRefresh(family, { session, lease: "b", seen: "sealed" })).toEqual({ ok: true, isHolder: false, sealed: "newer" });
      expect(await families.beginProviderRefresh(family, { session, lease: "b", seen: "newer" })).toEqual({ ok: true, isHolder: true });
    });

    it("may be refreshed by somebody else when the lease has ended by time, and the holder that was late changes nothing", async () => {
      const { families, family, session } = await opened("sealed");
      await begin(families, family, session, "a");
      pass(LEASE_SECONDS - 1);
      expect(await families.beginProviderRefresh(family, { session, lease: "b", seen: "sealed" })).toEqual(pending);
      pass(1);
      await begin(families, family, session, "b");
      expect(await families.endProviderRefresh(family, { session, lease: "a", sealed: "late" })).toEqual(pending);
      expect(await families.endProviderRefresh(family, { session, lease: "b", sealed: "newer" })).toEqual({ ok: true });
    });

    it("bring the user as the IdP has it now, from the holder alone", async () => {
      const { families, family, session } = await opened("sealed");
      const groupsNow = async () => {
        const status = await families.status(family, pathQuery([], randomId(), session));
        return status.alive ? status.principal?.groups : status.reason;
      };
      const before = await groupsNow();
      const principal = { sub: "dona", idp: "corp", loginName: "dona.moore", groups: ["managers"], asOf: now() };
      await begin(families, family, session, "a");
      expect(await families.endProviderRefresh(family, { session, lease: "b", sealed: "newer", principal })).toEqual(pending);
      expect(await groupsNow()).toEqual(before);
      expect(await families.endProviderRefresh(family, { session, lease: "a", sealed: "newer", principal })).toEqual({ ok: true });
      expect(await groupsNow()).toEqual(["managers"]);
    });

    it("count from a holder that was late where nobody has taken its place", async () => {
      const { families, family, session } = await opened("sealed");
      await begin(families, family, session, "a");
      pass(LEASE_SECONDS + 5);
      expect(await families.endProviderRefresh(family, { session, lease: "a", sealed: "newer" })).toEqual({ ok: true });
    });

    it.each([
      ["the session has ended", (families: Families, family: FamilyId, session: string) => families.endSession(family, session)],
      ["the family was revoked", (families: Families, family: FamilyId) => families.revoke(family, { kind: "family" })],
      ["the session has run out", async () => pass(12 * 3600)],
    ] as const)("are neither refreshed nor changed once %s", async (_what, ending) => {
      const { families, family, session } = await opened("sealed");
      await begin(families, family, session, "a");
      await ending(families, family, session);
      expect(await families.endProviderRefresh(family, { session, lease: "a", sealed: "newer" })).toEqual({ ok: false, reason: "idp_session_absent" });
      expect(await families.beginProviderRefresh(family, { session, lease: "a", seen: "sealed" })).toEqual({ ok: false, reason: "idp_session_absent" });
      const { idpTokens } = (await families.endSession(family, session)) as { readonly idpTokens?: string };
      expect(idpTokens).toBe("sealed");
    });
  });
}

const pending = { ok: false, reason: "idp_refresh_pending" };

async function begin(families: Families, family: FamilyId, session: string, lease: string): Promise<void> {
  expect(await families.beginProviderRefresh(family, { session, lease, seen: "sealed" })).toEqual({ ok: true, isHolder: true });
}
