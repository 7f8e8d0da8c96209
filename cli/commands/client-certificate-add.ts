import { knownCertificate } from "../client-certificate.ts";
import { addCertificate, printClient } from "../clients-api.ts";
import { type Command, readArguments, UsageError } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

const OPTIONS = { ...OPERATOR_OPTIONS, ca: { type: "string" }, san: { type: "string" } } as const;

/** `client certificate add ID FILE`: lets a client authenticate with a certificate. */
export const clientCertificateAdd: Command = {
  words: "client certificate add",
  summary: "let a client authenticate with a certificate, beside those that it has",
  help: `client certificate add ID FILE [--ca FILE [--san NAME]] [--env NAME] [--url URL] [--key FILE] [--json]

Registers a client certificate, of at most 80. FILE is the certificate (PEM or DER, no private key); - reads it from
standard input. With --ca it is known by its subject and that CA (tls_client_auth), so that its successor of the same
subject is known too; without, by its own thumbprint (self_signed_tls_client_auth).

  --ca FILE    the certificate of the CA that issued it, which the zone must trust too
  --san NAME   with --ca: know it by this alternative name in place of its subject: dns:NAME, uri:URI, email:ADDRESS, ip:ADDRESS
${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPTIONS, ["ID", "FILE"]);
    const [id = "", file = ""] = positionals;
    if (values.san !== undefined && values.ca === undefined) throw new UsageError("--san goes with --ca FILE");
    printClient(terminal, await addCertificate(readOperator(values), id, knownCertificate(file, values.ca, values.san)), values.json);
  },
};
