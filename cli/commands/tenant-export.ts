import { type Command, readArguments } from "../command.ts";
import { exportTenant } from "../operator-api.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `tenant export`: the tenant file that the running configuration stands for. */
export const tenantExport: Command = {
  words: "tenant export",
  summary: "print the tenant file that the running configuration stands for",
  help: `tenant export [--env NAME] [--url URL] [--key FILE] [--json]

Prints a tenant file with every default filled in, what was decided through the API included; good to apply again.
It holds hashes of secrets, never a secret (but a development secret, on localhost).

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPERATOR_OPTIONS);
    const { version, tenant } = await exportTenant(readOperator(values));
    terminal.note(`version ${version}`);
    terminal.out(values.json ? JSON.stringify({ version, tenant }) : JSON.stringify(tenant, null, 2));
  },
};
