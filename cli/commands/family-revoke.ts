import { type Command, readArguments } from "../command.ts";
import { drawFamily } from "../family-tree.ts";
import { revokeFamily } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, node: { type: "string" } } as const;

/** `family revoke FAMILY-ID`: kills a family, or one node with everything below it. */
export const familyRevoke: Command = {
  words: "family revoke",
  summary: "kill a token family, or one node with everything below it",
  help: `family revoke FAMILY-ID [--node ID] [--url URL] [--key FILE] [--json]

Kills everything that came of one login, its session included, and draws what is left. With --node, only that grant or
token with everything that was exchanged from it; family trace names the ids.

  --node ID    the grant or token to kill with what is below it
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["FAMILY-ID"]);
    const family = await revokeFamily(readOperator(values), positionals[0] ?? "", values.node);
    terminal.out(values.json ? JSON.stringify(family) : drawFamily(family, { now: Math.floor(Date.now() / 1000) }).join("\n"));
  },
};
