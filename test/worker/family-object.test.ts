import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { durableFamilies } from "../../src/storage/durable-families.ts";
import { durableUsers } from "../../src/storage/durable-users.ts";
import { FAMILY_CALL_VERSION } from "../../src/storage/families.ts";
import { FamilyObject } from "../../src/storage/family-object.ts";
import { anotherCode, CLIENT, fateOf, granted, HOUR, lazyQuery, loggedIn, newCode, newLogin, pathQuery, presenting, redemption, refreshQuery, successor } from "../storage/asks.ts";
import { now, pass, START, stoppedClock } from "../storage/clock.ts";
import { callByName, methodsOf, runSql, storedIn } from "./inside.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const families = durableFamilies(env.FAMILIES);
const users = durableUsers(env.USERS);
const stubOf = (family: string) => env.FAMILIES.get(env.FAMILIES.idFromString(family));
const NOTHING = { tables: [], alarm: null };

describe("what a family's object stores", () => {
  stoppedClock();

  it("is nothing while it has only been asked, whatever it was asked", async () => {
    const family = families.create(undefined);
    const code = newCode();
    await families.status(family, lazyQuery("node"));
    await families.status(family, pathQuery(["a"], "b"));
    await families.signOn(family, { session: "s", hash: "h", client: CLIENT, code });
    await families.redeem(family, redemption(code));
    await families.refresh(family, presenting({ grant: "g", generation: 0, hash: "h" }));
    await families.endSession(family, "s");
    await families.trace(family);
    await families.noteRefusal(family, { client: CLIENT, reason: "subject_dead", targets: [] });
    await families.revoke(family, { kind: "node", node: "n", tenant: "t", expires: now() + HOUR, lazy: false });
    await families.revoke(family, { kind: "client", client: CLIENT });
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
  });

  it("comes with its first write, and with it the alarm for when all is over", async () => {
    const { family } = await loggedIn(families, { session: { lifetime: HOUR } });
    expect(await storedIn(stubOf(family))).toMatchObject({ tables: expect.arrayContaining(["family", "nodes", "revoked"]), alarm: START + HOUR + 120 });
    const lazy = families.create(undefined);
    await families.revoke(lazy, { kind: "node", node: "n", tenant: "t", expires: now() + 300, lazy: true });
    expect(await storedIn(stubOf(lazy))).toMatchObject({ alarm: START + 300 + 120 });
  });
});

describe("a family's alarm", () => {
  stoppedClock();

  it("CON-34 that rings early changes nothing and is set again, however often it rings", async () => {
    const { family, token, ask } = await granted(families, { session: { lifetime: HOUR } });
    for (let ring = 0; ring < 3; ring++) {
      expect(await runDurableObjectAlarm(stubOf(family))).toBe(true);
      expect(await storedIn(stubOf(family))).toMatchObject({ alarm: START + 12 * HOUR + 120 });
    }
    expect(await fateOf(families, family, pathQuery([ask.grant], ask.leaves[0]!.id))).toBe("alive");
    expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
  });

  it("CON-35 keeps what was revoked until it would have expired anyway, though the alarm rings at the time it was first set for", async () => {
    const { family } = await loggedIn(families, { session: { lifetime: 300 } });
    await families.revoke(family, { kind: "node", node: "n", tenant: "t", expires: now() + 2 * HOUR, lazy: false });
    pass(420);
    await runDurableObjectAlarm(stubOf(family));
    expect(await fateOf(families, family, pathQuery(["n"], "m"))).toBe("node_revoked");
    expect(await storedIn(stubOf(family))).toMatchObject({ alarm: START + 2 * HOUR + 120 });
    pass(2 * HOUR + 119 - 420);
    await runDurableObjectAlarm(stubOf(family));
    expect(await fateOf(families, family, pathQuery(["n"], "m"))).toBe("node_revoked");
  });

  it("CON-36 that rings when all is over leaves nothing, not even an alarm; what was dead stays dead", async () => {
    const { family, token, ask, session } = await granted(families, { session: { lifetime: HOUR } });
    await families.revoke(family, { kind: "family" });
    pass(12 * HOUR + 120);
    expect(await runDurableObjectAlarm(stubOf(family))).toBe(true);
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
    expect(await runDurableObjectAlarm(stubOf(family))).toBe(false);
    expect(await fateOf(families, family, pathQuery([ask.grant], ask.leaves[0]!.id))).toBe("family_unknown");
    expect(await fateOf(families, family, refreshQuery(token))).toBe("family_unknown");
    expect(await families.signOn(family, { session: session.id, hash: session.hash, client: CLIENT })).toMatchObject({ ok: false });
    expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: false });
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
  });

  const OWNER = { tenant: "t", jurisdiction: undefined, sub: "dona" };
  const registeredLogin = async () => {
    const family = families.create(undefined);
    const user = await users.register(OWNER, family);
    const opening = newLogin({ user: user.ok ? user.id : "", session: { id: "s", hash: "h", lifetime: HOUR, authTime: now(), idp: "corp" } });
    await families.open(family, opening);
    return family;
  };
  const known = async () => (await runSql(env.USERS.getByName(JSON.stringify([OWNER.tenant, OWNER.sub])), "SELECT id FROM families")).map(({ id }) => id);

  it("says goodbye to the user before the object is emptied", async () => {
    const family = await registeredLogin();
    expect(await known()).toEqual([family]);
    pass(HOUR + 120);
    await runDurableObjectAlarm(stubOf(family));
    expect(await known()).toEqual([]);
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
  });

  it("CON-34 that rings early says no goodbye: revoking the user still reaches the family", async () => {
    const family = await registeredLogin();
    await runDurableObjectAlarm(stubOf(family));
    expect(await known()).toEqual([family]);
    await users.revoke(OWNER);
    expect(await fateOf(families, family, pathQuery([], "n"))).toBe("family_revoked");
  });

  it("tries again later when the user cannot be told, and leaves the object as it is until then", async () => {
    const family = await registeredLogin();
    pass(HOUR + 120);
    const spy = vi.spyOn(env.USERS, "get").mockImplementation(() => {
      throw new Error("not now");
    });
    await runDurableObjectAlarm(stubOf(family));
    expect(spy).toHaveBeenCalled();
    expect(await storedIn(stubOf(family))).toMatchObject({ tables: expect.arrayContaining(["family"]), alarm: now() + HOUR });
    spy.mockRestore();
    pass(HOUR);
    await runDurableObjectAlarm(stubOf(family));
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
    expect(await known()).toEqual([]);
  });

  it("empties nothing when something that lives longer is recorded while the user is told", async () => {
    const family = await registeredLogin();
    pass(HOUR + 120);
    const late = { kind: "node" as const, node: "n", tenant: "t", expires: now() + HOUR, lazy: false };
    const forget = async () => {
      await families.revoke(family, late);
      return { ok: true };
    };
    vi.spyOn(env.USERS, "get").mockReturnValue({ forget } as never);
    await runDurableObjectAlarm(stubOf(family));
    expect(await fateOf(families, family, pathQuery(["n"], "m"))).toBe("node_revoked");
    expect(await storedIn(stubOf(family))).toMatchObject({ alarm: late.expires + 120 });
  });
});

describe("who may ask a family's object what", () => {
  stoppedClock();

  it.each(methodsOf(FamilyObject))("CON-26 a call of a newer version is not answered, and stores nothing: %s", async (name) => {
    const stub = stubOf(families.create(undefined));
    expect(await callByName(stub, name, FAMILY_CALL_VERSION + 1, newLogin())).toEqual({ ok: false, reason: "unavailable" });
    expect(await storedIn(stub)).toEqual(NOTHING);
  });

  it("a caller of an older version asks with values and is answered with them; whoever asks in JSON is answered in it", async () => {
    const { family, grant, ask } = await granted(families);
    const query = pathQuery([grant], ask.leaves[0]!.id);
    const stub = stubOf(family);
    const told = await callByName(stub, "status", 2, query);
    expect(told).toMatchObject({ alive: true });
    expect(JSON.parse(String(await callByName(stub, "status", FAMILY_CALL_VERSION, JSON.stringify(query))))).toEqual(told);
    expect(await callByName(stub, "status", FAMILY_CALL_VERSION + 1, JSON.stringify(query))).toEqual({ ok: false, reason: "unavailable" });
  });

  it("for callers of a newer version there is no verdict", async () => {
    vi.spyOn(env.FAMILIES, "get").mockReturnValue({ status: async () => ({ ok: false, reason: "unavailable" }) } as never);
    await expect(families.status(families.create(undefined), pathQuery([], "n"))).rejects.toMatchObject({ reason: "unavailable" });
  });

  it("nothing but the calls themselves can be reached: the rows, the clock and the turn are private to the language", async () => {
    const stub = stubOf(families.create(undefined));
    const own = await runInDurableObject(stub, (object) => Object.getOwnPropertyNames(object));
    expect(own.filter((name) => name !== "ctx" && name !== "env")).toEqual([]);
    for (const name of ["ctx", "env", "alarm"]) await expect(callByName(stub, name)).rejects.toThrow(TypeError);
  });
});

describe("a family's object that another version of itself has written", () => {
  stoppedClock();

  it("gets the tables that came since", async () => {
    const { family } = await loggedIn(families);
    await runSql(stubOf(family), "DROP TABLE refusals");
    await evictDurableObject(stubOf(family));
    await families.noteRefusal(family, { client: CLIENT, reason: "subject_dead", targets: [] });
    expect(await families.trace(family)).toMatchObject({ refusals: [{ reason: "subject_dead" }] });
  });

  it("keeps what a newer version has added to a row", async () => {
    const { family, token, session, grant } = await granted(families);
    for (const table of ["family", "nodes", "sessions", "revoked"]) await runSql(stubOf(family), `ALTER TABLE ${table} ADD COLUMN newer TEXT`);
    for (const table of ["family", "nodes", "sessions"]) await runSql(stubOf(family), `UPDATE ${table} SET newer = 'kept'`);
    await families.refresh(family, presenting(token));
    await families.revoke(family, { kind: "node", node: "n", tenant: "t", expires: now() + 99 * HOUR, lazy: false });
    await families.redeem(family, redemption(await anotherCode(families, family, session)));
    await families.endSession(family, session.id);
    expect(await families.status(family, refreshQuery(successor(token)))).toMatchObject({ alive: true });
    for (const table of ["family", "sessions"]) expect(await runSql(stubOf(family), `SELECT newer FROM ${table}`)).toEqual([{ newer: "kept" }]);
    expect(await runSql(stubOf(family), "SELECT newer FROM nodes WHERE id = ?", grant)).toEqual([{ newer: "kept" }]);
  });
});

describe("the clock of a family's object", () => {
  stoppedClock();

  it("never goes back while the object runs: what has expired is not alive again", async () => {
    const { family, token } = await granted(families, { redeem: { chain: { hash: "h", keyNumber: 1, lifetime: HOUR } } });
    pass(HOUR);
    expect(await families.status(family, refreshQuery(token))).toEqual({ alive: false, now: START + HOUR, reason: "expired" });
    pass(-HOUR);
    expect(await families.status(family, refreshQuery(token))).toEqual({ alive: false, now: START + HOUR, reason: "expired" });
    expect(await families.refresh(family, presenting(token))).toEqual({ ok: false, reason: "refresh_expired" });
  });

  it("is its own: the caller's is never asked", async () => {
    const { family, code } = await loggedIn(families);
    pass(30);
    expect(await families.redeem(family, { ...redemption(code), now: START - 1000 } as never)).toMatchObject({ ok: true, now: START + 30 });
  });
});
