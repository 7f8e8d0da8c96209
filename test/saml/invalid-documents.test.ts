import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import type { Expected } from "../../src/saml/verified.ts";
import { verifier } from "../../src/saml/verifier/verify.ts";
import { apart, evil, genuine, resigned, responseOf, samlFacts, samlKey } from "./idp.ts";

// The documents that the test suites of ruby-saml, node-saml and xml-crypto keep as invalid, under their names there, made
// anew: what can be wrong within the signature is signed again by the IdP's own key, so that the signature refuses none of them.

const AUDIENCE = "http://localhost:8787";
const REQUEST = "_our-request";
const now = () => Math.floor(Date.now() / 1000);
const expected = (): Expected => ({ audience: AUDIENCE, recipient: `${AUDIENCE}/oauth2/token`, now: now(), inResponseTo: REQUEST });
const facts = () => samlFacts({ inResponseTo: REQUEST });

const outcome = async (document: string) => await verifier.verify(bytesOf(document), "response", [(await samlKey()).certificate], expected());
const good = async () => await genuine(facts());
const signedAnew = async (from: string | RegExp, to: string) => responseOf(await resigned((xml) => xml.replace(from, to), facts()));
const SUBJECT_DATA = /<saml:SubjectConfirmationData [^>]*><\/saml:SubjectConfirmationData>/;
const data = (attributes: string) => `<saml:SubjectConfirmationData ${attributes}></saml:SubjectConfirmationData>`;

const WITHIN: readonly (readonly [string, string | RegExp, string])[] = [
  ["no_saml2", 'Version="2.0"', 'Version="1.1"'],
  ["no_issuer_assertion", /<saml:Issuer>[^<]*<\/saml:Issuer>/, ""],
  ["no_conditions", /<saml:Conditions .*<\/saml:Conditions>/, ""],
  ["no_authnstatement", /<saml:AuthnStatement .*<\/saml:AuthnStatement>/, ""],
  ["two AuthnStatements, of which one may end the session earlier", /(<saml:AuthnStatement .*<\/saml:AuthnStatement>)/, "$1$1"],
  ["a condition that nobody here understands", "</saml:Conditions>", "<saml:Condition></saml:Condition></saml:Conditions>"],
  ["no_nameid", /<saml:NameID .*<\/saml:NameID>/, ""],
  ["empty_nameid", /(<saml:NameID [^>]*>)[^<]*/, "$1"],
  ["two NameIDs", /(<saml:NameID .*<\/saml:NameID>)/, "$1$1"],
  ["an EncryptedID in place of the NameID", /<saml:NameID .*<\/saml:NameID>/, "<saml:EncryptedID></saml:EncryptedID>"],
  ["response_encrypted_attrs", "</saml:AttributeStatement>", "<saml:EncryptedAttribute></saml:EncryptedAttribute></saml:AttributeStatement>"],
  ["wrong_spnamequalifier", /(<saml:NameID [^>]*)>/, '$1 SPNameQualifier="https://another.example.com">'],
  ["no_subjectconfirmation_method", / Method="[^"]*"/, ""],
  ["no_subjectconfirmation_data, empty-subjectconfirmation", SUBJECT_DATA, ""],
  ["no-subjectconfirmation", /<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/, ""],
  ["invalid_subjectconfirmation_inresponse", `InResponseTo="${REQUEST}"`, 'InResponseTo="_another"'],
  ["a confirmation that answers nothing", ` InResponseTo="${REQUEST}"`, ""],
  ["invalid_subjectconfirmation_recipient", /Recipient="[^"]*"/, 'Recipient="https://another.example.com/acs"'],
  ["invalid_subjectconfirmation_nb", /(SubjectConfirmationData [^>]*)NotOnOrAfter/, '$1NotBefore="2100-01-01T00:00:00Z" NotOnOrAfter'],
  ["invalid_subjectconfirmation_noa", /(SubjectConfirmationData .*)NotOnOrAfter="[^"]*"/, '$1NotOnOrAfter="2020-01-01T00:00:00Z"'],
  [
    "double-subjectconfirmation, both wrong",
    /<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/,
    [`NotOnOrAfter="2020-01-01T00:00:00Z" Recipient="${AUDIENCE}/oauth2/token"`, 'NotOnOrAfter="2100-01-01T00:00:00Z" Recipient="https://another.example.com/"']
      .map((attributes) => `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">${data(`InResponseTo="${REQUEST}" ${attributes}`)}</saml:SubjectConfirmation>`)
      .join(""),
  ],
  ["invalid_audience", `<saml:Audience>${AUDIENCE}</saml:Audience>`, "<saml:Audience>https://another.example.com</saml:Audience>"],
  ["an empty audience", `<saml:Audience>${AUDIENCE}</saml:Audience>`, "<saml:Audience></saml:Audience>"],
  ["a time that is none", /(<saml:Conditions NotBefore=")[^"]*/, "$1yesterday"],
  ["an IssueInstant of another time zone", /(IssueInstant="[^"]*)Z"/, '$1+02:00"'],
];

describe("SAM-49 a document that other implementations' suites call invalid", () => {
  it("is refused for what is wrong with it: the same without the fault is taken", async () => {
    expect(await outcome(await signedAnew("</saml:Conditions>", "<saml:OneTimeUse></saml:OneTimeUse></saml:Conditions>"))).toMatchObject({ ok: true });
    expect(await outcome(await signedAnew(/(<saml:NameID [^>]*)>/, `$1 SPNameQualifier="${AUDIENCE}">`))).toMatchObject({ ok: true });
    expect(await outcome(responseOf(await good()))).toMatchObject({ ok: true });
    expect(await outcome(responseOf(await resigned((xml) => xml.replace("admin@example.com", "root@example.com"), facts())))).toMatchObject({ ok: true });
  });

  it.each(WITHIN)("%s, though it is well signed", async (_name, from, to) => {
    expect(await outcome(await signedAnew(from, to))).toMatchObject({ ok: false, fault: expect.not.stringMatching(/^signature$/) });
  });

  it("no_id: nothing for the signature to refer to", async () => {
    const own = facts();
    for (const id of ["", own.id]) {
      expect(await outcome(responseOf(await resigned((xml) => xml.replace(/ ID="[^"]*"/, ""), own, id)))).toMatchObject({ ok: false, fault: "shape" });
    }
  });

  it.each<readonly [string, (assertion: string, unsigned: string, signature: string) => string]>([
    ["no_signature, no-signature", (_a, unsigned) => responseOf(unsigned)],
    ["no_status", (assertion) => responseOf(assertion).replace(/<samlp:Status>.*<\/samlp:Status>/, "")],
    ["no_status_code", (assertion) => responseOf(assertion).replace(/<samlp:StatusCode .*<\/samlp:StatusCode>/, "")],
    ["status_code_responder", (assertion) => responseOf(assertion, "urn:oasis:names:tc:SAML:2.0:status:Responder")],
    ["status_code_responer_and_msg", (assertion) => responseOf(assertion, "urn:oasis:names:tc:SAML:2.0:status:Responder", "<samlp:StatusMessage>no</samlp:StatusMessage>")],
    ["multiple_assertions", (assertion) => responseOf(assertion + assertion)],
    ["multiple_signed, root-signed-twice", (_a, unsigned, signature) => responseOf(unsigned.replace("</saml:Issuer>", `</saml:Issuer>${signature}${signature}`))],
    ["assertion-signed.assertion-unsigned", (assertion, unsigned) => responseOf(evil(unsigned) + assertion)],
    ["root-carries-assertion-signature.assertion-unsigned", (_a, unsigned, signature) => responseOf(signature + unsigned)],
    ["multiple-root-elements", (assertion) => `${responseOf(assertion)}${responseOf("")}`],
    ["duplicate-root-id", (assertion) => responseOf(assertion).replace('ID="_response"', `ID="${/ID="([^"]*)"/.exec(assertion)?.[1]}"`)],
    ["reference-uri-without-hash", (assertion) => responseOf(assertion.replace('URI="#', 'URI="'))],
    ["uri-with-quote", (assertion) => responseOf(assertion.replace(/URI="#([^"]*)"/, `URI="#$1'or'"`))],
    ["root-signed-2references", (assertion) => responseOf(assertion.replace(/(<ds:Reference .*<\/ds:Reference>)/, "$1$1"))],
    ["signature-in-extensions", (_a, unsigned, signature) => responseOf(`<samlp:Extensions>${signature}</samlp:Extensions>${unsigned}`)],
    ["an EncryptedAssertion", () => responseOf('<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"></saml:EncryptedAssertion>')],
    ["saml_multiple_signed_info_nodes", (assertion) => responseOf(assertion.replace(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)/, "$1$1"))],
    ["saml_wrapped_signed_info_node", (assertion) => responseOf(assertion.replace(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)/, "<ds:Object>$1</ds:Object>"))],
    ["two digest values", (assertion) => responseOf(assertion.replace(/(<ds:DigestValue>.*<\/ds:DigestValue>)/, "$1$1"))],
    ["a word changed after it was signed", (assertion) => responseOf(assertion.replace("admin@example.com", "root@example.com"))],
    ["root-signed-transform-injection", (assertion) => responseOf(assertion.replace("xml-exc-c14n#", "xml-exc-c14n#\u00a0"))],
  ])("%s", async (_name, change) => {
    const assertion = await good();
    const { unsigned, signature } = apart(assertion);
    expect(await outcome(change(assertion, unsigned, signature))).toMatchObject({ ok: false });
  });
});
