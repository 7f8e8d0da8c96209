import { addClient, printClient } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { readJsonInput } from "../json-input.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client add ID FILE`: adds a client and prints the secret that was drawn for it. */
export const clientAdd: Command = {
  words: "client add",
  summary: "add a client and print the secret that was drawn for it, once",
  help: `client add ID FILE [--env NAME] [--url URL] [--key FILE] [--json]

Adds a client. FILE is what stands under clients.ID in a tenant file, such as {"grants":["client_credentials"]}; - reads
it from standard input. A client that needs a secret is given one of 256 bits: it goes to standard output alone, the
rest to standard error, and only its hash is kept.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID", "FILE"]);
    const [id = "", file = ""] = positionals;
    printClient(terminal, await addClient(readOperator(values), id, readJsonInput(file)), values.json);
  },
};
