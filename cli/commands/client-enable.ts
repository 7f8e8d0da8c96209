import { printClient, switchClient } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client enable ID`. */
export const clientEnable: Command = {
  words: "client enable",
  summary: "take back that a client was switched off",
  help: `client enable ID [--env NAME] [--url URL] [--key FILE] [--json]

Takes back client disable. A client that its tenant file disables is enabled there.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID"]);
    printClient(terminal, await switchClient(readOperator(values), positionals[0] ?? "", "enable"), values.json);
  },
};
