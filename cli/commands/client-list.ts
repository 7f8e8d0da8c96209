import { listClients } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";
import { table } from "../table.ts";

/** `client list`: every client in a line. */
export const clientList: Command = {
  words: "client list",
  summary: "list the clients of a tenant",
  help: `client list [--env NAME] [--url URL] [--key FILE] [--json]

Lists the clients of a tenant: dialect, authentication, whether they are enabled, and how many secrets are valid.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPERATOR_OPTIONS);
    const list = await listClients(readOperator(values));
    if (values.json) return terminal.out(JSON.stringify(list));
    const rows = list.clients.map((client) => [
      ...[client.id, client.dialect, client.authenticationMethods.join(" "), client.disabled ? "disabled" : "enabled"],
      ...[String(client.validSecrets), client.displayName ?? ""],
    ]);
    terminal.out(table([["CLIENT", "DIALECT", "AUTHENTICATION", "STATE", "SECRETS", "NAME"], ...rows]).join("\n"));
  },
};
