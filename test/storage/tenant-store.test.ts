import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { schemaReader } from "../../src/reader/schema-reader.ts";
import { durableTenants } from "../../src/storage/durable-tenants.ts";
import { memoryTenants } from "../../src/storage/memory-tenants.ts";
import { tenantStoreContract } from "./tenant-store.contract.ts";

beforeEach(reset);

tenantStoreContract("durable tenants", () => durableTenants(env.TENANTS, schemaReader));
tenantStoreContract("tenants in memory", () => memoryTenants(schemaReader));
