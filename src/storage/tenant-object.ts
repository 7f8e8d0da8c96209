import { DurableObject } from "cloudflare:workers";
import type { Bindings } from "../config.ts";
import { sha256 } from "../protocol/bytes.ts";
import type { TenantFile } from "../tenants/tenant.ts";
import { steadyClock } from "./clock.ts";
import type { TenantRows } from "./tenant/rows.ts";
import { applyTenant, confirmTenant, exportTenant, prepareTenant, readTenant } from "./tenant/rules.ts";
import { sqlTenantRows } from "./tenant/sql-rows.ts";
import type { Applied, ApplyTenant, Confirmation, Records } from "./tenant-store.ts";

/** The configuration of one tenant: the only writer, and the authority on what is current. */
export class TenantObject extends DurableObject<Bindings> {
  readonly #rows: TenantRows;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: Bindings) {
    super(state, env);
    this.#rows = sqlTenantRows(state.storage.sql);
  }

  confirm(since: number | undefined): Confirmation {
    return confirmTenant(this.#rows, since);
  }

  read(names: readonly string[]): Records {
    return readTenant(this.#rows, names);
  }

  /** Checks the file again, whoever sent it, and applies it in one turn. */
  async apply(issuer: string, ask: ApplyTenant): Promise<Applied> {
    const prepared = await prepareTenant(issuer, ask.file, sha256);
    if (!("records" in prepared)) return { ok: false, reason: "problems", problems: prepared };
    return this.ctx.storage.transactionSync(() => applyTenant(this.#rows, this.#now(), prepared, ask));
  }

  export(): { readonly version: number; readonly file: TenantFile | undefined } {
    return exportTenant(this.#rows);
  }
}
