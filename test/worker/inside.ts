import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** What an object has stored: its tables, and when its alarm rings (seconds). */
export async function storedIn(stub: DurableObjectStub): Promise<{ readonly tables: readonly string[]; readonly alarm: number | null }> {
  return await runInDurableObject(stub, async (_object, { storage }) => {
    const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray();
    const alarm = await storage.getAlarm();
    return { tables: tables.map(({ name }) => name), alarm: alarm === null ? null : alarm / 1000 };
  });
}

/** Runs SQL in an object behind its back. */
export async function runSql(stub: DurableObjectStub, query: string, ...values: SqlStorageValue[]): Promise<readonly Record<string, SqlStorageValue>[]> {
  return await runInDurableObject(stub, (_object, { storage }) => storage.sql.exec(query, ...values).toArray());
}

/** The names of all that an object's class can be asked over RPC, the alarm left out: no caller reaches that. */
export function methodsOf(objectClass: { readonly prototype: object }): readonly string[] {
  return Object.getOwnPropertyNames(objectClass.prototype).filter((name) => name !== "constructor" && name !== "alarm");
}

/** Calls a method of an object by its name. */
export async function callByName(stub: DurableObjectStub, name: string, ...values: readonly unknown[]): Promise<unknown> {
  const methods = stub as unknown as Record<string, (...values: readonly unknown[]) => Promise<unknown>>;
  return await methods[name]?.(...values);
}

/** Everything that the objects of one namespace keep, as text. */
export async function dump<T extends Rpc.DurableObjectBranded>(namespace: DurableObjectNamespace<T>): Promise<string> {
  const ids = await listDurableObjectIds(namespace);
  const texts = await Promise.all(
    ids.map((id) =>
      runInDurableObject(namespace.get(id), (_object: T, { storage }) => {
        const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'").toArray();
        return JSON.stringify(tables.map(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray()));
      }),
    ),
  );
  return texts.join("\n");
}

/** Every key of KV with its value, as text. */
export async function copiesInKv(): Promise<readonly string[]> {
  const { keys } = await env.TOKENS.list();
  return await Promise.all(keys.map(async ({ name }) => `${name} ${await env.TOKENS.get(name)}`));
}
