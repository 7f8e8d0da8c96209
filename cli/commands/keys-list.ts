import { type Command, readArguments } from "../command.ts";
import { keyLines, listKeys } from "../keys-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `keys list`: which keys there are, and what may become of each when. */
export const keysList: Command = {
  words: "keys list",
  summary: "list signing and token keys: role, since when, and when the next step may be taken",
  help: `keys list [--env NAME] [--url URL] [--key FILE] [--json]

Lists the keys of a tenant: next (published), current (signs or seals), previous (trusted), dropped (gone). DEPLOYED is
whether the version of the Worker that answers holds the key.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPERATOR_OPTIONS);
    const keys = await listKeys(readOperator(values));
    terminal.out(values.json ? JSON.stringify(keys) : keyLines(keys).join("\n"));
  },
};
