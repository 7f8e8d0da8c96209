import { forgetOldest } from "../protocol/bounded.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { writeOpaque } from "./opaque.ts";

// The same for each token of a session, and for each question about one.
const KEPT = 1000;
const references = new WeakMap<KeyRing, Map<string, string>>();

/** The `sid` of a login session as tokens and logout tokens carry it: a reference without power, that finds its way home. */
export async function sessionReference(ring: KeyRing, family: FamilyId, sid: NodeId | undefined): Promise<string | undefined> {
  if (sid === undefined) return undefined;
  const known = references.get(ring) ?? new Map<string, string>();
  const name = `${family} ${sid}`;
  const kept = known.get(name);
  if (kept !== undefined) return kept;
  const reference = await writeOpaque(ring, { kind: "sid", keyNumber: ring.tokenKeyNumber(), family, parent: "", node: sid, generation: 0, secret: "" });
  references.set(ring, known.set(name, reference));
  forgetOldest(known, KEPT);
  return reference;
}
