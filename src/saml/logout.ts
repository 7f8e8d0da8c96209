import { randomId } from "../protocol/bytes.ts";
import { redirectUrl } from "./redirect.ts";
import type { SamlKey } from "./signature.ts";
import { element, instant, NS, text } from "./xml.ts";

const STATUS = "urn:oasis:names:tc:SAML:2.0:status:";

/** What a message about a logout says of itself. Seconds. */
export interface LogoutFacts {
  readonly issuer: string;
  readonly destination: string;
  readonly now: number;
}

/** Where a browser goes with the answer to a LogoutRequest, by the redirect binding (SAML core §3.7.2). `ended`: the session has ended. */
export async function logoutResponseUrl(
  facts: LogoutFacts,
  answer: { readonly inResponseTo: string; readonly ended: boolean; readonly relayState: string | undefined },
  key: SamlKey,
): Promise<string> {
  const { inResponseTo, ended, relayState } = answer;
  const below = ended ? "" : element("samlp:StatusCode", { Value: `${STATUS}UnknownPrincipal` });
  const status = element("samlp:Status", {}, element("samlp:StatusCode", { Value: `${STATUS}${ended ? "Success" : "Requester"}` }, below));
  return await redirectUrl(facts.destination, { SAMLResponse: message("LogoutResponse", { InResponseTo: inResponseTo }, facts, status) }, relayState, key);
}

function message(name: string, attributes: Readonly<Record<string, string>>, { issuer, destination, now }: LogoutFacts, content: string): string {
  const all = { "xmlns:samlp": NS.protocol, Destination: destination, ID: `_${randomId()}`, ...attributes, IssueInstant: instant(now), Version: "2.0" };
  return element(`samlp:${name}`, all, element("saml:Issuer", { "xmlns:saml": NS.assertion }, text(issuer)) + content);
}
