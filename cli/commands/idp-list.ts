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
    const { identityProviders, samlIdentityProviders } = await identityProvidersOf(values, values.file);
    if (values.json) return terminal.out(JSON.stringify({ ...identityProviders, ...samlIdentityProviders }));
    const state = ({ disabled }: { readonly disabled: boolean }) => (disabled ? "disabled" : "enabled");
    const openid = Object.entries(identityProviders).map(([alias, idp]) => [alias, "OpenID", idp.issuer, idp.clientId, idp.clientSecretName, state(idp)]);
    const saml = Object.entries(samlIdentityProviders).map(([alias, idp]) => [alias, "SAML", idp.entityId, "", "", state(idp)]);
    terminal.out(table([["ALIAS", "KIND", "ISSUER", "CLIENT", "SECRET", "STATE"], ...openid, ...saml]).join("\n"));
  },
};
