import type { Client, DialectName } from "../tenants/client.ts";
import { type ResolvedTokenPolicy, resolveTokenPolicy } from "../tenants/defaults.ts";
import type { TenantSettings } from "../tenants/tenant.ts";
import type { Dialect } from "./dialect.ts";
import { idaas } from "./idaas.ts";
import { keycloak } from "./keycloak.ts";
import { rfc8693 } from "./rfc8693.ts";
import { sap } from "./sap.ts";

const DIALECTS: Readonly<Record<DialectName, Dialect>> = { rfc8693, sap, keycloak, idaas };

// Records are immutable, and a request asks for the same policy several times: kept as long as the records themselves.
const policies = new WeakMap<Client, { readonly settings: TenantSettings; readonly policy: ResolvedTokenPolicy }>();

/** The dialect that a client speaks. */
export function dialectOf(client: Client): Dialect {
  return DIALECTS[client.dialect];
}

/** Lifetimes and limits for a client: its own word, else its tenant's, else its dialect's, else the product's. */
export function tokenPolicyOf(client: Client, settings: TenantSettings): ResolvedTokenPolicy {
  const known = policies.get(client);
  if (known?.settings === settings) return known.policy;
  const policy = resolveTokenPolicy(client.tokenPolicy, settings.tokenPolicy, dialectOf(client).tokenPolicy);
  policies.set(client, { settings, policy });
  return policy;
}
