import { sha256 } from "../protocol/bytes.ts";
import { steadyClock } from "./clock.ts";
import { changeClient } from "./tenant/clients.ts";
import { changeKeys, keysNow } from "./tenant/keys.ts";
import { changePermission, listPermissions } from "./tenant/permissions.ts";
import { memoryTenantRows, type TenantRows } from "./tenant/rows.ts";
import { applyTenant, confirmTenant, exportTenant, prepareTenant, readTenant } from "./tenant/rules.ts";
import type { TenantStore } from "./tenant-store.ts";

/** The memory twin of the tenants' configuration. */
export function memoryTenants(read: () => number = Date.now): TenantStore {
  const tenants = new Map<string, TenantRows>();
  const now = steadyClock(read);
  const rowsOf = (issuer: string): TenantRows => {
    const known = tenants.get(issuer) ?? memoryTenantRows();
    tenants.set(issuer, known);
    return known;
  };
  return {
    confirm: async (issuer, since) => confirmTenant(rowsOf(issuer), since),
    read: async (issuer, names) => readTenant(rowsOf(issuer), names),
    apply: async (issuer, ask) => {
      const prepared = await prepareTenant(issuer, ask.file, sha256);
      if (!("records" in prepared)) return { ok: false, reason: "problems", problems: prepared };
      return applyTenant(rowsOf(issuer), now(), prepared, ask);
    },
    permissions: async (issuer, filter) => listPermissions(rowsOf(issuer), filter),
    changePermission: async (issuer, ask) => changePermission(rowsOf(issuer), now(), ask),
    changeClient: async (issuer, ask) => {
      const { checkTenantFile } = await import("../tenants/check.ts");
      return changeClient(rowsOf(issuer), now(), ask, checkTenantFile);
    },
    keys: async (issuer) => keysNow(rowsOf(issuer)),
    changeKeys: async (issuer, ask) => changeKeys(rowsOf(issuer), now(), ask),
    export: async (issuer) => exportTenant(rowsOf(issuer)),
  };
}
