import { type Command, readArguments } from "../command.ts";
import { decidePermission } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { permissionLine } from "../permission-lines.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, "cut-off": { type: "boolean", default: false } } as const;

/** `permission withdraw CONSUMER PROVIDER`: nothing is exchanged or refreshed under it any more. */
export const permissionWithdraw: Command = {
  words: "permission withdraw",
  summary: "withdraw a permission, and with --cut-off also what was issued under it",
  help: `permission withdraw CONSUMER PROVIDER [--cut-off] [--url URL] [--key FILE] [--json]

Nothing is exchanged or refreshed under the permission any more, everywhere within ten seconds. What was issued lives to
its expiry. It may be asked for again.

  --cut-off    what the consumer was issued for the provider is dead as well
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["CONSUMER", "PROVIDER"]);
    const permission = await decidePermission(readOperator(values), "withdraw", positionals, { cut_off: values["cut-off"] });
    terminal.out(values.json ? JSON.stringify(permission) : permissionLine(permission));
  },
};
