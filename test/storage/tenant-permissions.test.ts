import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";
import { durableTenants } from "../../src/storage/durable-tenants.ts";
import { memoryTenants } from "../../src/storage/memory-tenants.ts";
import { tenantPermissionsContract } from "./tenant-permissions.contract.ts";

beforeEach(reset);

tenantPermissionsContract("durable tenants", () => durableTenants(env.TENANTS));
tenantPermissionsContract("tenants in memory", () => memoryTenants());
