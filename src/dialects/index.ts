import type { Client, DialectName } from "../tenants/client.ts";
import { type ResolvedTokenPolicy, resolveTokenPolicy } from "../tenants/defaults.ts";
import type { TenantSettings } from "../tenants/tenant.ts";
import type { Dialect } from "./dialect.ts";
import { idaas } from "./idaas.ts";
import { keycloak } from "./keycloak.ts";
import { rfc8693 } from "./rfc8693.ts";
import { sap } from "./sap.ts";

const DIALECTS: Readonly<Record<DialectName, Dialect>> = { rfc8693, sap, keycloak, idaas };

/** The dialect that a client speaks. */
export function dialectOf(client: Client): Dialect {
  return DIALECTS[client.dialect];
}

/** Lifetimes and limits for a client: its own word, else its tenant's, else its dialect's, else the product's. */
export function tokenPolicyOf(client: Client, settings: TenantSettings): ResolvedTokenPolicy {
  return resolveTokenPolicy(client.tokenPolicy, settings.tokenPolicy, dialectOf(client).tokenPolicy);
}
