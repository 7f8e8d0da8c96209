import { type Command, readArguments } from "../command.ts";
import { decidePermission } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { CONTENTS_HELP, CONTENTS_OPTIONS, readContents } from "../permission-contents.ts";
import { permissionLine } from "../permission-lines.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, ...CONTENTS_OPTIONS } as const;

/** `permission grant CONSUMER PROVIDER`: grants what was asked for, or less. */
export const permissionGrant: Command = {
  words: "permission grant",
  summary: "grant what was asked for, or less of it",
  help: `permission grant CONSUMER PROVIDER [--scope SCOPE]... [--api NAME]... [--token-type TYPE]... [--url URL] [--key FILE] [--json]

Grants what was asked for. What is named is granted instead, and is never more than what was asked for.

${CONTENTS_HELP}
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["CONSUMER", "PROVIDER"]);
    const permission = await decidePermission(readOperator(values), "grant", positionals, readContents(values));
    terminal.out(values.json ? JSON.stringify(permission) : permissionLine(permission));
  },
};
