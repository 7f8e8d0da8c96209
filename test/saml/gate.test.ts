import { describe, expect, it } from "vitest";
import { bytesOf } from "../../src/protocol/bytes.ts";
import { gate } from "../../src/saml/verifier/gate.ts";
import { parse } from "../../src/saml/verifier/tree.ts";
import { verifier } from "../../src/saml/verifier/verify.ts";
import { genuine, responseOf, samlKey } from "./idp.ts";

const read = async (document: string | Uint8Array, kind: "assertion" | "response" = "assertion") =>
  await verifier.verify(typeof document === "string" ? bytesOf(document) : Uint8Array.from(document), kind, [(await samlKey()).certificate]);

type Change = (xml: string) => string;
const replaced =
  (from: string | RegExp, to: string): Change =>
  (xml) => {
    const changed = xml.replace(from, to);
    if (changed === xml) throw new Error("the case changes nothing");
    return changed;
  };

const C14N = "http://www.w3.org/2001/10/xml-exc-c14n#";
const TRANSFORM = `<ds:Transform Algorithm="${C14N}"></ds:Transform>`;

// What is refused before any parser, or before any cryptography: the fault says which, so no case is refused for another reason.
const CASES: readonly (readonly [string, "gate" | "shape" | "algorithm" | "content", Change])[] = [
  ["SAM-11 a bare DOCTYPE", "gate", (xml) => `<!DOCTYPE saml:Assertion>${xml}`],
  ["SAM-11 an internal entity", "gate", (xml) => `<!DOCTYPE a [<!ENTITY e "x">]>${xml}`],
  ["SAM-11 an external entity", "gate", (xml) => `<!DOCTYPE a [<!ENTITY e SYSTEM "https://canary.example.com/">]>${xml}`],
  ["SAM-11 an ATTLIST that makes another ID", "gate", (xml) => `<!DOCTYPE a [<!ATTLIST a ID CDATA "_evil">]>${xml}`],
  ["SAM-11 an entity that nobody declared", "gate", replaced("admin@example.com", "&evil;admin")],
  ["SAM-09 a comment in the NameID", "gate", replaced("admin@example.com", "admin@example.com<!---->.evil.example")],
  ["SAM-09 CDATA in the NameID", "gate", replaced("admin@example.com", "admin<![CDATA[@]]>example.com")],
  ["a processing instruction", "gate", replaced("<saml:Subject>", "<?evil?><saml:Subject>")],
  ["a second XML declaration", "gate", (xml) => `<?xml version="1.0"?><?xml version="1.0"?>${xml}`],
  ["SAM-42 a declaration of UTF-16", "gate", (xml) => `<?xml version="1.0" encoding="UTF-16"?>${xml}`],
  ["SAM-42 a declaration of UTF-7", "gate", (xml) => `<?xml version="1.0" encoding="UTF-7"?>${xml}`],
  ["SAM-42 XML 1.1", "gate", (xml) => `<?xml version="1.1"?>${xml}`],
  ["a control character", "gate", replaced("admin@", "admin\u0001@")],
  ["a reference to NUL", "gate", replaced("admin@", "admin&#0;@")],
  ["a reference beyond Unicode", "gate", replaced("admin@", "admin&#x110000;@")],
  ["SAM-14 an attribute twice", "gate", replaced(' Version="2.0"', ' Version="2.0" Version="2.0"')],
  ["SAM-14 an attribute twice by two prefixes of one namespace", "gate", replaced(' Version="2.0"', ' Version="2.0" xmlns:p="urn:x" xmlns:q="urn:x" p:ID="a" q:ID="b"')],
  ["SAM-15 a relative namespace", "gate", replaced(' Version="2.0"', ' Version="2.0" xmlns:r="../relative"')],
  ["SAM-15 an empty namespace", "gate", replaced("<saml:Subject>", '<saml:Subject xmlns="">')],
  ["a prefix that nobody declared", "gate", replaced("<saml:Subject>", "<saml:Subject><x:y></x:y>")],
  ["two roots", "gate", (xml) => xml + xml],
  ["text behind the root", "gate", (xml) => `${xml}x`],
  ["an end tag that fits no start", "gate", replaced("</saml:Subject>", "</saml:Sub>")],
  ["an unquoted attribute", "gate", replaced('Version="2.0"', "Version=2.0")],
  ["SAM-41 20 000 nested elements", "gate", replaced("<saml:Subject>", `<saml:Subject>${"<saml:a>".repeat(20_000)}${"</saml:a>".repeat(20_000)}`)],
  ["SAM-41 20 000 elements side by side", "gate", replaced("<saml:Subject>", `<saml:Subject>${"<saml:a/>".repeat(20_000)}`)],
  ["SAM-41 10 000 attributes", "gate", replaced("<saml:Subject>", `<saml:Subject><saml:a ${Array.from({ length: 10_000 }, (_, index) => `a${index}="1"`).join(" ")}/>`)],
  ["SAM-41 more than 256 KiB", "gate", replaced("<saml:Subject>", `${" ".repeat(300_000)}<saml:Subject>`)],
  ["SAM-17 two SignedInfo", "shape", replaced(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)/, "$1$1")],
  ["SAM-19 no signature", "shape", replaced(/<ds:Signature .*<\/ds:Signature>/, "")],
  ["SAM-19 an empty SignatureValue", "shape", replaced(/(<ds:SignatureValue>)[^<]+/, "$1")],
  ["SAM-19 an empty DigestValue", "shape", replaced(/(<ds:DigestValue>)[^<]+/, "$1")],
  ["SAM-19 a comment's place taken by an element in DigestValue", "shape", replaced(/(<ds:DigestValue>)/, "$1<ds:x></ds:x>")],
  ["SAM-21 an empty reference", "shape", replaced(/URI="#[^"]+"/, 'URI=""')],
  ["SAM-21 a reference to elsewhere", "shape", replaced(/URI="#[^"]+"/, 'URI="https://canary.example.com/"')],
  ["SAM-21 an xpointer", "shape", replaced(/URI="#[^"]+"/, 'URI="#xpointer(/)"')],
  ["SAM-21 a reference to another ID", "shape", replaced(/URI="#[^"]+"/, 'URI="#_other"')],
  ["SAM-21 two references", "shape", replaced(/(<ds:Reference .*<\/ds:Reference>)/, "$1$1")],
  ["SAM-21 no reference", "shape", replaced(/<ds:Reference .*<\/ds:Reference>/, "")],
  ["SAM-22 XSLT", "algorithm", replaced(TRANSFORM, '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></ds:Transform>')],
  ["SAM-22 XPath", "algorithm", replaced(TRANSFORM, '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"></ds:Transform>')],
  ["SAM-22 base64", "algorithm", replaced(TRANSFORM, '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"></ds:Transform>')],
  ["SAM-22 canonicalisation with comments", "algorithm", replaced(TRANSFORM, `<ds:Transform Algorithm="${C14N}WithComments"></ds:Transform>`)],
  ["SAM-22 inclusive canonicalisation", "algorithm", replaced(TRANSFORM, '<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></ds:Transform>')],
  ["SAM-22 no enveloped transform", "algorithm", replaced(/<ds:Transform Algorithm="[^"]*enveloped-signature"><\/ds:Transform>/, "")],
  ["SAM-22 three transforms", "algorithm", replaced(TRANSFORM, TRANSFORM + TRANSFORM)],
  [
    "SAM-22 inclusive canonicalisation of SignedInfo",
    "algorithm",
    replaced(`<ds:CanonicalizationMethod Algorithm="${C14N}"`, '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
  ],
  ["SAM-24 HMAC", "algorithm", replaced("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1")],
  ["RSA with SHA-1", "algorithm", replaced("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")],
  ["a digest of SHA-1", "algorithm", replaced("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1")],
  ["SAM-43 SAML 1.1", "shape", (xml) => xml.replaceAll("urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:1.0:assertion")],
  ["SAM-43 an AuthnRequest", "shape", () => '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"></samlp:AuthnRequest>'],
  ["SAM-43 a LogoutResponse", "shape", () => '<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"></samlp:LogoutResponse>'],
  ["SAM-43 a Response where an assertion is asked for", "shape", (xml) => responseOf(xml)],
];

describe("before any signature is looked at", () => {
  it.each(CASES)("%s: refused (%s)", async (_name, fault, change) => {
    expect(await read(change(await genuine()))).toMatchObject({ ok: false, fault });
  });

  it("SAM-41 SAM-42 bytes that are no UTF-8 are refused, and nothing at all", async () => {
    const genuineBytes = bytesOf(await genuine());
    const utf16 = new Uint8Array(new Uint16Array([0xfeff, ...[..."<a/>"].map((character) => character.charCodeAt(0))]).buffer);
    for (const bytes of [utf16, Uint8Array.of(...genuineBytes, 0xff), new Uint8Array()]) expect(await read(bytes)).toMatchObject({ ok: false, fault: "gate" });
    expect(await read(genuineBytes)).toMatchObject({ ok: true });
  });
});

describe("two readings", () => {
  it("SAM-50 the parser is believed where it sees what the gate saw: the same elements, the same ids", async () => {
    const gated = gate(bytesOf(await genuine()));
    expect(parse(gated).localName).toBe("Assertion");
    for (const other of [{ ids: ["_evil"] }, { elements: gated.elements.slice(1) }, { elements: [...gated.elements.slice(0, -1), "urn:x y"] }]) {
      expect(() => parse({ ...gated, ...other })).toThrow("two readings");
    }
  });
});

describe("a Response", () => {
  it("SAM-31 says Success and nothing below it", async () => {
    const [success, assertion] = ["urn:oasis:names:tc:SAML:2.0:status:Success", await genuine()];
    const second = '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"></samlp:StatusCode>';
    expect(await read(responseOf(assertion, "urn:oasis:names:tc:SAML:2.0:status:Responder"), "response")).toMatchObject({ ok: false, fault: "content" });
    expect(await read(responseOf(assertion, success, second), "response")).toMatchObject({ ok: false, fault: "content" });
    expect(await read(responseOf(assertion, success), "response")).toMatchObject({ ok: true });
  });
});

describe("what the verifier says of a refusal", () => {
  it("LOG-06 holds nothing of the document", async () => {
    for (const [, , change] of CASES) {
      const { note = "" } = (await read(change(await genuine()))) as { readonly note?: string };
      expect(note).toMatch(/^[A-Za-z\] >]{1,40}$/);
    }
  });
});
