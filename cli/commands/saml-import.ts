import { type Command, readArguments } from "../command.ts";
import { readMetadata } from "../saml-metadata.ts";

/** `saml import`: a corporate SAML identity provider, as a tenant file has it. */
export const samlImport: Command = {
  words: "saml import",
  summary: "read the metadata of a SAML identity provider, and print what a tenant file says of it",
  help: `saml import FILE

Reads the metadata of one SAML identity provider and prints its entity id, the address of its logins (redirect binding) and
its certificates for signing, as they stand under an alias in samlIdentityProviders of a tenant file. Add what becomes of
its attributes ("attributes"). Get the file from the identity provider itself, by a way that you trust: its certificates
decide whose word is believed.`,
  async run(args, terminal) {
    const { positionals } = readArguments(args, {}, ["FILE"]);
    terminal.out(JSON.stringify(readMetadata(positionals[0] ?? ""), null, 2));
  },
};
