import type { Client } from "./client.ts";
import type { ClientAccess } from "./client-access.ts";
import type { IdentityProvider } from "./identity-provider.ts";
import type { KeyRoles } from "./key-roles.ts";
import type { Permission, PermissionRecord } from "./permission.ts";
import type { SamlIdentityProvider } from "./saml-identity-provider.ts";
import type { TenantFile, TenantSettings } from "./tenant.ts";

/** A permission as it is kept: with whether the file or the API decided it, and what the API knows of its past. */
export type StoredPermission = Permission & PermissionRecord;

/** Every kind of configuration record, by the prefix of its name. */
export interface RecordTypes {
  readonly tenant: TenantSettings;
  readonly keys: KeyRoles;
  readonly client: Client;
  /** What the API decided about a client: secrets that it added or retired, whether it is disabled. Goes with the client. */
  readonly access: ClientAccess;
  readonly idp: IdentityProvider;
  readonly samlIdp: SamlIdentityProvider;
  /** Which SAML IdP has this entity id. */
  readonly asserter: { readonly idp: string };
  readonly permission: StoredPermission;
  /** Which client a resource URL belongs to. */
  readonly resource: { readonly client: string };
  /** Which client is the SAML application of this entity id. */
  readonly entity: { readonly client: string };
  /** Some client declares this origin: scripts of its pages may ask. */
  readonly origin: { readonly declared: true };
  /** Which provider a consumer's dependency of this name leads to. */
  readonly dependency: { readonly provider: string };
  /** Up to when what a consumer was issued is dead, by provider. Stays whatever becomes of the permission. Seconds. */
  readonly cutoffs: Readonly<Record<string, number>>;
}

/** The name of a record. No part can contain the separators: ids have no space, and kinds no slash. */
export const recordName = {
  tenant: "tenant",
  keys: "keys",
  client: (id: string) => `client/${id}`,
  access: (id: string) => `access/${id}`,
  idp: (alias: string) => `idp/${alias}`,
  samlIdp: (alias: string) => `saml-idp/${alias}`,
  asserter: (entityId: string) => `asserter/${entityId}`,
  permission: (consumer: string, provider: string) => `permission/${consumer} ${provider}`,
  resource: (url: string) => `resource/${url}`,
  entity: (entityId: string) => `entity/${entityId}`,
  origin: (origin: string) => `origin/${origin}`,
  dependency: (consumer: string, name: string) => `dependency/${consumer} ${name}`,
  cutoffs: (consumer: string) => `cutoffs/${consumer}`,
} as const;

/** The records that a tenant file stands for, by name: what is declared, and the look-ups that follow from it. */
export function recordsOf(file: TenantFile): ReadonlyMap<string, object> {
  const { $schema: _schema, identityProviders, samlIdentityProviders, clients, permissions, ...settings } = file;
  const records = new Map<string, object>([[recordName.tenant, settings]]);
  for (const [alias, idp] of Object.entries(identityProviders)) records.set(recordName.idp(alias), idp);
  for (const [alias, idp] of Object.entries(samlIdentityProviders)) {
    records.set(recordName.samlIdp(alias), idp);
    records.set(recordName.asserter(idp.entityId), { idp: alias });
  }
  for (const [id, client] of Object.entries(clients)) {
    records.set(recordName.client(id), client);
    for (const [name, record] of lookUpsOf(id, client)) records.set(name, record);
  }
  for (const permission of permissions) {
    const stored: StoredPermission = { ...permission, origin: "file" };
    records.set(recordName.permission(permission.consumer, permission.provider), stored);
    records.set(recordName.dependency(permission.consumer, permission.name), { provider: permission.provider });
  }
  return records;
}

/** The look-ups that follow from one client, by name. */
export function lookUpsOf(id: string, { resources, corsOrigins, saml }: Client): readonly (readonly [string, object])[] {
  return [
    ...resources.map((url) => [recordName.resource(url), { client: id }] as const),
    ...corsOrigins.map((origin) => [recordName.origin(origin), { declared: true }] as const),
    ...(saml === undefined ? [] : [[recordName.entity(saml.entityId), { client: id }] as const]),
  ];
}

/** The tenant file that a set of records stands for: the inverse of `recordsOf`. */
export function fileOf(records: Iterable<readonly [string, object]>): TenantFile {
  let settings: TenantSettings | undefined;
  const file: Pick<TenantFile, "identityProviders" | "samlIdentityProviders" | "clients" | "permissions"> = {
    identityProviders: {},
    samlIdentityProviders: {},
    clients: {},
    permissions: [],
  };
  for (const [name, record] of records) {
    const [kind, id = ""] = [name.split("/", 1)[0], name.slice(name.indexOf("/") + 1)];
    if (kind === "tenant") settings = record as TenantSettings;
    else if (kind === "idp") file.identityProviders[id] = record as IdentityProvider;
    else if (kind === "saml-idp") file.samlIdentityProviders[id] = record as SamlIdentityProvider;
    else if (kind === "client") file.clients[id] = record as Client;
    else if (kind === "permission") file.permissions.push(...declared(record as StoredPermission));
  }
  if (settings === undefined) throw new Error("a tenant without a record of its own");
  return { ...settings, ...file };
}

// What was decided through the API and does not permit anything is no declaration: a file without it means the same.
function declared({ consumer, provider, name, apis, scopes, tokenTypes, status, origin }: StoredPermission): readonly Permission[] {
  return origin === "api" && status !== "granted" ? [] : [{ consumer, provider, name, apis, scopes, tokenTypes, status }];
}
