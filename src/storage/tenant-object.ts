import { DurableObject } from "cloudflare:workers";
import type { StateBindings } from "../config.ts";
import { sha256 } from "../protocol/bytes.ts";
import type { TenantFile } from "../tenants/tenant.ts";
import { TOO_NEW } from "./call.ts";
import { steadyClock } from "./clock.ts";
import { changeClient } from "./tenant/clients.ts";
import { changeKeys, keysNow } from "./tenant/keys.ts";
import { changePermission, listPermissions } from "./tenant/permissions.ts";
import type { TenantRows } from "./tenant/rows.ts";
import { applyTenant, confirmTenant, exportTenant, prepareTenant, readTenant } from "./tenant/rules.ts";
import { sqlTenantRows } from "./tenant/sql-rows.ts";
import {
  type Applied,
  type ApplyTenant,
  type ChangeClient,
  type ChangeKeys,
  type ChangePermission,
  type ClientChange,
  type ClientWritten,
  type Confirmation,
  type KeysChanged,
  type KeysNow,
  type PermissionChanged,
  type PermissionFilter,
  type PermissionList,
  type Records,
  TENANT_CALL_VERSION,
} from "./tenant-store.ts";

/** The configuration of one tenant: the only writer, and the authority on what is current. */
export class TenantObject extends DurableObject<StateBindings> {
  readonly #rows: TenantRows;
  readonly #now = steadyClock();

  constructor(state: DurableObjectState, env: StateBindings) {
    super(state, env);
    this.#rows = sqlTenantRows(state.storage.sql);
  }

  confirm(version: number, since: number | undefined): Confirmation | typeof TOO_NEW {
    return version > TENANT_CALL_VERSION ? TOO_NEW : confirmTenant(this.#rows, since);
  }

  read(version: number, names: readonly string[]): Records | typeof TOO_NEW {
    return version > TENANT_CALL_VERSION ? TOO_NEW : readTenant(this.#rows, names);
  }

  /** Applies a file that has been checked, in one turn. */
  async apply(version: number, ask: ApplyTenant<TenantFile>): Promise<Applied | typeof TOO_NEW> {
    if (version > TENANT_CALL_VERSION) return TOO_NEW;
    const prepared = await prepareTenant(ask.file, sha256);
    return this.ctx.storage.transactionSync(() => applyTenant(this.#rows, this.#now(), prepared, ask));
  }

  permissions(version: number, filter: PermissionFilter): PermissionList | typeof TOO_NEW {
    return version > TENANT_CALL_VERSION ? TOO_NEW : listPermissions(this.#rows, filter);
  }

  /** One turn: what the permission is now decides what may become of it. */
  changePermission(version: number, ask: ChangePermission): PermissionChanged | typeof TOO_NEW {
    if (version > TENANT_CALL_VERSION) return TOO_NEW;
    return this.ctx.storage.transactionSync(() => changePermission(this.#rows, this.#now(), ask));
  }

  /** One turn: a client is added, switched, given a secret or rid of one. */
  changeClient(version: number, ask: ChangeClient<ClientChange>): ClientWritten | typeof TOO_NEW {
    if (version > TENANT_CALL_VERSION) return TOO_NEW;
    return this.ctx.storage.transactionSync(() => changeClient(this.#rows, this.#now(), ask));
  }

  keys(version: number): KeysNow | undefined | typeof TOO_NEW {
    return version > TENANT_CALL_VERSION ? TOO_NEW : keysNow(this.#rows);
  }

  /** One turn: the role that a key has now, and for how long, decides what may become of it. */
  changeKeys(version: number, ask: ChangeKeys): KeysChanged | typeof TOO_NEW {
    if (version > TENANT_CALL_VERSION) return TOO_NEW;
    return this.ctx.storage.transactionSync(() => changeKeys(this.#rows, this.#now(), ask));
  }

  export(version: number, leaveOut?: "permissions"): { readonly version: number; readonly file: TenantFile | undefined } | typeof TOO_NEW {
    return version > TENANT_CALL_VERSION ? TOO_NEW : exportTenant(this.#rows, leaveOut);
  }
}
