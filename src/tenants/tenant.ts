import * as z from "zod/mini";
import { Client } from "./client.ts";
import { IdentityProvider } from "./identity-provider.ts";
import { Permission } from "./permission.ts";
import { Alias, ClientId, Cutoff, HttpsUrl } from "./primitives.ts";
import { SamlIdentityProvider } from "./saml-identity-provider.ts";
import { Consistency, TokenPolicy } from "./token-policy.ts";

/** Where a tenant's objects must stay; fixed at creation. */
export const Jurisdiction = z.enum(["eu", "fedramp"]);
export type Jurisdiction = z.output<typeof Jurisdiction>;

/** What a tenant says of itself: everything in its file but the lists of IdPs, clients and permissions. */
export const TenantSettings = z.strictObject({
  /** Exactly the `iss` of every token: an origin, optionally with a path. */
  issuer: HttpsUrl,
  displayName: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
  /** What `{realm}` is in the paths of a Keycloak client. */
  realm: z.optional(z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/))),
  jurisdiction: z.optional(Jurisdiction),
  defaultIdentityProvider: z.optional(Alias),
  /** The IdPs that a user chooses among on a page of ours, for applications that say nothing of it. Of none, the default is taken. */
  offeredIdentityProviders: z.optional(z.array(Alias).check(z.maxLength(20))),
  tokenPolicy: z._default(TokenPolicy, {}),
  /** The weakest consistency that any client of this tenant may use. */
  consistency: z._default(Consistency, "strong"),
  /** Whether sealed copies of opaque tokens are written to KV. */
  tokenCopies: z._default(z.boolean(), true),
  /** After how many failed authentications a client is locked out from that address (0: never), and for how many seconds. */
  lockAfterFailures: z._default(z.int().check(z.gte(0), z.lte(1000)), 5),
  lockSeconds: z._default(z.int().check(z.gte(60), z.lte(86_400)), 3600),
  disabled: z._default(z.boolean(), false),
  cutoff: z.optional(Cutoff),
});
export type TenantSettings = z.output<typeof TenantSettings>;

/** A tenant file: what an operator declares and `cambio tenant apply` carries out. */
export const TenantFile = z.extend(TenantSettings, {
  $schema: z.optional(z.string()),
  identityProviders: z._default(z.record(Alias, IdentityProvider), {}),
  samlIdentityProviders: z._default(z.record(Alias, SamlIdentityProvider), {}),
  clients: z._default(z.record(ClientId, Client), {}),
  permissions: z._default(z.array(Permission), []),
});
export type TenantFile = z.output<typeof TenantFile>;
