import { relative } from "node:path";
import type { RunningMtls } from "./mtls.ts";
import { revocation } from "./mtls-ca.ts";

/** What to try next: a token by certificate, its exchange over the same connection, and neither without it. */
export function mtlsNextSteps(running: RunningMtls): string {
  return `
Cambio is at ${running.issuer}, and at ${running.mtlsUrl} with a client certificate; the demo identity providers are at ${running.idp} and ${running.partner}. Ctrl-C ends all.
The issuer is ${running.issuer} in either place: the TLS port hands requests on as if they had been sent there.

Try, in another terminal, in this directory:

${mtlsLines(running)}

To see it refused, revoke the certificate, and ask again (\`npm run start:mtls -- --fresh\` makes new ones):

${revocation(running.ca, running.gateway.cert).map(shown).join(" ")}`;
}

/** The lines alone; each step can be pasted by itself after those before it. */
export function mtlsLines({ issuer, mtlsUrl, ca, gateway }: RunningMtls): string {
  const curl = `curl -sS --cacert ${shown(ca.cert)}`;
  const withCertificate = `${curl} --cert ${shown(gateway.cert)} --key ${shown(gateway.key)}`;
  return `# 1. gateway, which has no secret, shows its certificate and gets a token for the orders API that is bound to it (cnf).
TOKEN=$(${withCertificate} ${mtlsUrl}/oauth2/token -d grant_type=client_credentials -d client_id=gateway -d audience=orders-api | node -p 'JSON.parse(require("node:fs").readFileSync(0)).access_token')
node -p 'JSON.parse(Buffer.from(process.argv[1].split(".")[1], "base64url")).cnf' -- "$TOKEN"

# 2. The token is exchanged over a connection with that certificate.
${withCertificate} ${mtlsUrl}/oauth2/token -d client_id=gateway -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d "subject_token=$TOKEN" -d subject_token_type=urn:ietf:params:oauth:token-type:access_token -d audience=orders-api; echo

# 3. Without a certificate gateway is nobody, and so it is on the plain port.
${curl} ${mtlsUrl}/oauth2/token -d grant_type=client_credentials -d client_id=gateway; echo
curl -sS ${issuer}/oauth2/token -d grant_type=client_credentials -d client_id=gateway; echo`;
}

function shown(word: string): string {
  const short = word.startsWith("/") ? relative("", word) : word;
  return /^[\w./=:-]+$/.test(short) ? short : `'${short.replaceAll("'", String.raw`'\''`)}'`;
}
