import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { readOpaque, writeOpaque } from "./opaque.ts";

/** The `sid` of a login session as tokens and logout tokens carry it: a reference without power, that finds its way home. */
export async function sessionReference(ring: KeyRing, family: FamilyId, sid: NodeId | undefined): Promise<string | undefined> {
  if (sid === undefined) return undefined;
  return await writeOpaque(ring, { kind: "sid", keyNumber: ring.tokenKeyNumber(), family, parent: "", node: sid, generation: 0, secret: "" });
}

/** The session that a `sid` of ours refers to. */
export async function readSessionReference(ring: KeyRing, text: string): Promise<{ readonly family: FamilyId; readonly session: NodeId } | undefined> {
  const reference = await readOpaque(ring, "sid", text);
  return reference === undefined ? undefined : { family: reference.family, session: reference.node };
}
