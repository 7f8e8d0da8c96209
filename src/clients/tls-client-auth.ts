import type { Client } from "../tenants/client.ts";
import type { AuthenticationMethod } from "./authentication-method.ts";
import { clientCertificate } from "./certificate.ts";

/** A certificate of a CA (RFC 8705 §2.1): the registered subject, letter by letter, from the registered issuer. */
export const tlsClientAuth: AuthenticationMethod = {
  name: "tls_client_auth",
  ambient: true,
  presented: (form, { request, service }) => {
    const clientId = form.get("client_id");
    const certificate = clientCertificate(request, service.now());
    if (clientId === undefined || certificate?.isVerified !== true) return undefined;
    const { subjectDn, issuerKeyId } = certificate;
    const isRegistered = ({ tlsCertificates }: Client) => tlsCertificates.some((known) => known.subjectDn === subjectDn && known.issuerKeyId === issuerKeyId);
    return { clientId, proves: async (client) => client !== undefined && issuerKeyId !== "" && isRegistered(client) };
  },
};
