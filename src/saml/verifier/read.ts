import type { Element } from "@xmldom/xmldom";
import type { Confirmation, ResponseFacts, VerifiedAssertion } from "../verified.ts";
import { NS } from "../xml.ts";
import { Fault } from "./fault.ts";
import { attributeOf, childrenNamed, childrenOf, is, textOf } from "./tree.ts";

// Each assertion is used once here, and passed on to nobody: the last two hold.
const KNOWN_CONDITIONS = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
const SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success";

/** The one assertion of a document: its root, or the child of a Response that says Success. */
export function assertionIn(root: Element, kind: "assertion" | "response", elements: readonly string[]): { readonly assertion: Element; readonly response?: ResponseFacts } {
  if (elements.filter((name) => name === `${NS.assertion} Assertion`).length !== 1) throw new Fault("shape", "not one assertion");
  // One for the assertion; a Response may have its own besides.
  const own = kind === "response" ? childrenNamed(root, NS.signature, "Signature").length : 0;
  if (elements.filter((name) => name.endsWith(" Signature")).length !== 1 + own || own > 1) throw new Fault("shape", "not one signature");
  if (kind === "assertion") {
    if (!is(root, NS.assertion, "Assertion")) throw new Fault("shape", "not an assertion");
    return { assertion: root };
  }
  const [assertion] = childrenNamed(root, NS.assertion, "Assertion");
  if (!is(root, NS.protocol, "Response") || assertion === undefined) throw new Fault("shape", "not a response");
  const [status, second] = childrenNamed(root, NS.protocol, "Status");
  if (status === undefined || second !== undefined) throw new Fault("shape", "status");
  const codes = childrenNamed(status, NS.protocol, "StatusCode");
  // A second level means that something was not as it should be.
  if (codes.length !== 1 || codes.some((code) => attributeOf(code, "Value") !== SUCCESS || childrenOf(code).length > 0)) throw new Fault("content", "status");
  return { assertion, response: defined({ destination: attributeOf(root, "Destination"), inResponseTo: attributeOf(root, "InResponseTo") }) };
}

/** The text of the one Issuer, exactly as it stands. */
export function issuerOf(assertion: Element): string {
  return textOf(one(assertion, "Issuer"));
}

/** Reads an assertion from its signed bytes. */
export function readAssertion(assertion: Element): VerifiedAssertion {
  if (!is(assertion, NS.assertion, "Assertion") || attributeOf(assertion, "Version") !== "2.0") throw new Fault("content", "version");
  const issued = instantOf(assertion, "IssueInstant");
  if (issued === undefined) throw new Fault("content", "IssueInstant");
  const subject = one(assertion, "Subject");
  const nameId = one(subject, "NameID");
  const conditions = one(assertion, "Conditions");
  // SAML core §2.5.1: what is not understood leaves open whether it holds.
  if (!childrenOf(conditions).every((condition) => KNOWN_CONDITIONS.some((name) => is(condition, NS.assertion, name)))) throw new Fault("content", "Conditions");
  const [statement, another] = childrenNamed(assertion, NS.assertion, "AuthnStatement");
  if (another !== undefined) throw new Fault("content", "AuthnStatement");
  const statements = childrenNamed(assertion, NS.assertion, "AttributeStatement").flatMap(childrenOf);
  // RFC 7522 §3: what is encrypted must be read, and nothing here can.
  if (statements.some((attribute) => !is(attribute, NS.assertion, "Attribute"))) throw new Fault("content", "Attribute");
  return {
    id: attributeOf(assertion, "ID") ?? "",
    issuer: issuerOf(assertion),
    issued,
    nameId: textOf(nameId),
    audiences: childrenNamed(conditions, NS.assertion, "AudienceRestriction").map((list) => childrenNamed(list, NS.assertion, "Audience").map(textOf)),
    confirmations: childrenNamed(subject, NS.assertion, "SubjectConfirmation").map(confirmationOf),
    attributes: statements.map((attribute) => [attributeOf(attribute, "Name") ?? "", childrenNamed(attribute, NS.assertion, "AttributeValue").map(textOf)] as const),
    ...defined({
      nameIdFormat: attributeOf(nameId, "Format"),
      nameQualifier: attributeOf(nameId, "NameQualifier"),
      spNameQualifier: attributeOf(nameId, "SPNameQualifier"),
      nameIdFor: attributeOf(nameId, "SPNameQualifier"),
      notBefore: instantOf(conditions, "NotBefore"),
      notOnOrAfter: instantOf(conditions, "NotOnOrAfter"),
      authnInstant: statement && instantOf(statement, "AuthnInstant"),
      sessionIndex: statement && attributeOf(statement, "SessionIndex"),
      sessionNotOnOrAfter: statement && instantOf(statement, "SessionNotOnOrAfter"),
    }),
  };
}

function confirmationOf(element: Element): Confirmation {
  const method = attributeOf(element, "Method") ?? "";
  const [data] = childrenNamed(element, NS.assertion, "SubjectConfirmationData");
  if (data === undefined) return { method };
  return {
    method,
    ...defined({
      recipient: attributeOf(data, "Recipient"),
      inResponseTo: attributeOf(data, "InResponseTo"),
      notBefore: instantOf(data, "NotBefore"),
      notOnOrAfter: instantOf(data, "NotOnOrAfter"),
    }),
  };
}

function one(parent: Element, name: string): Element {
  const [only, second] = childrenNamed(parent, NS.assertion, name);
  if (only === undefined || second !== undefined) throw new Fault("content", name);
  return only;
}

/** An instant in UTC (SAML core §1.3.3). Seconds. */
export function instantOf(element: Element, name: string): number | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  const time = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new Fault("content", name);
  return Math.floor(time / 1000);
}

function defined<T extends object>(members: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
