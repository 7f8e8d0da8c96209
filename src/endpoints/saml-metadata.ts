import { element, NS, text } from "../saml/xml.ts";
import type { Exchange } from "../service.ts";
import { KEY_SET_MAX_AGE_SECONDS } from "../tenants/key-roles.ts";
import { samlSsoUrl } from "./authorization-request.ts";
import { samlAcsUrl } from "./saml-login.ts";

/** `/saml2/metadata`: what we are to SAML applications and to corporate IdPs (SAML metadata §2.4); with all certificates that are published, the current one first. */
export function samlMetadata({ tenant, ring }: Exchange): Response {
  const keys = ring.samlCertificates().map((certificate) => {
    const data = element("ds:X509Data", {}, element("ds:X509Certificate", {}, text(certificate)));
    return element("md:KeyDescriptor", { use: "signing" }, element("ds:KeyInfo", { "xmlns:ds": NS.signature }, data));
  });
  const formats = ["2.0:nameid-format:persistent", "1.1:nameid-format:emailAddress", "1.1:nameid-format:unspecified"].map((format) =>
    element("md:NameIDFormat", {}, `urn:oasis:names:tc:SAML:${format}`),
  );
  const service = (name: string, binding: string, location: string, more: Readonly<Record<string, string>> = {}) =>
    element(`md:${name}`, { Binding: `urn:oasis:names:tc:SAML:2.0:bindings:${binding}`, Location: location, ...more });
  const common = keys.join("") + formats.join("");
  const sso = ["HTTP-Redirect", "HTTP-POST"].map((binding) => service("SingleSignOnService", binding, samlSsoUrl(tenant.issuer)));
  const acs = service("AssertionConsumerService", "HTTP-POST", samlAcsUrl(tenant.issuer), { index: "0", isDefault: "true" });
  const protocol = { protocolSupportEnumeration: NS.protocol };
  const roles =
    element("md:IDPSSODescriptor", protocol, common + sso.join("")) +
    element("md:SPSSODescriptor", { AuthnRequestsSigned: "true", WantAssertionsSigned: "true", ...protocol }, common + acs);
  return new Response(element("md:EntityDescriptor", { "xmlns:md": NS.metadata, entityID: tenant.issuer }, roles), {
    headers: { "content-type": "application/samlmetadata+xml", "cache-control": `public, max-age=${KEY_SET_MAX_AGE_SECONDS}` },
  });
}
