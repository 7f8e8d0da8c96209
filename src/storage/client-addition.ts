import type { Checked, Problem } from "../tenants/check.ts";
import type { Client } from "../tenants/client.ts";
import type { SchemaReader } from "../tenants/schema-reader.ts";
import type { TenantFile } from "../tenants/tenant.ts";
import type { ClientAct, ClientChange } from "./tenant-store.ts";

/** A tenant's file at a version, as it is exported. */
export interface Exported {
  readonly version: number;
  readonly file: TenantFile | undefined;
}

type Addition = Extract<ClientAct, { readonly action: "add" }>;
type CheckedAddition = Extract<ClientChange, { readonly action: "add" }>;

/**
 * Judges a client that is to be added as a part of the whole file, so that nothing holds here that would not hold there.
 * What comes of it is for this version of the tenant only.
 */
export async function checkAddition(schemas: SchemaReader, { version, file }: Exported, id: string, act: Addition): Promise<CheckedAddition | readonly Problem[]> {
  const { secretHash } = act;
  // Nothing to add to, or nothing to add: that is for the one who writes to say.
  if (file === undefined || Object.hasOwn(file.clients, id)) return { action: "add", version, secretHash, takesSecret: false };
  const takesSecret = wantsSecret(act.client);
  const candidate = takesSecret ? { ...Object(act.client), secrets: [{ hash: secretHash }] } : act.client;
  const checked = await schemas.checkTenantFile({ ...file, clients: { ...file.clients, [id]: candidate } });
  if (!checked.ok) return newProblems(await schemas.checkTenantFile(file), checked.problems);
  const client = checked.file.clients[id] as Client;
  return { action: "add", version, secretHash, takesSecret, client: takesSecret ? { ...client, secrets: [] } : client };
}

// A confidential client that brings no secret, and would need one, gets the one that was drawn.
function wantsSecret(client: unknown): boolean {
  const { public: isPublic, secrets, developmentSecret, authenticationMethods: methods } = Object(client) as Partial<Record<keyof Client, unknown>>;
  if (isPublic === true || developmentSecret !== undefined || (Array.isArray(secrets) && secrets.length > 0)) return false;
  return !Array.isArray(methods) || methods.some((method) => String(method).startsWith("client_secret"));
}

function newProblems(before: Checked, after: readonly Problem[]): readonly Problem[] {
  const known = new Set(before.ok ? [] : before.problems.map((problem) => JSON.stringify(problem)));
  return after.filter((problem) => !known.has(JSON.stringify(problem)));
}
