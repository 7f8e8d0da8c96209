import { forgetOldest } from "../protocol/bounded.ts";
import { bytesOf } from "../protocol/bytes.ts";
import type { KeyRing } from "./keys.ts";

// Those of every token are few; a label with an id in it is not asked for often.
const MOST = 64;
const contexts = new WeakMap<KeyRing, Map<string, Uint8Array<ArrayBuffer>>>();

/** The bytes that bind what is sealed or authenticated to its tenant and its place: the issuer, a line feed, the label. Not to be written to. */
export function contextOf(ring: KeyRing, label: string): Uint8Array<ArrayBuffer> {
  const ofRing = contexts.get(ring) ?? new Map<string, Uint8Array<ArrayBuffer>>();
  const known = ofRing.get(label);
  if (known !== undefined) return known;
  const context = bytesOf(`${ring.issuer}\n${label}`);
  contexts.set(ring, ofRing.set(label, context));
  forgetOldest(ofRing, MOST);
  return context;
}
