import type { Problem } from "../tenants/check.ts";
import type { Client } from "../tenants/client.ts";
import type { KnownCertificate } from "../tenants/client-access.ts";
import type { DeployedKeys, KeyAct, KeyFault, KeyRoles, Lifetimes } from "../tenants/key-roles.ts";
import type { PermissionContents, PermissionGrant } from "../tenants/permission.ts";
import type { PermissionStatus } from "../tenants/permission-status.ts";
import type { StoredPermission } from "../tenants/records.ts";
import type { TenantFile } from "../tenants/tenant.ts";
import type { Refused } from "./families.ts";

/** The version of the calls to a tenant object. One that is asked with a newer one refuses with `unavailable`. */
export const TENANT_CALL_VERSION = 1;

/** What has changed since a version: the names of the records, or everything. */
export interface Confirmation {
  /** Zero: this tenant has never been applied. */
  readonly version: number;
  readonly changed: readonly string[] | "everything";
}

/** Records as they are now; null for a name that has none. */
export interface Records {
  readonly version: number;
  readonly records: Readonly<Record<string, object | null>>;
  /** The key that subject ids are derived with: made once, with the tenant. Base64url. */
  readonly subjectKey: string;
}

/** One change that an application of a tenant file made. */
export interface Change {
  readonly action: "create" | "change" | "delete";
  readonly record: string;
}

/**
 * For the part of a file that is too large for one request: which clients and permissions its pruning concerns, by the client's
 * or consumer's id, a space, and the provider's; from the first on, up to the second and without it.
 */
export interface PruneBounds {
  readonly from?: string;
  readonly to?: string;
}

/** `file`: anything; for the one who writes, a file that has been checked. */
export interface ApplyTenant<File = unknown> {
  readonly operator: string;
  readonly file: File;
  readonly deployed: DeployedKeys;
  readonly prune: boolean;
  readonly within?: PruneBounds;
  readonly dryRun: boolean;
}

export type Applied =
  | { readonly ok: true; readonly version: number; readonly changes: readonly Change[] }
  | { readonly ok: false; readonly reason: "problems"; readonly problems: readonly Problem[] }
  | Refused;

/** Who acts on a permission: an operator, or a client for its own side of it. */
export type Party = { readonly operator: string } | { readonly client: string };

/** What is done with a permission. */
export type PermissionAct =
  | { readonly action: "request"; readonly name: string; readonly contents: PermissionContents }
  | { readonly action: "grant"; readonly contents: PermissionGrant }
  | { readonly action: "deny" }
  | { readonly action: "withdraw"; readonly cutOff: boolean };

export interface ChangePermission {
  readonly by: Party;
  readonly consumer: string;
  readonly provider: string;
  readonly act: PermissionAct;
}

export type PermissionChanged =
  | { readonly ok: true; readonly permission: StoredPermission }
  | { readonly ok: false; readonly reason: "problems"; readonly problems: readonly Problem[] }
  | Refused;

/** Which permissions are looked for; a client sees those that it is a party of. */
export interface PermissionFilter {
  readonly by: Party;
  readonly consumer?: string;
  readonly provider?: string;
  readonly status?: PermissionStatus;
}

/** What is done with a tenant's keys, by an operator, from a version of the Worker that holds these. */
export interface ChangeKeys {
  readonly operator: string;
  readonly deployed: DeployedKeys;
  readonly act: KeyAct;
}

/** The roles of a tenant's keys as they are now, and how long what is made with them may live. */
export interface KeysNow {
  readonly version: number;
  readonly roles: KeyRoles;
  readonly lifetimes: Lifetimes;
}

export type KeysChanged = ({ readonly ok: true } & KeysNow) | { readonly ok: false; readonly reason: KeyFault | "tenant_unknown" | "unavailable" };

/** What is done with a client. `secretHash`: of a secret that was drawn for this call and nobody has seen yet. */
export type ClientAct =
  | { readonly action: "add"; readonly client: unknown; readonly secretHash: string }
  | { readonly action: "disable" }
  | { readonly action: "enable" }
  | { readonly action: "add_secret"; readonly secretHash: string; readonly limit: number; readonly expires?: number }
  | { readonly action: "retire_secret"; readonly prefix: string }
  | { readonly action: "add_certificate"; readonly certificateId: string; readonly certificate: KnownCertificate }
  | { readonly action: "retire_certificate"; readonly prefix: string };

/** The same for the one who writes: what is added has been checked, as a part of the file of this version. No client: there was nothing to check. */
export type ClientChange =
  | Exclude<ClientAct, { readonly action: "add" }>
  | { readonly action: "add"; readonly version: number; readonly client?: Client; readonly secretHash: string; readonly takesSecret: boolean };

export interface ChangeClient<Act = ClientAct> {
  readonly operator: string;
  readonly id: string;
  readonly act: Act;
}

/** `tookSecret`: the secret that was drawn for this call is the client's from now on. */
export type ClientChanged =
  | { readonly ok: true; readonly tookSecret: boolean }
  | { readonly ok: false; readonly reason: "problems"; readonly problems: readonly Problem[] }
  | Refused;

/** What the one who writes says: `tenant_changed` where what was checked is not the tenant's file any more. */
export type ClientWritten = ClientChanged | "tenant_changed";

/** Permissions by consumer and provider; `truncated` when there are more than are listed. */
export interface PermissionList {
  readonly permissions: readonly StoredPermission[];
  readonly truncated: boolean;
}

/** One writer for each tenant's configuration: it validates, keeps the history, and says which records are current. */
export interface TenantStore {
  confirm(issuer: string, since: number | undefined): Promise<Confirmation>;
  read(issuer: string, names: readonly string[]): Promise<Records>;
  apply(issuer: string, ask: ApplyTenant): Promise<Applied>;
  /** The file that the current records stand for. Its permissions are by far the most of it: whoever does not need them leaves them out. */
  export(issuer: string, leaveOut?: "permissions"): Promise<{ readonly version: number; readonly file: TenantFile | undefined }>;
  permissions(issuer: string, filter: PermissionFilter): Promise<PermissionList>;
  changePermission(issuer: string, ask: ChangePermission): Promise<PermissionChanged>;
  changeClient(issuer: string, ask: ChangeClient): Promise<ClientChanged>;
  keys(issuer: string): Promise<KeysNow | undefined>;
  changeKeys(issuer: string, ask: ChangeKeys): Promise<KeysChanged>;
}
