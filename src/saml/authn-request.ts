import { bytesOf } from "../protocol/bytes.ts";
import { type SamlKey, signatureAlgorithm } from "./signature.ts";
import { element, NS, text } from "./xml.ts";

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
export async function authnRequestUrl(facts: AuthnRequestFacts, relayState: string, { key, hash }: SamlKey): Promise<string> {
  const { id, issuer, destination, acs, now, forceAuthn } = facts;
  const attributes = {
    ...{ "xmlns:samlp": NS.protocol, AssertionConsumerServiceURL: acs, Destination: destination },
    ...(forceAuthn ? { ForceAuthn: "true" } : {}),
    ...{ ID: id, IssueInstant: `${new Date(now * 1000).toISOString().slice(0, 19)}Z`, ProtocolBinding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Version: "2.0" },
  };
  const request = element("samlp:AuthnRequest", attributes, element("saml:Issuer", { "xmlns:saml": NS.assertion }, text(issuer)));
  const deflated = new Response(new Blob([bytesOf(request)]).stream().pipeThrough(new CompressionStream("deflate-raw")));
  const parameters = { SAMLRequest: new Uint8Array(await deflated.arrayBuffer()).toBase64(), RelayState: relayState, SigAlg: signatureAlgorithm(hash) };
  // These bytes, in this order, are what is signed.
  const signed = new URLSearchParams(parameters).toString();
  const signature = new Uint8Array(await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, bytesOf(signed))).toBase64();
  return `${destination}${destination.includes("?") ? "&" : "?"}${signed}&${new URLSearchParams({ Signature: signature })}`;
}
