import type { SchemaReader } from "../tenants/schema-reader.ts";
import { callObject } from "./call.ts";
import { checkedTenants } from "./checked-tenants.ts";
import type { TenantObject } from "./tenant-object.ts";
import { type ClientWritten, type KeysChanged, type PermissionChanged, type PermissionList, type TenantStore, TENANT_CALL_VERSION as V } from "./tenant-store.ts";

/** The tenants' configuration as Durable Objects, one for each issuer. */
export function durableTenants(namespace: DurableObjectNamespace<TenantObject>, schemas: SchemaReader): TenantStore {
  const stubOf = (issuer: string) => () => namespace.getByName(issuer);
  return checkedTenants(schemas, {
    confirm: (issuer, since) => callObject(stubOf(issuer), async (stub) => await stub.confirm(V, since)),
    // What crosses the call is plain JSON; the platform's type for it is wider than ours.
    read: (issuer, names) => callObject(stubOf(issuer), (stub) => stub.read(V, names) as PromiseLike<Awaited<ReturnType<TenantStore["read"]>>>),
    apply: (issuer, ask) => callObject(stubOf(issuer), async (stub) => await stub.apply(V, ask)),
    permissions: (issuer, filter) => callObject(stubOf(issuer), (stub) => stub.permissions(V, filter) as PromiseLike<PermissionList>),
    changePermission: (issuer, ask) => callObject(stubOf(issuer), (stub) => stub.changePermission(V, ask) as PromiseLike<PermissionChanged>),
    changeClient: (issuer, ask) => callObject(stubOf(issuer), (stub) => stub.changeClient(V, ask) as PromiseLike<ClientWritten>),
    keys: (issuer) => callObject(stubOf(issuer), async (stub) => await stub.keys(V)),
    changeKeys: (issuer, ask) => callObject(stubOf(issuer), (stub) => stub.changeKeys(V, ask) as PromiseLike<KeysChanged>),
    export: (issuer, leaveOut) => callObject(stubOf(issuer), (stub) => stub.export(V, leaveOut) as PromiseLike<Awaited<ReturnType<TenantStore["export"]>>>),
  });
}
