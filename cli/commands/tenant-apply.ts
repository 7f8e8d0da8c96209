import { type Command, readArguments } from "../command.ts";
import { applyTenant, type Change } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { readTenantFile } from "../tenant-file.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, prune: { type: "boolean", default: false }, "dry-run": { type: "boolean", default: false } } as const;

/** `tenant apply FILE`: makes a tenant what its file declares, and prints what changed. */
export const tenantApply: Command = {
  words: "tenant apply",
  summary: "make a running tenant what its file declares and print what changed",
  help: `tenant apply FILE [--prune] [--dry-run] [--env NAME] [--url URL] [--key FILE] [--json]

Creates and changes what the file declares, at the file's own issuer unless --url, --local or --env says otherwise.
Deletes nothing without --prune, and never touches permissions that were decided through the API.
A file above 2 MB goes in parts, each of them right by itself: what is interrupted is simply applied again.

  --prune      also delete what the file does not declare
  --dry-run    print what would change and change nothing
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["FILE"]);
    const { written, file } = readTenantFile(positionals[0] ?? "");
    const operator = readOperator(values, file.issuer);
    terminal.note(`applying to ${operator.issuer} as ${operator.key.kid}`);
    const applied = await applyTenant(operator, written, { prune: values.prune, dryRun: values["dry-run"] }, terminal.note);
    if (values.json) terminal.out(JSON.stringify(applied));
    else terminal.out(applied.changes.length === 0 ? "no changes" : describe(applied.changes, values["dry-run"]).join("\n"));
  },
};

function describe(changes: readonly Change[], dryRun: boolean): string[] {
  return changes.map(({ action, record }) => `${dryRun ? "would " : ""}${action} ${record}`);
}
