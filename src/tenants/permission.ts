import * as z from "zod/mini";
import { ClientId, ScopeToken } from "./primitives.ts";

/** The state of a permission; only `granted` lets a token through. */
export const PermissionStatus = z.enum(["requested", "granted", "denied", "withdrawn"]);

/** What may be asked for under a permission: names of issued token types. */
export const GrantableTokenType = z.enum(["access_token", "refresh_token", "id_token", "saml2"]);
export type GrantableTokenType = z.output<typeof GrantableTokenType>;

/** "The consumer may obtain tokens for the provider." Granted by the provider's owner only. */
export const Permission = z.strictObject({
  consumer: ClientId,
  provider: ClientId,
  /** Unique per consumer; what `urn:sap:identity:application:provider:name:` names. */
  name: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,50}$/, "a permission's name is 1 to 50 of A-Z a-z 0-9 . _ -")),
  apis: z._default(z.array(z.string().check(z.regex(/^[A-Za-z0-9._-]{1,50}$/))), []),
  scopes: z._default(z.array(ScopeToken), []),
  tokenTypes: z._default(z.array(GrantableTokenType), ["access_token"]),
  status: z._default(PermissionStatus, "granted"),
});
export type Permission = z.output<typeof Permission>;
