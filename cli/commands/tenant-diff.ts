import type { TenantFile } from "../../src/tenants/tenant.ts";
import { type Command, CommandFailed, readArguments } from "../command.ts";
import { type Difference, differences } from "../differences.ts";
import { applyTenant, exportTenant } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { readTenantFile } from "../tenant-file.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, prune: { type: "boolean", default: false } } as const;

/** `tenant diff FILE`: what an application of a file would change. */
export const tenantDiff: Command = {
  words: "tenant diff",
  summary: "show what applying a tenant file would change, member by member",
  help: `tenant diff FILE [--prune] [--env NAME] [--url URL] [--key FILE] [--json]

Shows what tenant apply would change and changes nothing: each record, and each member with what it is (-) and what it
would be (+). Secrets and their hashes are not shown, only that they differ.

  --prune      as tenant apply --prune: also what the file does not declare
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["FILE"]);
    const { written, file } = readTenantFile(positionals[0] ?? "");
    const operator = readOperator(values, file.issuer);
    const { changes } = await applyTenant(operator, written, { prune: values.prune, dryRun: true });
    const { tenant } = changes.length === 0 ? { tenant: file } : await exportTenant(operator).catch(nothingYet);
    const members = differences(comparable(tenant, values.prune ? undefined : file), comparable(file));
    if (values.json) return terminal.out(JSON.stringify({ changes, members }));
    if (changes.length === 0) return terminal.out("no changes");
    terminal.out([...changes.map(({ action, record }) => `${action} ${record}`), ...members.flatMap(lines)].join("\n"));
  },
};

// Before the first application there is nothing to compare with.
function nothingYet(error: unknown): { readonly tenant: unknown } {
  if (error instanceof CommandFailed && error.message.includes(" 404 ")) return { tenant: undefined };
  throw error;
}

// Permissions by whom they concern; without what this file leaves out, and an application therefore leaves alone.
function comparable(tenant: unknown, only?: TenantFile): unknown {
  if (tenant === undefined) return undefined;
  const { $schema: _schema, ...file } = tenant as TenantFile;
  const permissions = Object.fromEntries(file.permissions.map((permission) => [`${permission.consumer} ${permission.provider}`, permission]));
  const declared = only === undefined ? undefined : (comparable(only) as Record<"clients" | "identityProviders" | "permissions", object>);
  const keep = (member: "clients" | "identityProviders" | "permissions", values: object) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => declared === undefined || Object.hasOwn(declared[member], name)));
  return { ...file, clients: keep("clients", file.clients), identityProviders: keep("identityProviders", file.identityProviders), permissions: keep("permissions", permissions) };
}

function lines({ path, before, after }: Difference): readonly string[] {
  return [...(before === undefined ? [] : [`- ${path}: ${before}`]), ...(after === undefined ? [] : [`+ ${path}: ${after}`])];
}
