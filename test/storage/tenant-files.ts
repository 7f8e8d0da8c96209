import type { DeployedKeys } from "../../src/tenants/key-roles.ts";

export const ISSUER = "https://id.example.com";

export const DEPLOYED: DeployedKeys = { signing: [{ number: 1, keyId: "k1", algorithm: "ES256" }], token: [1, 2] };

/** A confidential client as a file declares it. */
export const client = (changes: object = {}) => ({ secrets: [{ hash: "A".repeat(43) }], grants: ["token_exchange"], ...changes });

/** A tenant file of two clients: `a` holds a permission, by the name of `to-b`, for `b`, which is reached at https://b.example.com. */
export const tenantFile = (
  changes: { readonly clients?: object; readonly permissions?: readonly object[]; readonly displayName?: string; readonly jurisdiction?: string } = {},
) => ({
  issuer: ISSUER,
  clients: { a: client(), b: client({ resources: ["https://b.example.com"] }) } as object,
  permissions: [{ consumer: "a", provider: "b", name: "to-b" }] as readonly object[],
  ...changes,
});
