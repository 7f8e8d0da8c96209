import { printClient, retireSecret } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client secret retire ID HASH`: a secret is valid no longer. */
export const clientSecretRetire: Command = {
  words: "client secret retire",
  summary: "end a secret of a client, by the beginning of its hash",
  help: `client secret retire ID HASH [--env NAME] [--url URL] [--key FILE] [--json]

Ends a secret, whoever declared it; applying the file again does not bring it back. HASH is its beginning as client show
prints it, 8 characters at least. The last valid secret stays: add another first, or disable the client.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID", "HASH"]);
    const [id = "", hash = ""] = positionals;
    printClient(terminal, await retireSecret(readOperator(values), id, hash), values.json);
  },
};
