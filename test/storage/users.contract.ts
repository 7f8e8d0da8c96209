import { describe, expect, it } from "vitest";
import type { Families } from "../../src/storage/families.ts";
import type { UserKey, Users } from "../../src/storage/users.ts";
import { fateOf, granted, newLogin, pathQuery } from "./asks.ts";
import { now, pass, START, stoppedClock } from "./clock.ts";

const DONA: UserKey = { tenant: "https://id.example.com", jurisdiction: undefined, sub: "dona" };

/** One user: the cutoff, and the reach of a revocation. */
export function usersContract(name: string, make: () => { readonly users: Users; readonly families: Families }): void {
  const registered = async ({ users, families }: ReturnType<typeof make>, user: UserKey = DONA) => {
    const login = await granted(families);
    await users.register(user, login.family);
    return { ...login, fate: () => fateOf(families, login.family, pathQuery([login.grant], login.ask.leaves[0]!.id)) };
  };

  describe(`${name}: registering a family`, () => {
    stoppedClock();

    it("answers no cutoff while none was ever set, and the same again for the same family", async () => {
      const { users, families } = make();
      const family = families.create(undefined);
      const first = await users.register(DONA, family);
      expect(first).toEqual({ ok: true, id: expect.any(String) });
      expect(await users.register(DONA, family)).toEqual(first);
    });

    it("answers the cutoff from then on, and the latest of them", async () => {
      const { users, families } = make();
      pass(10);
      await users.revoke(DONA);
      pass(10);
      expect(await users.register(DONA, families.create(undefined))).toMatchObject({ ok: true, cutoff: START + 10 });
      await users.revoke(DONA);
      pass(10);
      expect(await users.register(DONA, families.create(undefined))).toMatchObject({ ok: true, cutoff: START + 20 });
    });
  });

  describe(`${name}: a logout at the IdP`, () => {
    stoppedClock();

    const session = { tenant: DONA.tenant, jurisdiction: undefined, idp: "corp", sid: "s-1" };
    const word = (id: string, sub?: string) => ({ id, expires: START + 600, ...(sub === undefined ? {} : { sub }) });
    const atIdp = async (stores: ReturnType<typeof make>, sid = "s-1", sub = DONA.sub) => {
      const login = await registered(stores);
      expect(await stores.users.registerSession({ ...session, sid }, { family: login.family, sub, lifetime: 600 })).toEqual({ ok: true, ended: false });
      const fate = () => fateOf(stores.families, login.family, pathQuery([login.grant], login.ask.leaves[0]!.id, login.session.id));
      return { ...login, fateInSession: fate };
    };

    it("of one session ends the logins that came of it, and names who took part; what is independent of the session lives on", async () => {
      const stores = make();
      const [hers, others] = [await atIdp(stores), await atIdp(stores, "s-2")];
      const { isFirst, participants } = await stores.users.endSessions(session, word("w-1"));
      expect([isFirst, participants]).toEqual([true, [{ family: hers.family, session: hers.session.id, client: "mobile-app", subject: "dona" }]]);
      expect([await hers.fateInSession(), await hers.fate(), await others.fateInSession()]).toEqual(["session_ended", "alive", "alive"]);
    });

    it("counts once: said again, it ends nothing that has begun since", async () => {
      const stores = make();
      await registered(stores);
      await stores.users.endSessions(DONA, word("w-1"));
      const later = await atIdp(stores, "s-3");
      expect(await stores.users.endSessions(DONA, word("w-1"))).toEqual({ isFirst: false, participants: [] });
      expect(await later.fateInSession()).toBe("alive");
      expect((await stores.users.endSessions(DONA, word("w-2"))).isFirst).toBe(true);
      expect(await later.fateInSession()).toBe("session_ended");
    });

    it("that names the user leaves another's login of the same name alone", async () => {
      const stores = make();
      const hers = await atIdp(stores);
      await stores.users.endSessions(session, word("w-1", "julie"));
      expect(await hers.fateInSession()).toBe("alive");
      await stores.users.endSessions(session, word("w-2", DONA.sub));
      expect(await hers.fateInSession()).toBe("session_ended");
    });

    it("of the user ends all sessions, sets no cutoff, and reaches a login that is under way", async () => {
      const stores = make();
      const logins = [await atIdp(stores), await atIdp(stores, "s-2")];
      const family = stores.families.create(undefined);
      await stores.users.register(DONA, family);
      await stores.users.endSessions(DONA, word("w-1"));
      for (const { fateInSession, fate } of logins) expect([await fateInSession(), await fate()]).toEqual(["session_ended", "alive"]);
      expect(await stores.families.open(family, newLogin())).toEqual({ ok: false, reason: "user_cut_off" });
      expect(await stores.users.register(DONA, stores.families.create(undefined))).not.toHaveProperty("cutoff");
    });

    it("that comes before its login is registered is told to the login", async () => {
      const stores = make();
      await stores.users.endSessions(session, word("w-1"));
      const login = { family: stores.families.create(undefined), sub: DONA.sub, lifetime: 600 };
      expect(await stores.users.registerSession(session, login)).toEqual({ ok: true, ended: true });
      expect(await stores.users.registerSession({ ...session, sid: "s-9" }, login)).toEqual({ ok: true, ended: false });
    });
  });

  describe(`${name}: revoking one client of a user`, () => {
    stoppedClock();

    it("kills its grants in every family, and nobody else's", async () => {
      const stores = make();
      const logins = [await registered(stores), await registered(stores)];
      await stores.users.revokeClient(DONA, "another-app");
      for (const { fate } of logins) expect(await fate()).toBe("alive");
      await stores.users.revokeClient(DONA, "mobile-app");
      for (const { fate } of logins) expect(await fate()).toBe("node_revoked");
    });
  });

  describe(`${name}: revoking a user`, () => {
    stoppedClock();

    it("kills every family of the user", async () => {
      const stores = make();
      const logins = await Promise.all(Array.from({ length: 12 }, () => registered(stores)));
      await stores.users.revoke(DONA);
      for (const { fate } of logins) expect(await fate()).toBe("family_revoked");
    });

    it.each([
      ["another user", { ...DONA, sub: "julie" }],
      ["the same name at another tenant", { ...DONA, tenant: "https://other.example.com" }],
      ["names that would be the same if they were put together carelessly", { ...DONA, tenant: 'https://id.example.com","do', sub: "na" }],
    ])("leaves %s alone", async (_what, other) => {
      const stores = make();
      const theirs = await registered(stores, other);
      const hers = await registered(stores);
      await stores.users.revoke(DONA);
      expect(await hers.fate()).toBe("family_revoked");
      expect(await theirs.fate()).toBe("alive");
      expect(await stores.users.register(other, stores.families.create(undefined))).not.toHaveProperty("cutoff");
    });

    it("is possible for a user without families, twice, and twenty times at once", async () => {
      const stores = make();
      await stores.users.revoke(DONA);
      await stores.users.revoke(DONA);
      const login = await registered(stores);
      await Promise.all(Array.from({ length: 20 }, () => stores.users.revoke(DONA)));
      expect(await login.fate()).toBe("family_revoked");
    });

    it("leaves a later login alone, and reaches it when the user is revoked once more", async () => {
      const stores = make();
      await registered(stores);
      await stores.users.revoke(DONA);
      pass(1);
      const later = await registered(stores);
      expect(await later.fate()).toBe("alive");
      await stores.users.revoke(DONA);
      expect(await later.fate()).toBe("family_revoked");
    });

    it("reaches a login that has registered its family and not opened it yet", async () => {
      const { users, families } = make();
      const family = families.create(undefined);
      expect(await users.register(DONA, family)).not.toHaveProperty("cutoff");
      await users.revoke(DONA);
      pass(5);
      expect(await families.open(family, newLogin())).toEqual({ ok: false, reason: "user_cut_off" });
    });

    it("in the midst of thirty logins leaves none alive: each has seen the cutoff or is reached by it", async () => {
      const { users, families } = make();
      const login = async (): Promise<string | undefined> => {
        const family = families.create(undefined);
        const answer = await users.register(DONA, family);
        if (!answer.ok || (answer.cutoff !== undefined && now() <= answer.cutoff)) return undefined;
        const opened = await families.open(family, newLogin());
        return opened.ok ? family : undefined;
      };
      const before = Array.from({ length: 15 }, () => login());
      const revocation = users.revoke(DONA);
      const after = Array.from({ length: 15 }, () => login());
      await revocation;
      for (const family of await Promise.all([...before, ...after])) {
        if (family !== undefined) expect(await fateOf(families, family, pathQuery([], "any"))).toBe("family_revoked");
      }
    });
  });
}
