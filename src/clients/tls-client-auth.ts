import type { Client } from "../tenants/client.ts";
import type { AuthenticationMethod } from "./authentication-method.ts";
import { type ClientCertificate, clientCertificate } from "./certificate.ts";
import { subjectAltNames } from "./subject-alt-names.ts";

/** A certificate of a CA (RFC 8705 §2.1): the registered subject or alternative name, letter by letter, from the registered issuer. */
export const tlsClientAuth: AuthenticationMethod = {
  name: "tls_client_auth",
  ambient: true,
  presented: (form, { request, service }) => {
    const clientId = form.get("client_id");
    const certificate = clientCertificate(request, service.now());
    if (clientId === undefined || certificate?.isVerified !== true) return undefined;
    const { issuerKeyId } = certificate;
    const isRegistered = ({ tlsCertificates }: Client) => tlsCertificates.some((known) => known.issuerKeyId === issuerKeyId && isNamed(certificate, known));
    return { clientId, proves: async (client) => client !== undefined && issuerKeyId !== "" && isRegistered(client) };
  },
};

function isNamed({ subjectDn, encoded }: ClientCertificate, known: Client["tlsCertificates"][number]): boolean {
  if ("subjectDn" in known) return known.subjectDn === subjectDn;
  const der = Uint8Array.from(atob(encoded.replaceAll(":", "")), (char) => char.charCodeAt(0));
  return subjectAltNames(der).includes(known.subjectAltName);
}
