import type { Element } from "@xmldom/xmldom";
import type { AuthnRequest, LogoutRequest, ReceivedRequest } from "../verified.ts";
import { Fault } from "./fault.ts";
import { gate } from "./gate.ts";
import { instantOf, issuerOf } from "./read.ts";
import { isSignedBy, signatureOf, verifiedBytes } from "./signature.ts";
import { attributeOf, parse } from "./tree.ts";

const BYTES_LIMIT = 64 * 1024;

/** Inflates a message of the redirect binding (RFC 1951), to 64 KiB at most. */
export async function inflate(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([message]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const whole = new Uint8Array(BYTES_LIMIT);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Fault("gate", "deflate");
    });
    if (done) return whole.slice(0, length);
    if (length + value.byteLength > BYTES_LIMIT) {
      await reader.cancel();
      throw new Fault("gate", "size");
    }
    whole.set(value, length);
    length += value.byteLength;
  }
}

/**
 * The root of a request. With `certificates` only if one of them signed it: the query of the redirect binding, or by POST the
 * element itself, which is then read anew from the signed bytes. Without, nothing is known to be true of it yet.
 */
export async function requestRoot({ message, redirect }: ReceivedRequest, certificates: readonly string[] | undefined): Promise<Element> {
  const gated = gate(redirect === undefined ? message : await inflate(message));
  const root = parse(gated);
  if (certificates === undefined) return root;
  if (redirect !== undefined) {
    if (!isSignedBy(redirect, certificates)) throw new Fault("signature", "query");
    return root;
  }
  if (gated.elements.filter((name) => name.endsWith(" Signature")).length !== 1) throw new Fault("shape", "not one signature");
  if (new Set(gated.ids).size !== gated.ids.length) throw new Fault("shape", "an id twice");
  return parse(gate(new TextEncoder().encode(verifiedBytes(gated.text, signatureOf(root), certificates))));
}

/** What all requests have in common (SAML core §3.2.1). */
export function requestFacts(root: Element): Pick<AuthnRequest & LogoutRequest, "id" | "issuer" | "issued" | "destination"> {
  if (attributeOf(root, "Version") !== "2.0") throw new Fault("content", "version");
  const id = attributeOf(root, "ID") ?? "";
  const issued = instantOf(root, "IssueInstant");
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/.test(id) || issued === undefined) throw new Fault("content", "ID");
  const destination = attributeOf(root, "Destination");
  return { id, issued, issuer: issuerOf(root), ...(destination === undefined ? {} : { destination }) };
}
