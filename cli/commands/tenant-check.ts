import { type Command, CommandFailed, readArguments } from "../command.ts";
import { readTenantFile } from "../tenant-file.ts";

const OPTIONS = { json: { type: "boolean", default: false } } as const;

/** `tenant check FILE`: whether a tenant file is right, and every problem at once if it is not. */
export const tenantCheck: Command = {
  words: "tenant check",
  summary: "check a tenant file and print every problem with its path",
  help: `tenant check FILE [--json]

Checks a tenant file without a server: its shape, and what its parts say of each other.

  --json   print {"ok":…,"problems":[{"path":…,"message":…}]} on standard output`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["FILE"]);
    const [name = ""] = positionals;
    try {
      const { file } = readTenantFile(name);
      const counts = `clients ${Object.keys(file.clients).length}, identity providers ${Object.keys(file.identityProviders).length}, permissions ${file.permissions.length}`;
      terminal.out(values.json ? JSON.stringify({ ok: true, problems: [] }) : `${name}: ok (${counts})`);
    } catch (error) {
      if (values.json && error instanceof CommandFailed) terminal.out(JSON.stringify({ ok: false, problems: error.problems }));
      throw error;
    }
  },
};
