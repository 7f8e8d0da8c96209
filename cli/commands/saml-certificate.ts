import { pem } from "../certificate.ts";
import { type Command, CommandFailed, readArguments } from "../command.ts";
import { readIssuer } from "../operator-options.ts";

const OPTIONS = { url: { type: "string" }, local: { type: "boolean", default: false }, env: { type: "string" }, all: { type: "boolean", default: false } } as const;

/** `saml certificate`: what an application verifies our assertions with. */
export const samlCertificate: Command = {
  words: "saml certificate",
  summary: "print the certificate that verifies SAML assertions, in PEM",
  help: `saml certificate [--all] [--env NAME] [--url URL]

Reads /saml2/metadata and prints the certificate of the key that signs assertions now, for applications that do not read
metadata themselves.

  --all        every certificate that is published, the current one first: during a rotation there are two
  --url URL    the issuer to ask (http://localhost:8787)
  --env NAME   ask the one issuer of this environment of wrangler.toml`,
  async run(args, terminal) {
    const { values } = readArguments(args, OPTIONS);
    const url = `${new URL(readIssuer(values)).origin}/saml2/metadata`;
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status !== 200) throw new CommandFailed(`${url} ${answer === undefined ? "cannot be reached" : `answered ${answer.status}`}`);
    // Each of our two roles has them.
    const certificates = [...new Set([...(await answer.text()).matchAll(/<ds:X509Certificate>([A-Za-z0-9+/=]+)</g)].map(([, base64 = ""]) => pem(base64)))];
    if (certificates.length === 0) throw new CommandFailed("no SAML key is published: cambio keys rotate --algorithm SAML makes one");
    terminal.out((values.all ? certificates : certificates.slice(0, 1)).join("\n"));
  },
};
