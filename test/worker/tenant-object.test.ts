import { abortAllDurableObjects, evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { schemaReader } from "../../src/reader/schema-reader.ts";
import { durableTenants } from "../../src/storage/durable-tenants.ts";
import { TenantObject } from "../../src/storage/tenant-object.ts";
import { TENANT_CALL_VERSION } from "../../src/storage/tenant-store.ts";
import { client, DEPLOYED, ISSUER, tenantFile } from "../storage/tenant-files.ts";
import { callByName, methodsOf } from "./inside.ts";

beforeEach(reset);

const tenants = durableTenants(env.TENANTS, schemaReader);
const stub = () => env.TENANTS.getByName(ISSUER);
const apply = (file: object) => tenants.apply(ISSUER, { operator: "olga", file, deployed: DEPLOYED, prune: false, dryRun: false });

describe("a tenant's object", () => {
  it("keeps records, versions and the key of subject ids over an eviction and an abort between any two calls", async () => {
    await apply(tenantFile());
    const before = await tenants.read(ISSUER, ["client/a", "keys"]);
    await evictDurableObject(stub());
    expect(await tenants.read(ISSUER, ["client/a", "keys"])).toEqual(before);
    await abortAllDurableObjects();
    expect(await apply(tenantFile())).toEqual({ ok: true, version: 1, changes: [] });
    expect(await apply(tenantFile({ displayName: "two" }))).toMatchObject({ ok: true, version: 2 });
    await evictDurableObject(stub());
    expect(await tenants.confirm(ISSUER, 1)).toEqual({ version: 2, changed: ["tenant"] });
    expect((await tenants.read(ISSUER, [])).subjectKey).toBe(before.subjectKey);
  });

  it("applies ten files at once, each whole: the last version is one of them", async () => {
    const files = Array.from({ length: 10 }, (_value, index) => tenantFile({ clients: { a: client({ displayName: `a${index}` }), b: client({ displayName: `b${index}` }) } }));
    const answers = await Promise.all(files.map(apply));
    expect(answers.map((answer) => (answer.ok ? answer.version : 0)).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_value, index) => index + 1));
    const { file } = await tenants.export(ISSUER);
    expect(file?.clients.a?.displayName?.slice(1)).toBe(file?.clients.b?.displayName?.slice(1));
  });

  it.each(methodsOf(TenantObject))("answers nothing to a call of a newer version: %s", async (name) => {
    expect(await callByName(stub(), name, TENANT_CALL_VERSION + 1, ISSUER, { operator: "olga", file: tenantFile(), deployed: DEPLOYED, prune: false, dryRun: false })).toEqual({
      ok: false,
      reason: "unavailable",
    });
    expect(await tenants.confirm(ISSUER, undefined)).toEqual({ version: 0, changed: "everything" });
  });

  it("lets nobody at anything but its calls", async () => {
    const own = await runInDurableObject(stub(), (object) => Object.getOwnPropertyNames(object));
    expect(own.filter((name) => name !== "ctx" && name !== "env")).toEqual([]);
  });
});
