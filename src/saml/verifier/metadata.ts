import type { OurMetadata } from "../verified.ts";
import { element, NS, text } from "../xml.ts";

/** Our metadata: what we are to SAML applications and to corporate IdPs. The current certificate stands first. */
export function metadataOf({ issuer, sso, slo, acs, spSlo, certificates }: OurMetadata): string {
  const keys = certificates.map((certificate) => {
    const data = element("ds:X509Data", {}, element("ds:X509Certificate", {}, text(certificate)));
    return element("md:KeyDescriptor", { use: "signing" }, element("ds:KeyInfo", { "xmlns:ds": NS.signature }, data));
  });
  const formats = ["2.0:nameid-format:persistent", "1.1:nameid-format:emailAddress", "1.1:nameid-format:unspecified"].map((format) =>
    element("md:NameIDFormat", {}, `urn:oasis:names:tc:SAML:${format}`),
  );
  const service = (name: string, binding: string, location: string, more: Readonly<Record<string, string>> = {}) =>
    element(`md:${name}`, { Binding: `urn:oasis:names:tc:SAML:2.0:bindings:${binding}`, Location: location, ...more });
  const bothWays = (name: string, location: string) => ["HTTP-Redirect", "HTTP-POST"].map((binding) => service(name, binding, location)).join("");
  const consumer = service("AssertionConsumerService", "HTTP-POST", acs, { index: "0", isDefault: "true" });
  const protocol = { protocolSupportEnumeration: NS.protocol };
  const roles =
    element("md:IDPSSODescriptor", protocol, keys.join("") + bothWays("SingleLogoutService", slo) + formats.join("") + bothWays("SingleSignOnService", sso)) +
    element(
      "md:SPSSODescriptor",
      { AuthnRequestsSigned: "true", WantAssertionsSigned: "true", ...protocol },
      keys.join("") + bothWays("SingleLogoutService", spSlo) + formats.join("") + consumer,
    );
  return element("md:EntityDescriptor", { "xmlns:md": NS.metadata, entityID: issuer }, roles);
}
