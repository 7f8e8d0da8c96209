import * as z from "zod/mini";

/**
 * A role that a client defines for itself, and who holds it: users written `idp/login`, groups of the corporate IdP,
 * or other clients. Only the owner of the role can put it into a token (the target decides, never the source).
 */
export const Role = z.strictObject({
  users: z._default(z.array(z.string().check(z.regex(/^[a-z0-9-]{1,32}\/.{1,200}$/, "a user is written idp/login"))), []),
  groups: z._default(z.array(z.string().check(z.minLength(1), z.maxLength(200))), []),
  clients: z._default(z.array(z.string()), []),
});
export type Role = z.output<typeof Role>;
