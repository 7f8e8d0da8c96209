import tenant from "../demo/tenant.json" with { type: "json" };

/** A fresh copy of the demo tenant's file, for an issuer. Where that is not localhost, its development secrets become hashes. */
export function demoTenant(issuer = tenant.issuer): typeof tenant {
  return { ...structuredClone(tenant), issuer };
}
