import { forgetOldest } from "../protocol/bounded.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { writeOpaque } from "./opaque.ts";

const REFERENCES_KEPT = 1000;

// Made of the session and the key alone, and asked for with each token of a login.
const references = new WeakMap<KeyRing, Map<NodeId, { readonly family: FamilyId; readonly text: string }>>();

/** The `sid` of a login session as tokens and logout tokens carry it: a reference without power, that finds its way home. */
export async function sessionReference(ring: KeyRing, family: FamilyId, sid: NodeId | undefined): Promise<string | undefined> {
  if (sid === undefined) return undefined;
  const ofRing = references.get(ring) ?? new Map<NodeId, { readonly family: FamilyId; readonly text: string }>();
  const known = ofRing.get(sid);
  if (known?.family === family) return known.text;
  const text = await writeOpaque(ring, { kind: "sid", keyNumber: ring.tokenKeyNumber(), family, parent: "", node: sid, generation: 0, secret: "" });
  forgetOldest(ofRing.set(sid, { family, text }), REFERENCES_KEPT);
  references.set(ring, ofRing);
  return text;
}
