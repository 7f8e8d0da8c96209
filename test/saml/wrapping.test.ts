import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { signElement } from "../../src/saml/signature.ts";
import { verifier } from "../../src/saml/verifier/verify.ts";
import { apart, evil, genuine, responseOf, samlFacts, samlKey } from "./idp.ts";

const outcome = async (xml: string, kind: "assertion" | "response" = "response") => await verifier.verify(bytesOf(xml), kind, [(await samlKey()).certificate]);

/** Puts `what` before the end of the first element of a document. */
const inside = (xml: string, what: string) => xml.replace(/(<saml:Issuer>.*?<\/saml:Issuer>)/, `$1${what}`);
const NS = 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"';

describe("a genuine document", () => {
  it.each(["SHA-256", "SHA-512"] as const)("is read from its signed bytes, signed with RSA and %s", async (hash) => {
    const { signedAssertion } = await import("../../src/saml/assertion.ts");
    const assertion = await signedAssertion(samlFacts(), await samlKey("own", hash));
    expect(await outcome(assertion, "assertion")).toMatchObject({ ok: true, assertion: { nameId: "admin@example.com", sessionIndex: "s-1" } });
    expect(await outcome(`<?xml version="1.0" encoding="UTF-8"?>\n${responseOf(assertion)}`)).toMatchObject({ ok: true, assertion: { nameId: "admin@example.com" } });
  });

  it("SAM-46 is believed within the signature only: what stands around the assertion in a Response is not read", async () => {
    const more = `<saml:AttributeStatement xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Attribute Name="groups"><saml:AttributeValue>root</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`;
    const read = await outcome(responseOf(`${more}${await genuine()}`));
    expect(read).toMatchObject({ ok: true });
    expect(JSON.stringify(read)).not.toContain("root");
  });
});

describe("signature wrapping", () => {
  const cases: readonly (readonly [string, (original: string, unsigned: string, signature: string, forged: string) => string])[] = [
    ["SAM-01 XSW1: the signed Response is copied after the forged one", (original, _u, _s, forged) => responseOf(forged) + responseOf(original)],
    [
      "SAM-01 XSW1: the original Response stands in the signature of the forged one",
      (original, _u, signature, forged) => responseOf(inside(forged, signature.replace("</ds:Signature>", `<ds:Object>${responseOf(original)}</ds:Object></ds:Signature>`))),
    ],
    ["SAM-02 XSW2: the signature is moved before the copy", (_o, unsigned, signature, forged) => responseOf(`${signature}${unsigned}${forged}`)],
    ["SAM-02 XSW3: the forged assertion stands before the original", (original, _u, _s, forged) => responseOf(forged + original)],
    ["SAM-04 XSW4: the original stands inside the forged assertion", (original, _u, _s, forged) => responseOf(inside(forged, original))],
    ["SAM-05 XSW5: the forged one has the signature, the original is moved to the end", (_o, unsigned, signature, forged) => responseOf(inside(forged, signature) + unsigned)],
    [
      "SAM-06 XSW6: the original stands inside the signature of the forged one",
      (_o, unsigned, signature, forged) => responseOf(inside(forged, signature.replace("</ds:Signature>", `${unsigned}</ds:Signature>`))),
    ],
    ["SAM-06 XSW7: the forged assertion stands in an Extensions element", (original, _u, _s, forged) => responseOf(`<samlp:Extensions>${forged}</samlp:Extensions>${original}`)],
    [
      "SAM-08 XSW8: the original stands in ds:Object of the forged one's signature",
      (_o, unsigned, signature, forged) => responseOf(inside(forged, signature.replace("</ds:Signature>", `<ds:Object>${unsigned}</ds:Object></ds:Signature>`))),
    ],
    ["SAM-20 the signature stands in Advice", (_o, unsigned, signature) => responseOf(unsigned.replace("<saml:Subject>", `<saml:Advice>${signature}</saml:Advice><saml:Subject>`))],
    ["SAM-20 the signature stands in the Subject", (_o, unsigned, signature) => responseOf(unsigned.replace("<saml:Subject>", `<saml:Subject>${signature}`))],
    ["SAM-20 the signature stands in the Response", (_o, unsigned, signature) => responseOf(signature + unsigned)],
    ["SAM-16 the signature is in a foreign namespace", (original) => responseOf(original.replaceAll('http://www.w3.org/2000/09/xmldsig#"', 'urn:example:dsig"'))],
    ["SAM-28 the assertion is not signed", (_o, unsigned) => responseOf(unsigned)],
    [
      "SAM-21 the ID of the forged assertion is the original's, twice in the document",
      (original, unsigned) => responseOf(`<samlp:Extensions ${NS} ID="${/ID="([^"]+)"/.exec(unsigned)?.[1]}"></samlp:Extensions>${original}`),
    ],
    ["SAM-06 the forged assertion has the original's signature", (_o, _u, signature, forged) => responseOf(inside(forged, signature))],
  ];

  it.each(cases)("%s: refused", async (_name, wrap) => {
    const original = await genuine();
    const { unsigned, signature } = apart(original);
    const refused = await outcome(wrap(original, unsigned, signature, evil(unsigned)));
    expect(refused).toMatchObject({ ok: false });
    // The same document is fine where nothing is wrapped: the case is refused for what was done to it.
    expect(await outcome(responseOf(original))).toMatchObject({ ok: true });
  });

  it("SAM-28 a Response whose signature holds does not speak for an assertion without one", async () => {
    const { unsigned } = apart(await genuine());
    const whole = responseOf(unsigned);
    const at = whole.indexOf("<samlp:Status>");
    expect(await outcome(await signElement(whole.slice(0, at), whole.slice(at), "_response", await samlKey()))).toMatchObject({ ok: false });
    const both = responseOf(await genuine());
    expect(await outcome(await signElement(both.slice(0, at), both.slice(at), "_response", await samlKey()))).toMatchObject({ ok: true });
  });
});

describe("whose signature", () => {
  it("SAM-25 SAM-26 refuses another key, whatever KeyInfo says", async () => {
    const { signedAssertion } = await import("../../src/saml/assertion.ts");
    const other = await samlKey("other");
    const foreign = await signedAssertion(samlFacts(), other);
    expect(await outcome(foreign, "assertion")).toMatchObject({ ok: false, fault: "signature" });
    const dressed = foreign.replace(other.certificate, (await samlKey()).certificate);
    expect(await outcome(dressed, "assertion")).toMatchObject({ ok: false, fault: "signature" });
    const retrieval = (await genuine()).replace(/<ds:X509Data>.*<\/ds:X509Data>/, '<ds:RetrievalMethod URI="https://canary.example.com/key"></ds:RetrievalMethod>');
    expect(await outcome(retrieval, "assertion")).toMatchObject({ ok: true });
  });

  it("SAM-40 refuses everything where no certificate is left, and one that is none", async () => {
    const document = bytesOf(await genuine());
    for (const certificates of [[], ["MIIB"], ["not base64"], [btoa("HMAC secret")]]) {
      expect(await verifier.verify(document, "assertion", certificates)).toMatchObject({ ok: false, fault: "signature" });
    }
    expect(await verifier.verify(document, "assertion", ["MIIB", (await samlKey()).certificate])).toMatchObject({ ok: true });
  });
});
