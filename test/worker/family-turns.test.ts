import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { durableFamilies } from "../../src/storage/durable-families.ts";
import { anotherCode, CLIENT, exchanging, fateOf, granted, HOUR, newLogin, pathQuery, presenting, redemption, refreshQuery, successor } from "../storage/asks.ts";
import { now, pass, stoppedClock } from "../storage/clock.ts";
import { runSql, storedIn } from "./inside.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const families = durableFamilies(env.FAMILIES);
const stubOf = (family: string) => env.FAMILIES.get(env.FAMILIES.idFromString(family));
const NOTHING = { tables: [], alarm: null };

describe("a turn that fails", () => {
  stoppedClock();

  it("leaves nothing where it was the first, and the next one succeeds", async () => {
    const family = families.create(undefined);
    const { session, ...opening } = newLogin();
    await expect(families.open(family, { ...opening, session: { ...session, idp: 1n as unknown as string } })).rejects.toMatchObject({ reason: "unavailable" });
    expect(await fateOf(families, family, pathQuery([], "n"))).toBe("family_unknown");
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
    expect(await families.open(family, { ...opening, session })).toMatchObject({ ok: true });
    expect(await fateOf(families, family, pathQuery([], "n"))).toBe("alive");
  });

  it("leaves all as it was where it failed half-way", async () => {
    const { family, session, grant, ask, token } = await granted(families);
    const code = await anotherCode(families, family, session);
    // It has revoked the grant before it when it fails, as there may be one only.
    const broken = redemption(code, { leaves: [{ id: 1n as unknown as string, type: "access_token", lifetime: 60 }], parallel: 1 });
    await expect(families.redeem(family, broken)).rejects.toMatchObject({ reason: "unavailable" });
    expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("alive");
    expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    expect(await runSql(stubOf(family), "SELECT * FROM revoked")).toEqual([]);
    expect(await families.redeem(family, redemption(code, { parallel: 1 }))).toMatchObject({ ok: true });
    expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("node_revoked");
  });

  it.each(["before", "after"])("that comes %s another one leaves that one's answer true, if there is one", async (order) => {
    const { family, session, token } = await granted(families);
    const broken = redemption(await anotherCode(families, family, session), { leaves: [{ id: 1n as unknown as string, type: "access_token", lifetime: 60 }] });
    const calls = [() => families.refresh(family, presenting(token)), () => families.redeem(family, broken)];
    const settled = await Promise.allSettled((order === "after" ? calls : calls.toReversed()).map((call) => call()));
    const [good, bad] = order === "after" ? settled : settled.toReversed();
    expect(bad).toMatchObject({ status: "rejected", reason: { reason: "unavailable" } });
    // An answer is true. Where there is none, nobody knows what was written: whoever asks again within the window goes on.
    const again = good?.status === "fulfilled" ? presenting(successor(token), { window: 0 }) : presenting(token);
    expect(await families.refresh(family, again)).toMatchObject({ ok: true });
  });
});

describe("an exchange whose answer was lost", () => {
  stoppedClock();

  it.each([false, true])("is answered again as it was and counted once, also when it has filled the budget; evicted in between: %s", async (isEvicted) => {
    const { family, grant, ask: login } = await granted(families);
    const query = pathQuery([grant], login.leaves[0]!.id);
    const ask = exchanging({ query, client: CLIENT, expires: now() + 60, hops: 0, deadline: now() + HOUR }, { budget: 1 });
    const first = await families.extend(family, ask);
    expect(first).toMatchObject({ ok: true, exchanges: 1 });
    if (isEvicted) await evictDurableObject(stubOf(family));
    // It was permitted at its time, though the subject has expired since.
    for (const later of [5, 60]) {
      pass(later);
      expect(await families.extend(family, ask)).toEqual(first);
    }
    expect(await families.extend(family, { ...ask, grant: "another", budget: 2 })).toMatchObject({ ok: false, reason: "subject_dead" });
  });
});

describe("CON-27 a schema that cannot be written", () => {
  // The first of its statements is carried out, then the object is reset, or its time is up.
  const failing = async (family: string) => {
    const sql = await runInDurableObject(stubOf(family), (_object, { storage }) => Object.getPrototypeOf(storage.sql) as SqlStorage);
    const { exec } = sql;
    vi.spyOn(sql, "exec").mockImplementation(function (this: SqlStorage, ...asked: Parameters<SqlStorage["exec"]>) {
      const [query] = asked;
      if (!query.includes("CREATE TABLE")) return exec.apply(this, asked) as never;
      exec.call(this, query.slice(0, query.indexOf(";")));
      throw new Error("the storage operation exceeded its time");
    });
  };

  it("leaves nothing of itself in a new object: no verdict until it can be, and then all is as if it had never failed", async () => {
    const family = families.create(undefined);
    const opening = newLogin();
    await failing(family);
    await expect(families.open(family, opening)).rejects.toMatchObject({ reason: "unavailable" });
    expect(await storedIn(stubOf(family))).toEqual(NOTHING);
    vi.restoreAllMocks();
    expect(await families.open(family, opening)).toMatchObject({ ok: true });
    expect(await fateOf(families, family, pathQuery([], "n"))).toBe("alive");
  });

  it("changes nothing in an object that was there before: it says neither yes nor no, takes no revocation for done, and goes on by itself", async () => {
    const { family, token, grant, ask } = await granted(families);
    const before = await storedIn(stubOf(family));
    await failing(family);
    await evictDurableObject(stubOf(family));
    const unavailable = { reason: "unavailable" };
    await expect(families.status(family, refreshQuery(token))).rejects.toMatchObject(unavailable);
    await expect(families.refresh(family, presenting(token))).rejects.toMatchObject(unavailable);
    await expect(families.revoke(family, { kind: "family" })).rejects.toMatchObject(unavailable);
    vi.restoreAllMocks();
    expect(await fateOf(families, family, pathQuery([grant], ask.leaves[0]!.id))).toBe("alive");
    expect(await families.refresh(family, presenting(token))).toMatchObject({ ok: true });
    expect(await storedIn(stubOf(family))).toEqual(before);
  });
});
