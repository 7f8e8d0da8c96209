import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { memoryRows } from "../../src/storage/family/memory-rows.ts";
import type { FamilyRows } from "../../src/storage/family/rows.ts";
import { sqlRows } from "../../src/storage/family/sql-rows.ts";
import { memoryTenantRows } from "../../src/storage/tenant/rows.ts";
import { sqlTenantRows } from "../../src/storage/tenant/sql-rows.ts";
import { familyRowsContract } from "./family-rows.contract.ts";
import { tenantRowsContract } from "./tenant-rows.contract.ts";

beforeEach(reset);

familyRowsContract("a family in SQLite", (test) => runInDurableObject(env.FAMILIES.get(env.FAMILIES.newUniqueId()), (_object, { storage }) => test(sqlRows(storage.sql))));
familyRowsContract("a family in SQLite of which nothing is remembered", (test) =>
  runInDurableObject(env.FAMILIES.get(env.FAMILIES.newUniqueId()), (_object, { storage }) =>
    test(new Proxy({} as FamilyRows, { get: (_rows, name: keyof FamilyRows) => sqlRows(storage.sql)[name] })),
  ),
);
familyRowsContract("a family in memory", async (test) => test(memoryRows()));
tenantRowsContract("a tenant in SQLite", (test) => runInDurableObject(env.TENANTS.getByName("t"), (_object, { storage }) => test(sqlTenantRows(storage.sql))));
tenantRowsContract("a tenant in memory", async (test) => test(memoryTenantRows()));
