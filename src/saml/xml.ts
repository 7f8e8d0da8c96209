/** The namespaces of SAML 2.0 and XML Signature. */
export const NS = {
  assertion: "urn:oasis:names:tc:SAML:2.0:assertion",
  protocol: "urn:oasis:names:tc:SAML:2.0:protocol",
  metadata: "urn:oasis:names:tc:SAML:2.0:metadata",
  signature: "http://www.w3.org/2000/09/xmldsig#",
} as const;

// Canonical XML 1.1 §1.1: what is written as a reference. A quotation mark, and white space but the space, in attributes only.
const REFERENCES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\t": "&#x9;", "\n": "&#xA;" };

/** An element as exclusive canonicalisation writes it, if its attributes are given in that order and its content is written so. */
export function element(name: string, attributes: Readonly<Record<string, string>>, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${legal(value).replace(/[&<"\r\t\n]/g, reference)}"`);
  return `<${name}${written.join("")}>${content}</${name}>`;
}

/** Text between tags. */
export function text(value: string): string {
  return legal(value).replace(/[&<>\r]/g, reference);
}

/** A text without what XML 1.0 cannot hold (§2.2): control characters, U+FFFE and U+FFFF, halves of surrogate pairs. */
export function legal(value: string): string {
  return value.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "");
}

/** An instant in UTC (SAML core §1.3.3), from seconds. */
export function instant(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function reference(character: string): string {
  return REFERENCES[character] ?? character;
}
