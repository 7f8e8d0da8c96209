import { Rejection } from "../protocol/rejection.ts";
import type { SchemaReader } from "../tenants/schema-reader.ts";
import type { TenantFile } from "../tenants/tenant.ts";
import { checkAddition } from "./client-addition.ts";
import type { Applied, ApplyTenant, ChangeClient, ClientChange, ClientWritten, TenantStore } from "./tenant-store.ts";

const TRIES = 3;

/** The stores behind the checks: they take only what has been checked. */
interface Writer extends Omit<TenantStore, "apply" | "changeClient"> {
  apply(issuer: string, ask: ApplyTenant<TenantFile>): Promise<Applied>;
  changeClient(issuer: string, ask: ChangeClient<ClientChange>): Promise<ClientWritten>;
}

/** A store that reads every document against its schema before it writes, apart from the one turn in which it writes. */
export function checkedTenants(schemas: SchemaReader, writer: Writer): TenantStore {
  return {
    ...writer,
    apply: async (issuer, ask) => {
      const checked = await schemas.checkTenantFile(ask.file);
      if (!checked.ok) return { ok: false, reason: "problems", problems: checked.problems };
      const { file } = checked;
      if (file.issuer !== issuer) return { ok: false, reason: "problems", problems: [{ path: "issuer", message: "differs from the issuer that this file is sent to" }] };
      return await writer.apply(issuer, { ...ask, file });
    },
    changeClient: async (issuer, ask) => {
      const { act } = ask;
      for (let tries = 0; tries < TRIES; tries++) {
        const checked = act.action === "add" ? await checkAddition(schemas, await writer.export(issuer, "permissions"), ask.id, act) : act;
        if (!("action" in checked)) return { ok: false, reason: "problems", problems: checked };
        const changed = await writer.changeClient(issuer, { ...ask, act: checked });
        if (changed !== "tenant_changed") return changed;
      }
      throw new Rejection("unavailable", { note: "tenant changed" });
    },
  };
}
