import * as z from "zod/mini";
import { FamilyAnswer, FoundAnswer } from "../src/endpoints/api/contract/families.ts";
import { PermissionAnswer, PermissionListAnswer } from "../src/endpoints/api/contract/permissions.ts";
import { RevokedUserAnswer } from "../src/endpoints/api/contract/users.ts";
import { CommandFailed } from "./command.ts";
import { type OperatorKey, operatorToken } from "./operator-key.ts";
import { type TenantPart, tenantParts } from "./tenant-parts.ts";

/** What an apply did, or would do, to one record. */
export const Change = z.object({ action: z.enum(["create", "change", "delete"]), record: z.string() });
export type Change = z.output<typeof Change>;

/** The outcome of an apply: the version that is current now and the changes that led there. */
export const Applied = z.object({ version: z.int(), changes: z.array(Change) });
export type Applied = z.output<typeof Applied>;

const Refusal = z.object({
  error: z.string(),
  error_description: z.optional(z.string()),
  problems: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
});

/** Where the operator API is and who calls. */
export interface Operator {
  readonly issuer: string;
  readonly key: OperatorKey;
}

/** How a tenant file is applied. */
export interface ApplyOptions {
  readonly prune: boolean;
  readonly dryRun: boolean;
}

/**
 * Declares a tenant: creates and changes what the file says, deletes only with `prune`, changes nothing with `dryRun`. What is
 * too large for one request goes in several, each of them a version of its own; `progress` is told before each.
 */
export async function applyTenant(operator: Operator, file: unknown, options: ApplyOptions, progress: (text: string) => void = () => undefined): Promise<Applied> {
  const parts = tenantParts(file);
  const changes = new Map<string, Change>();
  let version = 0;
  for (const [index, part] of parts.entries()) {
    if (parts.length > 1) progress(`part ${index + 1} of ${parts.length}`);
    const applied = await applyPart(operator, part, options);
    version = applied.version;
    // A dry run names a client in each part that it is in.
    for (const change of applied.changes) if (!changes.has(change.record)) changes.set(change.record, change);
  }
  return { version, changes: [...changes.values()] };
}

async function applyPart(operator: Operator, { file, ...bounds }: TenantPart, { prune, dryRun }: ApplyOptions): Promise<Applied> {
  const query = new URLSearchParams({ ...(prune && { prune: "true", ...bounds }), ...(dryRun && { dry_run: "true" }) }).toString();
  return Applied.parse(await call(operator, "PUT", `/tenant${query === "" ? "" : `?${query}`}`, JSON.stringify(file)));
}

/** The tenant file that the running configuration stands for, and its version. */
export async function exportTenant(operator: Operator): Promise<{ readonly version: number; readonly tenant: unknown }> {
  return z.object({ version: z.int(), tenant: z.unknown() }).parse(await call(operator, "GET", "/tenant"));
}

/** Permissions by consumer, provider and status. */
export async function listPermissions(operator: Operator, filter: Readonly<Record<string, string | undefined>>): Promise<PermissionListAnswer> {
  const query = new URLSearchParams(Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))).toString();
  return PermissionListAnswer.parse(await call(operator, "GET", `/permissions${query === "" ? "" : `?${query}`}`));
}

/** Asks for a permission in the name of its consumer. */
export async function requestPermission(operator: Operator, body: object): Promise<PermissionAnswer> {
  return PermissionAnswer.parse(await call(operator, "POST", "/permissions", JSON.stringify(body)));
}

/** Decides about a permission in the name of its provider. */
export async function decidePermission(
  operator: Operator,
  decision: "grant" | "deny" | "withdraw",
  [consumer, provider]: readonly string[],
  body: object,
): Promise<PermissionAnswer> {
  const path = ["permissions", consumer ?? "", provider ?? "", decision].map(encodeURIComponent).join("/");
  return PermissionAnswer.parse(await call(operator, "POST", `/${path}`, JSON.stringify(body)));
}

/** The family that a token belongs to. */
export async function lookUpToken(operator: Operator, token: string): Promise<FoundAnswer> {
  return FoundAnswer.parse(await call(operator, "POST", "/families/lookup", JSON.stringify({ token })));
}

/** The tree of a family. */
export async function readFamily(operator: Operator, family: string): Promise<FamilyAnswer> {
  return FamilyAnswer.parse(await call(operator, "GET", `/families/${encodeURIComponent(family)}`));
}

/** Kills a node with everything below it, or the whole family. */
export async function revokeFamily(operator: Operator, family: string, node: string | undefined): Promise<FamilyAnswer> {
  return FamilyAnswer.parse(await call(operator, "POST", `/families/${encodeURIComponent(family)}/revoke`, JSON.stringify(node === undefined ? {} : { node })));
}

/** Kills everything of a user, or what one client or one session has of it. */
export async function revokeUser(operator: Operator, user: string, ask: { readonly client?: string; readonly session?: string }): Promise<RevokedUserAnswer> {
  return RevokedUserAnswer.parse(await call(operator, "POST", `/users/${encodeURIComponent(user)}/revoke`, JSON.stringify(ask)));
}

/** Asks the operator API: signs, sends, and turns a refusal into a failure that says why. */
export async function call(operator: Operator, method: string, path: string, body = ""): Promise<unknown> {
  const url = new URL(`${operator.issuer}/api/v1${path}`);
  const token = await operatorToken(operator.key, { issuer: operator.issuer, method, target: url.pathname + url.search, body });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(url, { method, headers, ...(body === "" ? {} : { body }) }).catch((error: unknown) => {
    throw new CommandFailed(`nothing answers at ${url.origin}: ${reason(error)}`);
  });
  const text = await response.text();
  if (!response.ok) throw refused(response, text);
  return JSON.parse(text);
}

function refused(response: Response, text: string): CommandFailed {
  const refusal = Refusal.safeParse(parse(text));
  if (!refusal.success) return new CommandFailed(`the server answered ${response.status} without saying why`);
  const { error, error_description: description, problems } = refusal.data;
  return new CommandFailed(`the server answered ${response.status} ${error}${description === undefined ? "" : `: ${description}`}`, problems ?? []);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError) return cause.errors.map(reason).join(", ");
  return cause instanceof Error ? cause.message : String(cause);
}
