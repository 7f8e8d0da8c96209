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

/** A user's session as a SAML application and its IdP name it; all but the first and the last as the NameID says them. */
export interface SamlSession {
  readonly nameId: string;
  readonly nameIdFormat?: string | undefined;
  readonly nameQualifier?: string | undefined;
  readonly spNameQualifier?: string | undefined;
  readonly sessionIndex?: string | undefined;
}

/** Where a browser goes to say that a session has ended: a LogoutRequest by the redirect binding (SAML core §3.7.1). */
export async function logoutRequestUrl(facts: LogoutFacts, session: SamlSession, relayState: string | undefined, key: SamlKey): Promise<string> {
  const { nameId, nameIdFormat: Format, nameQualifier: NameQualifier, spNameQualifier: SPNameQualifier, sessionIndex } = session;
  const named = Object.entries({ Format, NameQualifier, SPNameQualifier }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const subject = element("saml:NameID", { "xmlns:saml": NS.assertion, ...Object.fromEntries(named) }, text(nameId));
  const index = sessionIndex === undefined ? "" : element("samlp:SessionIndex", {}, text(sessionIndex));
  return await redirectUrl(facts.destination, { SAMLRequest: message("LogoutRequest", {}, facts, subject + index) }, relayState, key);
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
