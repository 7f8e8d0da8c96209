import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant } from "../faults.ts";
import { exchange, ISSUER, login, type Tokens } from "../world.ts";
import { runSql } from "./inside.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";

beforeEach(async () => await reset());
afterEach(() => void vi.restoreAllMocks());

/** What one request costs: calls that leave the Worker, and rows of SQLite that the objects read and write for it. */
interface Cost {
  readonly calls: readonly string[];
  readonly read: number;
  readonly written: number;
}

async function costOf(w: InterceptedWorld, family: string, work: () => Promise<unknown>): Promise<Cost> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const sql = await runInDurableObject(stubOf(family), (_object, { storage }) => Object.getPrototypeOf(storage.sql) as SqlStorage);
  const exec = sql.exec;
  const spy = vi.spyOn(sql, "exec").mockImplementation(function (this: SqlStorage, ...asked: Parameters<SqlStorage["exec"]>) {
    const cursor = exec.call(this, ...asked) as SqlStorageCursor<Record<string, SqlStorageValue>>;
    cursors.push(cursor);
    return cursor as never;
  });
  const calls = await w.during(work);
  spy.mockRestore();
  const sum = (of: (cursor: (typeof cursors)[number]) => number) => cursors.reduce((total, cursor) => total + of(cursor), 0);
  return { calls, read: sum(({ rowsRead }) => rowsRead), written: sum(({ rowsWritten }) => rowsWritten) };
}

const stubOf = (family: string) => env.FAMILIES.get(env.FAMILIES.idFromString(family));

const familyOf = (w: InterceptedWorld) => String((JSON.parse(w.lines.at(-1) ?? "{}") as { readonly family?: string }).family);

const exchangeOf = (w: InterceptedWorld, { access_token }: Pick<Tokens, "access_token">) =>
  exchange(w, "front-end-app", {
    subject_token: access_token,
    subject_token_type: TOKEN_TYPE.access_token,
    requested_token_type: TOKEN_TYPE.access_token,
    audience: "back-end-api",
  });

async function exchanged(w: InterceptedWorld, subject: Pick<Tokens, "access_token">): Promise<void> {
  expect(await exchangeOf(w, subject)).toMatchObject({ status: 200 });
}

// Copies of the newest grant: so many beside it, and so many below another parent.
async function grow(family: string, beside: number, elsewhere: number): Promise<void> {
  const copy = (parent: string) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
    INSERT INTO nodes SELECT ${parent}, 'copy-' || i, client, issued, expires, record, leaves, chain, kind, sso, redeemed
    FROM n, (SELECT * FROM nodes WHERE parent <> '' ORDER BY issued DESC LIMIT 1)`;
  await runSql(stubOf(family), copy("parent"), beside);
  await runSql(stubOf(family), copy("'elsewhere'"), elsewhere);
  await evictDurableObject(stubOf(family));
}

describe("the cost of an exchange", () => {
  it("is the same in a family of one node and of thousands: one call, one row, as many rows read", async () => {
    const w = await interceptedWorld();
    const subject = await login(w, "front-end-app");
    await exchanged(w, subject);
    const family = familyOf(w);
    const young = await costOf(w, family, () => exchanged(w, subject));
    expect(young).toMatchObject({ calls: ["family.extend"], written: 1 });
    await grow(family, 900, 4000);
    // The first exchange after the object has slept counts its siblings once.
    await exchanged(w, subject);
    expect(await costOf(w, family, () => exchanged(w, subject))).toEqual(young);
  });

  it("still ends at the budget, counted rightly by an object that has slept and by one that has not", async () => {
    const w = await interceptedWorld();
    const subject = await login(w, "front-end-app");
    await exchanged(w, subject);
    const family = familyOf(w);
    await grow(family, 997, 0);
    for (let left = 2; left > 0; left--) await exchanged(w, subject);
    expect((await exchangeOf(w, subject)).status).toBe(400);
    await evictDurableObject(stubOf(family));
    expect((await exchangeOf(w, subject)).status).toBe(400);
  });

  it("is the same in a tenant of ten clients and of hundreds, for an isolate that knows them and for one that knows none", async () => {
    const w = await interceptedWorld();
    const subject = await login(w, "front-end-app");
    await exchanged(w, subject);
    const family = familyOf(w);
    const costs = async () => {
      w.service.directory.forget(ISSUER);
      return [await costOf(w, family, () => exchanged(w, subject)), await costOf(w, family, () => exchanged(w, subject))];
    };
    const small = await costs();
    await editTenant(w, (file) => {
      const { stranger } = file.clients;
      for (let count = 0; count < 300; count++) {
        Object.assign(file.clients, { [`client-${count}`]: stranger });
        Object.assign(file, {
          permissions: [...file.permissions, { ...file.permissions[0], consumer: "front-end-app", provider: `client-${count}`, name: `p-${count}`, scopes: [] }],
        });
      }
    });
    expect(await costs()).toEqual(small);
  });
});
