import { printClient, retireCertificate } from "../clients-api.ts";
import { type Command, readArguments } from "../command.ts";
import { OPERATOR_HELP, OPERATOR_OPTIONS, readOperator } from "../operator-options.ts";

/** `client certificate retire ID CERTIFICATE`: a certificate proves the client no longer. */
export const clientCertificateRetire: Command = {
  words: "client certificate retire",
  summary: "end a certificate that client certificate add has registered",
  help: `client certificate retire ID CERTIFICATE [--env NAME] [--url URL] [--key FILE] [--json]

Ends a certificate. CERTIFICATE is the beginning of its id as client show prints it, 8 characters at least. One that the
tenant file declares goes with the file.

${OPERATOR_HELP}`,
  async run(args, terminal) {
    const { values, positionals } = readArguments(args, OPERATOR_OPTIONS, ["ID", "CERTIFICATE"]);
    const [id = "", certificate = ""] = positionals;
    printClient(terminal, await retireCertificate(readOperator(values), id, certificate), values.json);
  },
};
