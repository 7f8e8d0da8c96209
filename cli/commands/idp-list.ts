import { type Command, readArguments } from "../command.ts";
import { identityProvidersOf } from "../identity-providers.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS } from "../operator-options.ts";
import { table } from "../table.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, file: { type: "string" } } as const;

/** `idp list`: the corporate identity providers of a tenant. */
export const idpList: Command = {
  words: "idp list",
  summary: "list the corporate identity providers of a tenant",
  help: `idp list [--file FILE] [--env NAME] [--url URL] [--key FILE] [--json]

Lists the identity providers of the running tenant, or of a tenant file.

  --file FILE  those of this tenant file; asks no server
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    const providers = await identityProvidersOf(values, values.file);
    if (values.json) return terminal.out(JSON.stringify(providers));
    const rows = Object.entries(providers).map(([alias, idp]) => [alias, idp.issuer, idp.clientId, idp.clientSecretName, idp.disabled ? "disabled" : "enabled"]);
    terminal.out(table([["ALIAS", "ISSUER", "CLIENT", "SECRET", "STATE"], ...rows]).join("\n"));
  },
};
