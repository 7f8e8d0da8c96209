import { element, NS, text } from "../saml/xml.ts";
import type { Exchange } from "../service.ts";
import { KEY_SET_MAX_AGE_SECONDS } from "../tenants/key-roles.ts";

/** `/saml2/metadata`: who signs our assertions, and with which certificates (SAML metadata §2.4): all that are published, the current one first. */
export function samlMetadata({ tenant, ring }: Exchange): Response {
  const keys = ring.samlCertificates().map((certificate) => {
    const data = element("ds:X509Data", {}, element("ds:X509Certificate", {}, text(certificate)));
    return element("md:KeyDescriptor", { use: "signing" }, element("ds:KeyInfo", { "xmlns:ds": NS.signature }, data));
  });
  const formats = ["2.0:nameid-format:persistent", "1.1:nameid-format:emailAddress", "1.1:nameid-format:unspecified"];
  const location = `${new URL(tenant.issuer).origin}/saml2/idp/sso`;
  const role = element(
    "md:IDPSSODescriptor",
    { protocolSupportEnumeration: NS.protocol },
    keys.join("") +
      formats.map((format) => element("md:NameIDFormat", {}, `urn:oasis:names:tc:SAML:${format}`)).join("") +
      ["HTTP-Redirect", "HTTP-POST"]
        .map((binding) => element("md:SingleSignOnService", { Binding: `urn:oasis:names:tc:SAML:2.0:bindings:${binding}`, Location: location }))
        .join(""),
  );
  return new Response(element("md:EntityDescriptor", { "xmlns:md": NS.metadata, entityID: tenant.issuer }, role), {
    headers: { "content-type": "application/samlmetadata+xml", "cache-control": `public, max-age=${KEY_SET_MAX_AGE_SECONDS}` },
  });
}
