import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { writeOpaque } from "./opaque.ts";

/** The `sid` of a login session as tokens and logout tokens carry it: a reference without power, that finds its way home. */
export async function sessionReference(ring: KeyRing, family: FamilyId, sid: NodeId | undefined): Promise<string | undefined> {
  if (sid === undefined) return undefined;
  return await writeOpaque(ring, { kind: "sid", keyNumber: ring.tokenKeyNumber(), family, parent: "", node: sid, generation: 0, secret: "" });
}
