import { bytesOf } from "../protocol/bytes.ts";
import { element, NS } from "./xml.ts";

/** The hash of an RSA signature (RFC 9231 §2.3.2). */
export type SamlHash = "SHA-256" | "SHA-512";

/** The hash that an application wants signatures with. */
export function samlHashOf(signature: "RSA-SHA256" | "RSA-SHA512" | undefined): SamlHash {
  return signature === "RSA-SHA512" ? "SHA-512" : "SHA-256";
}

/** A private RSA key that signs with one hash, and its certificate in base64. */
export interface SamlKey {
  readonly key: CryptoKey;
  readonly hash: SamlHash;
  readonly certificate: string;
}

const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";

/**
 * Signs an element by an enveloped signature (XML Signature §4, SAML core §5.4). `head` and `tail` are the element's own
 * text around the place of the signature, in exclusive canonical form: so it is signed as it stands, and never parsed.
 */
export async function signElement(head: string, tail: string, id: string, { key, hash, certificate }: SamlKey): Promise<string> {
  const digest = base64(await crypto.subtle.digest(hash, bytesOf(head + tail)));
  const bits = hash.slice(4);
  const transforms = [`${NS.signature}enveloped-signature`, EXCLUSIVE].map((uri) => element("ds:Transform", { Algorithm: uri }));
  const digestMethod = element("ds:DigestMethod", { Algorithm: `http://www.w3.org/2001/04/xmlenc#sha${bits}` });
  const signed =
    element("ds:CanonicalizationMethod", { Algorithm: EXCLUSIVE }) +
    element("ds:SignatureMethod", { Algorithm: signatureAlgorithm(hash) }) +
    element("ds:Reference", { URI: `#${id}` }, element("ds:Transforms", {}, transforms.join("")) + digestMethod + element("ds:DigestValue", {}, digest));
  const namespace = { "xmlns:ds": NS.signature };
  // Alone, as it is signed, SignedInfo declares the namespace; in its place it has it from above.
  const value = base64(await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, bytesOf(element("ds:SignedInfo", namespace, signed))));
  const keyInfo = element("ds:KeyInfo", {}, element("ds:X509Data", {}, element("ds:X509Certificate", {}, certificate)));
  return `${head}${element("ds:Signature", namespace, element("ds:SignedInfo", {}, signed) + element("ds:SignatureValue", {}, value) + keyInfo)}${tail}`;
}

/** The identifier of RSA with a hash (RFC 9231 §2.3.2). */
export function signatureAlgorithm(hash: SamlHash): string {
  return `http://www.w3.org/2001/04/xmldsig-more#rsa-sha${hash.slice(4)}`;
}

function base64(bytes: ArrayBuffer): string {
  return new Uint8Array(bytes).toBase64();
}
