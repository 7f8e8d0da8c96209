import { type SamlKey, signElement } from "./signature.ts";
import { element, instant, NS, text } from "./xml.ts";

/** What an assertion says. Times in seconds. */
export interface AssertionFacts {
  readonly id: string;
  readonly issuer: string;
  readonly audience: string;
  /** Where it is to be presented. */
  readonly recipient: string;
  readonly nameId: string;
  readonly nameIdFormat: string;
  readonly now: number;
  readonly expires: number;
  readonly authTime: number;
  readonly sessionIndex: string | undefined;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** The id of the AuthnRequest that a Response answers. */
  readonly inResponseTo?: string;
}

/** How far the clock of whoever reads it may be behind ours. */
const NOT_BEFORE_SECONDS = 300;

/** A bearer assertion with its signature (SAML core §2, profiles §4.1.4.2, RFC 7522 §3). */
export async function signedAssertion(facts: AssertionFacts, key: SamlKey): Promise<string> {
  const { id, issuer, now, expires, recipient, inResponseTo } = facts;
  const subject =
    element("saml:NameID", { Format: facts.nameIdFormat }, text(facts.nameId)) +
    element(
      "saml:SubjectConfirmation",
      { Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer" },
      element("saml:SubjectConfirmationData", { ...answering(inResponseTo), NotOnOrAfter: instant(expires), Recipient: recipient }),
    );
  const conditions = element("saml:AudienceRestriction", {}, element("saml:Audience", {}, text(facts.audience)));
  const tail =
    element("saml:Subject", {}, subject) +
    element("saml:Conditions", { NotBefore: instant(now - NOT_BEFORE_SECONDS), NotOnOrAfter: instant(expires) }, conditions) +
    authnStatement(facts) +
    attributeStatement(facts.attributes);
  const head = `<saml:Assertion xmlns:saml="${NS.assertion}" ID="${id}" IssueInstant="${instant(now)}" Version="2.0">${element("saml:Issuer", {}, text(issuer))}`;
  return await signElement(head, `${tail}</saml:Assertion>`, id, key);
}

/** What a Response says around what it carries. Times in seconds. */
type ResponseFacts = Pick<AssertionFacts, "issuer" | "now" | "recipient" | "inResponseTo">;

/** A Response that carries an assertion, signed as well (SAML core §3.3.3); without one it says that nobody was logged in. */
export async function signedResponse(assertion: string | undefined, id: string, { issuer, now, recipient, inResponseTo }: ResponseFacts, key: SamlKey): Promise<string> {
  const attributes = { "xmlns:samlp": NS.protocol, Destination: recipient, ID: id, ...answering(inResponseTo), IssueInstant: instant(now), Version: "2.0" };
  const code = (name: string, below = "") => element("samlp:StatusCode", { Value: `urn:oasis:names:tc:SAML:2.0:status:${name}` }, below);
  const status = element("samlp:Status", {}, assertion === undefined ? code("Responder", code("AuthnFailed")) : code("Success"));
  const issuerElement = element("saml:Issuer", { "xmlns:saml": NS.assertion }, text(issuer));
  const [head = "", tail = ""] = element("samlp:Response", attributes, `${issuerElement}\0`).split("\0");
  return await signElement(head, `${status}${assertion ?? ""}${tail}`, id, key);
}

function authnStatement({ authTime, sessionIndex }: AssertionFacts): string {
  const session = sessionIndex === undefined ? {} : { SessionIndex: sessionIndex };
  const context = element("saml:AuthnContextClassRef", {}, "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified");
  return element("saml:AuthnStatement", { AuthnInstant: instant(authTime), ...session }, element("saml:AuthnContext", {}, context));
}

function attributeStatement(attributes: AssertionFacts["attributes"]): string {
  const written = Object.entries(attributes).map(([name, values]) =>
    element(
      "saml:Attribute",
      { Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified" },
      values.map((value) => element("saml:AttributeValue", {}, text(value))).join(""),
    ),
  );
  return written.length === 0 ? "" : element("saml:AttributeStatement", {}, written.join(""));
}

function answering(inResponseTo: string | undefined): Readonly<Record<string, string>> {
  return inResponseTo === undefined ? {} : { InResponseTo: inResponseTo };
}
