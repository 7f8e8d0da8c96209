import { type Command, readArguments } from "../command.ts";
import { requestPermission } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { CONTENTS_HELP, CONTENTS_OPTIONS, readContents } from "../permission-contents.ts";
import { permissionLine } from "../permission-lines.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, ...CONTENTS_OPTIONS, name: { type: "string" } } as const;

/** `permission request CONSUMER PROVIDER`: asks that a consumer may obtain tokens for a provider. */
export const permissionRequest: Command = {
  words: "permission request",
  summary: "ask that one client may obtain tokens for another",
  help: `permission request CONSUMER PROVIDER [--name NAME] [--scope SCOPE]... [--api NAME]... [--token-type TYPE]... [--url URL] [--key FILE] [--json]

Asks in the consumer's name. Nothing is permitted until the provider's owner, or an operator, grants it.

  --name NAME       the permission's name, unique for the consumer (the provider's id)
${CONTENTS_HELP}
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["CONSUMER", "PROVIDER"]);
    const [consumer, provider] = positionals;
    const permission = await requestPermission(readOperator(values), { consumer, provider, name: values.name ?? provider, ...readContents(values) });
    terminal.out(values.json ? JSON.stringify(permission) : permissionLine(permission));
  },
};
