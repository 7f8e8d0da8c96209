import { printClient, showClient } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client show ID`: one client, without its secrets. */
export const clientShow: Command = {
  words: "client show",
  summary: "show one client and which secrets it has, never the secrets",
  help: `client show ID [--env NAME] [--url URL] [--key FILE] [--json]

Shows one client. Of its secrets only the beginning of the hash, whose they are, since when and until when. --json has
everything that its file declares.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID"]);
    printClient(terminal, await showClient(readOperator(values), positionals[0] ?? ""), values.json);
  },
};
