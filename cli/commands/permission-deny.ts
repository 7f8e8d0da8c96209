import { type Command, readArguments } from "../command.ts";
import { decidePermission } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { permissionLine } from "../permission-lines.ts";

/** `permission deny CONSUMER PROVIDER`: denies what was asked for. */
export const permissionDeny: Command = {
  words: "permission deny",
  summary: "deny what was asked for",
  help: `permission deny CONSUMER PROVIDER [--url URL] [--key FILE] [--json]

Denies what was asked for. It may be asked for again.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["CONSUMER", "PROVIDER"]);
    const permission = await decidePermission(readOperator(values), "deny", positionals, {});
    terminal.out(values.json ? JSON.stringify(permission) : permissionLine(permission));
  },
};
