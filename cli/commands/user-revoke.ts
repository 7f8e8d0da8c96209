import { type Command, CommandFailed, readArguments } from "../command.ts";
import { revokeUser } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, client: { type: "string" }, session: { type: "string" } } as const;

/** `user revoke USER-ID`: kills everything of a user, or one client's grants, or one session. */
export const userRevoke: Command = {
  words: "user revoke",
  summary: "kill every token of a user, or those of one client or one session",
  help: `user revoke USER-ID [--client ID | --session SID] [--url URL] [--key FILE] [--json]

Kills everything of a user in every login, what outlives the session included. USER-ID is the sub of the user's tokens;
family trace names it too. If not every login can be reached at once, it says so and the server goes on by itself.

  --client ID    only what this client was granted
  --session SID  only what ends with this session: the sid of the user's tokens
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["USER-ID"]);
    const { client, session } = values;
    if (client !== undefined && session !== undefined) throw new CommandFailed("--client and --session exclude each other");
    const ask = { ...(client === undefined ? {} : { client }), ...(session === undefined ? {} : { session }) };
    const answer = await revokeUser(readOperator(values), positionals[0] ?? "", ask);
    terminal.out(values.json ? JSON.stringify(answer) : `revoked ${answer.revoked} of ${answer.user}`);
  },
};
