import { type Command, CommandFailed, readArguments } from "../command.ts";
import { checkProvider, identityProvidersOf } from "../identity-providers.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS } from "../operator-options.ts";
import { checkSamlProvider } from "../saml-identity-providers.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, file: { type: "string" } } as const;

/** `idp check`: fetches discovery and keys of each identity provider, as the Worker would. */
export const idpCheck: Command = {
  words: "idp check",
  summary: "fetch discovery and keys of each identity provider, and say what was found",
  help: `idp check [--file FILE] [--env NAME] [--url URL] [--key FILE] [--json]

Fetches the discovery document and the key set of each identity provider from this machine, within the bounds of the
Worker: 5 s and 256 KiB each, no redirects, https at a public name (http on localhost). Of SAML providers, whose
records hold it all, it looks at the certificates. Exit code 1 if one cannot be used.

  --file FILE  those of this tenant file; asks no server of ours
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    const { identityProviders, samlIdentityProviders } = await identityProvidersOf(values, values.file);
    const providers = Object.entries(identityProviders);
    terminal.note(`asking ${providers.length} identity provider${providers.length === 1 ? "" : "s"}`);
    const asked = await Promise.all(providers.map(([alias, provider]) => checkProvider(alias, provider)));
    const findings = [...asked, ...Object.entries(samlIdentityProviders).map(([alias, provider]) => checkSamlProvider(alias, provider))];
    if (values.json) terminal.out(JSON.stringify(findings));
    else
      for (const { alias, issuer, ok, found } of findings) terminal.out([`${alias}: ${ok ? "ok" : "cannot be used"} (${issuer})`, ...found.map((line) => `  ${line}`)].join("\n"));
    const bad = findings.filter(({ ok }) => !ok).map(({ alias }) => alias);
    if (bad.length > 0) throw new CommandFailed(`cannot be used: ${bad.join(", ")}`);
  },
};
