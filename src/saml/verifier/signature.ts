import { verify, X509Certificate } from "node:crypto";
import type { Element } from "@xmldom/xmldom";
import { SignedXml } from "xml-crypto";
import type { ReceivedRequest } from "../verified.ts";
import { NS } from "../xml.ts";
import { Fault } from "./fault.ts";
import { attributeOf, childrenNamed, childrenOf, is, textOf } from "./tree.ts";

const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED = `${NS.signature}enveloped-signature`;
const SIGNATURES = ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"] as const;
const DIGESTS = ["http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmlenc#sha512"] as const;
const MODULUS_BITS = 2048;

/**
 * The one signature of an assertion: its child, of exactly the shape that SAML prescribes (SAML core §5.4): one reference to
 * the assertion's own ID, the two fixed transforms, RSA with SHA-256 or SHA-512. Whatever KeyInfo says is not read.
 */
export function signatureOf(assertion: Element): Element {
  const [signature, second] = childrenNamed(assertion, NS.signature, "Signature");
  if (signature === undefined || second !== undefined) throw new Fault("shape", "not one signature");
  const [signedInfo, value, keyInfo, ...more] = childrenOf(signature);
  if (!isDs(signedInfo, "SignedInfo") || !isDs(value, "SignatureValue") || more.length > 0 || (keyInfo !== undefined && !isDs(keyInfo, "KeyInfo"))) {
    throw new Fault("shape", "signature");
  }
  if (!isBase64(textOf(value))) throw new Fault("shape", "signature value");
  const [canonicalization, method, reference, ...others] = childrenOf(signedInfo);
  if (!isDs(canonicalization, "CanonicalizationMethod") || !isDs(method, "SignatureMethod") || !isDs(reference, "Reference") || others.length > 0) {
    throw new Fault("shape", "signed info");
  }
  requireAlgorithm(canonicalization, [EXCLUSIVE]);
  requireAlgorithm(method, SIGNATURES);
  if (childrenOf(method).length > 0 || childrenOf(canonicalization).length > 0) throw new Fault("algorithm", "parameters");
  checkReference(reference, attributeOf(assertion, "ID") ?? "");
  return signature;
}

/** Verifies with one of the certificates, and answers the bytes that were signed: nothing else may be read. */
export function verifiedBytes(text: string, signature: Element, certificates: readonly string[]): string {
  for (const certificate of certificates) {
    const key = publicKey(certificate);
    const signed = key === undefined ? undefined : check(text, signature, key);
    if (signed !== undefined) return signed;
  }
  throw new Fault("signature", "no certificate fits");
}

/** True where one of the certificates signed the query of the redirect binding, with RSA and SHA-256 or SHA-512 (SAML bindings §3.4.4.1). */
export function isSignedBy({ signed, algorithm, signature }: NonNullable<ReceivedRequest["redirect"]>, certificates: readonly string[]): boolean {
  const known = SIGNATURES.find((uri) => uri === algorithm);
  if (known === undefined || !isBase64(signature)) return false;
  const [data, value] = [new TextEncoder().encode(signed), Uint8Array.fromBase64(signature)];
  return certificates.some((certificate) => {
    const key = publicKey(certificate);
    return key !== undefined && verify(`sha${known.slice(-3)}`, data, key, value);
  });
}

function check(text: string, signature: Element, publicCert: string): string | undefined {
  const verifier = new SignedXml({ publicCert, getCertFromKeyInfo: () => null, idAttribute: "ID" });
  const { CanonicalizationAlgorithms, HashAlgorithms, SignatureAlgorithms } = verifier;
  verifier.idAttributes = ["ID"];
  verifier.CanonicalizationAlgorithms = only(CanonicalizationAlgorithms, [EXCLUSIVE, ENVELOPED]);
  verifier.HashAlgorithms = only(HashAlgorithms, DIGESTS);
  verifier.SignatureAlgorithms = only(SignatureAlgorithms, SIGNATURES);
  try {
    verifier.loadSignature(signature as never);
    const [signed, second] = verifier.checkSignature(text) ? verifier.getSignedReferences() : [];
    return second === undefined ? signed : undefined;
  } catch {
    return undefined;
  }
}

function checkReference(reference: Element, id: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(id) || attributeOf(reference, "URI") !== `#${id}`) throw new Fault("shape", "reference");
  const [transforms, method, value, ...more] = childrenOf(reference);
  if (!isDs(transforms, "Transforms") || !isDs(method, "DigestMethod") || !isDs(value, "DigestValue") || more.length > 0) throw new Fault("shape", "reference");
  const [enveloped, exclusive, ...others] = childrenOf(transforms);
  if (!isDs(enveloped, "Transform") || !isDs(exclusive, "Transform") || others.length > 0) throw new Fault("algorithm", "transforms");
  requireAlgorithm(enveloped, [ENVELOPED]);
  requireAlgorithm(exclusive, [EXCLUSIVE]);
  requireAlgorithm(method, DIGESTS);
  const [inclusive, ...further] = childrenOf(exclusive);
  if (childrenOf(enveloped).length > 0 || childrenOf(method).length > 0 || further.length > 0) throw new Fault("algorithm", "parameters");
  if (inclusive !== undefined && !is(inclusive, EXCLUSIVE, "InclusiveNamespaces")) throw new Fault("algorithm", "parameters");
  if (!isBase64(textOf(value))) throw new Fault("shape", "digest value");
}

function requireAlgorithm(element: Element, allowed: readonly string[]): void {
  if (!allowed.includes(attributeOf(element, "Algorithm") ?? "")) throw new Fault("algorithm", element.localName ?? "");
}

function isDs(element: Element | undefined, name: string): element is Element {
  return element !== undefined && is(element, NS.signature, name);
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text);
}

// RSA of 2048 bit at least, whatever the certificate calls itself.
function publicKey(certificate: string): string | undefined {
  try {
    const { publicKey: key } = new X509Certificate(Uint8Array.fromBase64(certificate));
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    return key.asymmetricKeyType === "rsa" && modulusLength >= MODULUS_BITS ? key.export({ format: "pem", type: "spki" }) : undefined;
  } catch {
    return undefined;
  }
}

function only<T>(table: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)));
}
