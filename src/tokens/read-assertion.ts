import { fromBase64url, recodeBase64url } from "../protocol/bytes.ts";
import type { Exchange } from "../service.ts";
import { readOpaque } from "./opaque.ts";
import type { Unreadable } from "./read.ts";
import type { VerifiedToken } from "./token.ts";

/**
 * Reads an assertion of ours: the other Worker verifies the signature, then its id leads to its record in the family. The
 * record says how long it lives and whose it is; it is a subject, so it need not be addressed to us.
 */
export async function readAssertion({ service, ring, audit }: Exchange, text: string): Promise<VerifiedToken | Unreadable> {
  // RFC 7522 §2.1: other encoders pad.
  const document = fromBase64url(recodeBase64url(text));
  if (document === undefined) return { format: "none", reason: "malformed" };
  const certificates = ring.samlCertificates();
  const verified = await service.saml.verify(document, "assertion", certificates);
  if (!verified.ok) {
    audit.note({ note: `${verified.fault}: ${verified.note}` });
    return { format: "none", reason: verified.fault === "signature" ? "signature" : "malformed" };
  }
  const token = verified.assertion.issuer === ring.issuer ? await readOpaque(ring, "saml", verified.assertion.id) : undefined;
  return token === undefined ? { format: "none", reason: "claims" } : { format: "opaque", kind: "saml_assertion", token };
}
