import { type Command, readArguments } from "../command.ts";
import { listPermissions } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { permissionTable } from "../permission-lines.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, consumer: { type: "string" }, provider: { type: "string" }, status: { type: "string" } } as const;

/** `permission list`: who may obtain tokens for whom. */
export const permissionList: Command = {
  words: "permission list",
  summary: "list who may obtain tokens for whom, and who asks to",
  help: `permission list [--consumer CLIENT] [--provider CLIENT] [--status STATUS] [--url URL] [--key FILE] [--json]

Lists permissions with what they permit and who decided last.

  --consumer CLIENT  only those of this consumer
  --provider CLIENT  only those for this provider
  --status STATUS    only those requested, granted, denied or withdrawn
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    const { consumer, provider, status } = values;
    const list = await listPermissions(readOperator(values), { consumer, provider, status });
    if (values.json) terminal.out(JSON.stringify(list));
    else terminal.out(list.permissions.length === 0 ? "no permissions" : permissionTable(list.permissions).join("\n"));
    if (list.truncated) terminal.note("there are more: name a consumer or a provider");
  },
};
