import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { durableFamilies } from "../../src/storage/durable-families.ts";
import { durableUsers } from "../../src/storage/durable-users.ts";
import { UserObject } from "../../src/storage/user-object.ts";
import { FAMILY_LIFE_SECONDS, USER_CALL_VERSION } from "../../src/storage/users.ts";
import { fateOf, loggedIn, pathQuery } from "../storage/asks.ts";
import { pass, START, stoppedClock } from "../storage/clock.ts";
import { callByName, methodsOf, runSql } from "./inside.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const DONA = { tenant: "t", jurisdiction: undefined, sub: "dona" };
const families = durableFamilies(env.FAMILIES);
const users = durableUsers(env.USERS);
const stub = () => env.USERS.getByName(JSON.stringify([DONA.tenant, DONA.sub]));
const known = async () => (await runSql(stub(), "SELECT id FROM families")).length;

/** Two families of one user, the second of which cannot be reached until it is let. */
async function twoFamilies() {
  const [near, far] = [await loggedIn(families), await loggedIn(families)];
  for (const { family } of [near, far]) await users.register(DONA, family);
  const get = env.FAMILIES.get.bind(env.FAMILIES);
  const spy = vi.spyOn(env.FAMILIES, "get").mockImplementation((id, options) => {
    if (id.toString() === far.family) throw new Error("this family does not answer");
    return get(id, options);
  });
  const fates = async () => {
    spy.mockRestore();
    return [await fateOf(families, near.family, pathQuery([], "n")), await fateOf(families, far.family, pathQuery([], "n"))];
  };
  return { far, fates, letThrough: () => spy.mockRestore() };
}

describe("a user's revocation that does not reach every family", () => {
  stoppedClock();

  it("is no success, but its cutoff stands and the families that answered are dead", async () => {
    const { fates } = await twoFamilies();
    await expect(users.revoke(DONA)).rejects.toMatchObject({ reason: "unavailable" });
    expect(await fates()).toEqual(["family_revoked", "alive"]);
    expect(await users.register(DONA, families.create(undefined))).toMatchObject({ cutoff: START });
  });

  it("is finished by the alarm, which goes on until the last family has answered", async () => {
    const { fates, letThrough } = await twoFamilies();
    await expect(users.revoke(DONA)).rejects.toThrow();
    for (let ring = 0; ring < 3; ring++) expect(await runDurableObjectAlarm(stub())).toBe(true);
    expect(await known()).toBe(1);
    letThrough();
    expect(await runDurableObjectAlarm(stub())).toBe(true);
    expect(await fates()).toEqual(["family_revoked", "family_revoked"]);
    expect([await known(), await runDurableObjectAlarm(stub())]).toEqual([0, false]);
  });

  it("is finished by the alarm also when the object was evicted in between", async () => {
    const { fates, letThrough } = await twoFamilies();
    await expect(users.revoke(DONA)).rejects.toThrow();
    await evictDurableObject(stub());
    letThrough();
    await runDurableObjectAlarm(stub());
    expect(await fates()).toEqual(["family_revoked", "family_revoked"]);
  });

  it("is finished by asking again", async () => {
    const { fates, letThrough } = await twoFamilies();
    await expect(users.revoke(DONA)).rejects.toThrow();
    letThrough();
    await users.revoke(DONA);
    expect(await fates()).toEqual(["family_revoked", "family_revoked"]);
  });

  it("forgets no family that it has still to reach, however long that takes", async () => {
    const { far, fates, letThrough } = await twoFamilies();
    await expect(users.revoke(DONA)).rejects.toThrow();
    pass(FAMILY_LIFE_SECONDS + 1);
    letThrough();
    await users.register(DONA, families.create(undefined));
    expect(await runSql(stub(), "SELECT id FROM families WHERE revoke = 1")).toEqual([{ id: far.family }]);
    expect(await fates()).toContain("family_closed");
  });
});

describe("a user's object", () => {
  stoppedClock();

  it("forgets a family that has outlived the longest life that a family can have", async () => {
    await users.register(DONA, families.create(undefined));
    pass(FAMILY_LIFE_SECONDS);
    await users.register(DONA, families.create(undefined));
    expect(await known()).toBe(2);
    pass(1);
    await users.register(DONA, families.create(undefined));
    expect(await known()).toBe(2);
  });

  it("keeps cutoff and families over an eviction between any two calls; the cutoff never goes back with the clock", async () => {
    const login = await loggedIn(families);
    await users.register(DONA, login.family);
    await evictDurableObject(stub());
    pass(100);
    await users.revoke(DONA);
    await evictDurableObject(stub());
    expect(await fateOf(families, login.family, pathQuery([], "n"))).toBe("family_revoked");
    pass(-50);
    await users.revoke(DONA);
    expect(await users.register(DONA, families.create(undefined))).toMatchObject({ cutoff: START + 100 });
  });

  it.each(methodsOf(UserObject))("answers nothing to a call of a newer version, and does nothing: %s", async (name) => {
    expect(await callByName(stub(), name, USER_CALL_VERSION + 1, "family")).toEqual({ ok: false, reason: "unavailable" });
    expect([await known(), await runSql(stub(), "SELECT at FROM cutoff"), await runDurableObjectAlarm(stub())]).toEqual([0, [], false]);
  });

  it("lets nobody at anything but its calls", async () => {
    const own = await runInDurableObject(stub(), (object) => Object.getOwnPropertyNames(object));
    expect(own.filter((name) => name !== "ctx" && name !== "env")).toEqual([]);
  });
});

describe("the object of a session at an IdP", () => {
  stoppedClock();

  const SESSION = { tenant: DONA.tenant, jurisdiction: undefined, idp: "corp", sid: "s-1" };
  const object = () => env.USERS.getByName(JSON.stringify([SESSION.tenant, SESSION.idp, "sid", SESSION.sid]));
  const word = (id: string) => ({ id, expires: START + 120 });
  const rows = async () => [await runSql(object(), "SELECT family FROM logins"), await runSql(object(), "SELECT id FROM logouts")].map(({ length }) => length);

  it("keeps logins as long as their sessions last, and what was said as long as it could be said again", async () => {
    for (const lifetime of [600, 60]) await users.registerSession(SESSION, { family: (await loggedIn(families)).family, sub: "dona", lifetime });
    await users.endSessions(SESSION, word("w-1"));
    expect(await rows()).toEqual([2, 1]);
    pass(60);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect(await rows()).toEqual([1, 1]);
    pass(60);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect(await rows()).toEqual([1, 0]);
    pass(480);
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect([await rows(), await runDurableObjectAlarm(object())]).toEqual([[0, 0], false]);
  });

  it("goes on by its alarm with a logout that did not reach every family, also when it was evicted, and counts the word once", async () => {
    const { far, fates, letThrough } = await twoFamilies();
    await users.registerSession(SESSION, { family: far.family, sub: "dona", lifetime: 600 });
    await expect(users.endSessions(SESSION, word("w-1"))).rejects.toMatchObject({ reason: "unavailable" });
    await expect(users.endSessions(SESSION, word("w-1"))).rejects.toMatchObject({ reason: "unavailable" });
    await evictDurableObject(object());
    letThrough();
    expect(await runDurableObjectAlarm(object())).toBe(true);
    expect(await users.endSessions(SESSION, word("w-1"))).toEqual({ isFirst: false, participants: [] });
    expect(await fateOf(families, far.family, pathQuery([], "n", far.session.id))).toBe("session_ended");
    expect(await fates()).toEqual(["alive", "alive"]);
  });

  it("is no user's, whatever the user is called", async () => {
    await users.registerSession(SESSION, { family: (await loggedIn(families)).family, sub: "dona", lifetime: 600 });
    await users.revoke({ tenant: DONA.tenant, jurisdiction: undefined, sub: "s-1" });
    await users.revoke({ tenant: DONA.tenant, jurisdiction: undefined, sub: JSON.stringify(["corp", "sid", "s-1"]) });
    expect(await rows()).toEqual([1, 0]);
  });
});
