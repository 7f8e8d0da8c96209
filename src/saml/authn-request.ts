import { redirectUrl } from "./redirect.ts";
import type { SamlKey } from "./signature.ts";
import { element, instant, NS, text } from "./xml.ts";

/** What we ask a corporate IdP for. Seconds. */
export interface AuthnRequestFacts {
  readonly id: string;
  readonly issuer: string;
  readonly destination: string;
  readonly acs: string;
  readonly now: number;
  readonly forceAuthn: boolean;
}

/** Where a browser goes to log in at a SAML IdP: an AuthnRequest by the redirect binding, signed (SAML bindings §3.4.4.1). */
export async function authnRequestUrl(facts: AuthnRequestFacts, relayState: string, key: SamlKey): Promise<string> {
  const { id, issuer, destination, acs, now, forceAuthn } = facts;
  const attributes = {
    ...{ "xmlns:samlp": NS.protocol, AssertionConsumerServiceURL: acs, Destination: destination },
    ...(forceAuthn ? { ForceAuthn: "true" } : {}),
    ...{ ID: id, IssueInstant: instant(now), ProtocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Version: "2.0" },
  };
  const request = element("samlp:AuthnRequest", attributes, element("saml:Issuer", { "xmlns:saml": NS.assertion }, text(issuer)));
  return await redirectUrl(destination, { SAMLRequest: request }, relayState, key);
}
