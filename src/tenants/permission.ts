import * as z from "zod/mini";
import { PERMISSION_STATUSES } from "./permission-status.ts";
import { ClientId, ScopeToken } from "./primitives.ts";

export const PermissionStatus = z.enum(PERMISSION_STATUSES);

/** What may be asked for under a permission: names of issued token types. */
export const GrantableTokenType = z.enum(["access_token", "refresh_token", "id_token", "saml2"]);
export type GrantableTokenType = z.output<typeof GrantableTokenType>;

const Apis = z.array(z.string().check(z.regex(/^[A-Za-z0-9._-]{1,50}$/)));
const Scopes = z.array(ScopeToken);
const TokenTypes = z.array(GrantableTokenType);

/** What a permission permits: API groups and scopes of the provider, and which tokens may be asked for. */
export const PermissionContents = z.strictObject({
  apis: z._default(Apis, []),
  scopes: z._default(Scopes, []),
  tokenTypes: z._default(TokenTypes, ["access_token"]),
});
export type PermissionContents = z.output<typeof PermissionContents>;

/** Asks for a permission: the body of `POST /api/v1/permissions`. */
export const PermissionRequest = z.strictObject({
  consumer: ClientId,
  provider: ClientId,
  /** Unique per consumer; what `urn:sap:identity:application:provider:name:` names. */
  name: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,50}$/, "a permission's name is 1 to 50 of A-Z a-z 0-9 . _ -")),
  ...PermissionContents.shape,
});
export type PermissionRequest = z.output<typeof PermissionRequest>;

/** "The consumer may obtain tokens for the provider." Granted by the provider's owner only. */
export const Permission = z.extend(PermissionRequest, { status: z._default(PermissionStatus, "granted") });
export type Permission = z.output<typeof Permission>;

/** Grants what was asked for, or less of it: what is left out is granted as it was asked for. */
export const PermissionGrant = z.strictObject({ apis: z.optional(Apis), scopes: z.optional(Scopes), tokenTypes: z.optional(TokenTypes) });
export type PermissionGrant = z.output<typeof PermissionGrant>;

/** Denies a request: there is nothing more to say. */
export const PermissionDenial = z.strictObject({});

/** Withdraws a permission. `cut_off`: what was issued under it ends too, instead of living to its expiry. */
export const PermissionWithdrawal = z.strictObject({ cut_off: z._default(z.boolean(), false) });

/** What is kept of a permission beside the permission itself. Seconds. */
export interface PermissionRecord {
  /** Whether the tenant file or the API decided last. */
  readonly origin?: "file" | "api";
  /** What the consumer asked for; what is granted is never more. */
  readonly asked?: PermissionContents;
  /** `operator/` or `client/` and the name. */
  readonly requestedBy?: string;
  readonly requestedAt?: number;
  readonly decidedBy?: string;
  readonly decidedAt?: number;
  /** What the consumer was issued for the provider up to then is dead. */
  readonly cutoff?: number;
}
