import { addSecret, printClient } from "../clients-api.ts";
import { type Command, readArguments, UsageError } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, limit: { type: "string" }, "expires-in": { type: "string" } } as const;

/** `client secret add ID`: draws a secret and prints it once. */
export const clientSecretAdd: Command = {
  words: "client secret add",
  summary: "draw a new secret for a client and print it, once; the old one stays valid",
  help: `client secret add ID [--limit N] [--expires-in SECONDS] [--env NAME] [--url URL] [--key FILE] [--json]

Draws a secret of 256 bits for a client. It goes to standard output alone; only its hash is kept. Secrets that there are
stay valid: give the new one to the application, then retire the old one.

  --limit N             how many may be valid at once then, 1 to 20 (2)
  --expires-in SECONDS  when the new one ends by itself (never)
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["ID"]);
    const body = { ...count("limit", values.limit), ...count("expiresIn", values["expires-in"]) };
    printClient(terminal, await addSecret(readOperator(values), positionals[0] ?? "", body), values.json);
  },
};

function count(member: string, text: string | undefined): object {
  if (text === undefined) return {};
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new UsageError(`"${text}" is not a number`);
  return { [member]: Number(text) };
}
