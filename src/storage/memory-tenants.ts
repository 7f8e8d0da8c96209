import { sha256 } from "../protocol/bytes.ts";
import type { SchemaReader } from "../tenants/schema-reader.ts";
import { checkedTenants } from "./checked-tenants.ts";
import { steadyClock } from "./clock.ts";
import { changeClient } from "./tenant/clients.ts";
import { changeKeys, keysNow } from "./tenant/keys.ts";
import { changePermission, listPermissions } from "./tenant/permissions.ts";
import { memoryTenantRows, type TenantRows } from "./tenant/rows.ts";
import { applyTenant, confirmTenant, exportTenant, prepareTenant, readTenant } from "./tenant/rules.ts";
import type { TenantStore } from "./tenant-store.ts";

/** The memory twin of the tenants' configuration. */
export function memoryTenants(schemas: SchemaReader, read: () => number = Date.now): TenantStore {
  const tenants = new Map<string, TenantRows>();
  const now = steadyClock(read);
  const rowsOf = (issuer: string): TenantRows => {
    const known = tenants.get(issuer) ?? memoryTenantRows();
    tenants.set(issuer, known);
    return known;
  };
  return checkedTenants(schemas, {
    confirm: async (issuer, since) => confirmTenant(rowsOf(issuer), since),
    read: async (issuer, names) => readTenant(rowsOf(issuer), names),
    apply: async (issuer, ask) => {
      const prepared = await prepareTenant(ask.file, sha256);
      return applyTenant(rowsOf(issuer), now(), prepared, ask);
    },
    permissions: async (issuer, filter) => listPermissions(rowsOf(issuer), filter),
    changePermission: async (issuer, ask) => changePermission(rowsOf(issuer), now(), ask),
    changeClient: async (issuer, ask) => changeClient(rowsOf(issuer), now(), ask),
    keys: async (issuer) => keysNow(rowsOf(issuer)),
    changeKeys: async (issuer, ask) => changeKeys(rowsOf(issuer), now(), ask),
    export: async (issuer, leaveOut) => exportTenant(rowsOf(issuer), leaveOut),
  });
}
