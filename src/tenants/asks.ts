import * as z from "zod/mini";
import { CertificateAddition, ClientAddition, SecretAddition } from "./client-ask.ts";
import { FamilyLookup, FamilyRevocation } from "./family-ask.ts";
import { KeyDrop } from "./key-ask.ts";
import { PermissionDenial, PermissionGrant, PermissionRequest, PermissionWithdrawal } from "./permission.ts";
import type { Read } from "./schema-reader.ts";
import { UserRevocation } from "./user-ask.ts";

/** What may be asked of `/api/v1`, by name. */
const schemas = {
  nothing: z.strictObject({}),
  clientAddition: ClientAddition,
  certificateAddition: CertificateAddition,
  secretAddition: SecretAddition,
  familyLookup: FamilyLookup,
  familyRevocation: FamilyRevocation,
  keyDrop: KeyDrop,
  permissionRequest: PermissionRequest,
  permissionGrant: PermissionGrant,
  permissionDenial: PermissionDenial,
  permissionWithdrawal: PermissionWithdrawal,
  userRevocation: UserRevocation,
} as const;

/** The name of something that may be asked. */
export type AskName = keyof typeof schemas;

/** What each is once it has been read. */
export type Asks = { readonly [Name in AskName]: z.output<(typeof schemas)[Name]> };

/** Reads a body against its schema; every problem at once. */
export function readAsk<Name extends AskName>(name: Name, body: unknown): Read<Asks[Name]> {
  const schema: z.ZodMiniType<Asks[AskName]> = schemas[name];
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return { ok: true, value: parsed.data as Asks[Name] };
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join("."), message })) };
}
