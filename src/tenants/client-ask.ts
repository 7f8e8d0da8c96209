import * as z from "zod/mini";
import { Thumbprint, TlsCertificate } from "./client.ts";

/** Adds a client: its id, and the rest as a tenant file has it under `clients`. */
export const ClientAddition = z.strictObject({ id: z.string(), client: z._default(z.looseObject({}), {}) });

/** Adds a certificate: of a CA, or one that is known itself. */
export const CertificateAddition = z.union([TlsCertificate, z.strictObject({ thumbprint: Thumbprint })]);

/** Adds a secret. `limit`: how many may be valid at once then; `expiresIn`: seconds. */
export const SecretAddition = z.strictObject({
  limit: z._default(z.int().check(z.gte(1), z.lte(20)), 2),
  expiresIn: z.optional(z.int().check(z.gte(60), z.lte(315_360_000))),
});
