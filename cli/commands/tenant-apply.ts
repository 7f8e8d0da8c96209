import { isLocalhost } from "../../src/protocol/uri.ts";
import { type Command, readArguments, UsageError } from "../command.ts";
import { localState } from "../local/state.ts";
import { applyTenant, type Change } from "../operator-api.ts";
import { readOperatorKey } from "../operator-key.ts";
import { readTenantFile } from "../tenant-file.ts";

const OPTIONS = {
  url: { type: "string" },
  key: { type: "string" },
  prune: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

/** `tenant apply FILE`: makes a tenant what its file declares, and prints what changed. */
export const tenantApply: Command = {
  words: "tenant apply",
  summary: "make a running tenant what its file declares and print what changed",
  help: `tenant apply FILE [--url URL] [--key FILE] [--prune] [--dry-run] [--json]

Creates and changes what the file declares. Deletes nothing without --prune, and never touches permissions
that were decided through the API.

  --url URL    the issuer to apply it at (the file's issuer)
  --key FILE   the operator's private key, a JWK whose kid is the operator's name (.cambio/PORT/operator.jwk.json)
  --prune      also delete what the file does not declare
  --dry-run    print what would change and change nothing
  --json       print {"version":…,"changes":[{"action":…,"record":…}]} on standard output`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["FILE"]);
    const { written, file } = readTenantFile(positionals[0] ?? "");
    const issuer = readUrl(values.url ?? file.issuer);
    const key = readOperatorKey(values.key ?? localKeyFile(issuer));
    terminal.note(`applying to ${issuer} as ${key.kid}`);
    const applied = await applyTenant({ issuer, key }, written, { prune: values.prune, dryRun: values["dry-run"] });
    if (values.json) terminal.out(JSON.stringify(applied));
    else terminal.out(applied.changes.length === 0 ? "no changes" : describe(applied.changes, values["dry-run"]).join("\n"));
  },
};

function describe(changes: readonly Change[], dryRun: boolean): string[] {
  return changes.map(({ action, record }) => `${dryRun ? "would " : ""}${action} ${record}`);
}

function readUrl(text: string): string {
  if (!URL.canParse(text)) throw new UsageError(`--url takes an issuer such as https://id.example.com, not "${text}"`);
  return text.replace(/\/+$/, "");
}

function localKeyFile(issuer: string): string {
  const { protocol, hostname, port } = new URL(issuer);
  if (!isLocalhost(hostname)) throw new UsageError(`--key FILE is missing: ${issuer} is not a local server`);
  return localState(Number(port) || (protocol === "https:" ? 443 : 80)).operatorKeyFile;
}
