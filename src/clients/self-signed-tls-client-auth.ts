import type { AuthenticationMethod } from "./authentication-method.ts";
import { clientCertificate } from "./certificate.ts";

/** A certificate that is registered itself, by its thumbprint (RFC 8705 §2.2): no CA, and no other certificate of the same name or key. */
export const selfSignedTlsClientAuth: AuthenticationMethod = {
  name: "self_signed_tls_client_auth",
  ambient: true,
  presented: (form, { request, service }) => {
    const clientId = form.get("client_id");
    const certificate = clientCertificate(request, service.now());
    if (clientId === undefined || certificate === undefined) return undefined;
    return { clientId, proves: async (client) => client?.tlsThumbprints.includes(certificate.thumbprint) === true };
  },
};
