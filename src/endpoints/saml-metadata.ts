import type { Exchange } from "../service.ts";
import { KEY_SET_MAX_AGE_SECONDS } from "../tenants/key-roles.ts";
import { samlSsoUrl } from "./authorization-request.ts";
import { samlAcsUrl } from "./saml-login.ts";
import { samlSloUrl } from "./saml-slo.ts";
import { samlSpSloUrl } from "./saml-sp-slo.ts";

/** `/saml2/metadata`: what we are to SAML applications and to corporate IdPs; with all certificates that are published, the current one first. */
export async function samlMetadata({ service, tenant: { issuer }, ring }: Exchange): Promise<Response> {
  const places = { sso: samlSsoUrl(issuer), slo: samlSloUrl(issuer), acs: samlAcsUrl(issuer), spSlo: samlSpSloUrl(issuer) };
  const metadata = await service.saml.metadata({ issuer, ...places, certificates: ring.samlCertificates() });
  return new Response(metadata, { headers: { "content-type": "application/samlmetadata+xml", "cache-control": `public, max-age=${KEY_SET_MAX_AGE_SECONDS}` } });
}
