import { printClient, switchClient } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client disable ID`. */
export const clientDisable: Command = {
  words: "client disable",
  summary: "switch a client off, everywhere within ten seconds",
  help: `client disable ID [--env NAME] [--url URL] [--key FILE] [--json]

Switches a client off. Applying its file again does not switch it on: client enable does.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID"]);
    printClient(terminal, await switchClient(readOperator(values), positionals[0] ?? "", "disable"), values.json);
  },
};
