import type { Lineage, Origin, Root, RootKind } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { seal, unseal } from "./seal.ts";

/** The private claim of a JWT that holds its lineage, sealed: nothing in one token links it to another. */
export const LINEAGE_CLAIM = "lin";

const VERSION = 1;

type PackedOrigin = readonly [family: string, path: readonly string[], node: string, sid: string | null, kind: RootKind, time: number, lazy: 0 | 1, idp: string | null];
type Packed = readonly [version: number, origin: PackedOrigin, hops: number, deadline: number, branches: readonly PackedOrigin[]];

/** Seals a lineage for a JWT of one `typ`. */
export async function sealLineage(ring: KeyRing, type: string, lineage: Lineage): Promise<string> {
  const packed: Packed = [VERSION, pack(lineage), lineage.hops, lineage.deadline, lineage.branches.map(pack)];
  return await seal(ring, "seal", `lineage ${type}`, JSON.stringify(packed));
}

/** Opens the lineage of a JWT whose signature holds. "newer": sealed by a later version of this Worker, which is 503 and no verdict. */
export async function openLineage(ring: KeyRing, type: string, sealed: unknown): Promise<Lineage | "newer" | undefined> {
  const text = typeof sealed === "string" ? await unseal(ring, "seal", `lineage ${type}`, sealed) : undefined;
  if (text === undefined) return undefined;
  // We sealed it, so it has the shape that we gave it.
  const [version, origin, hops, deadline, branches] = JSON.parse(text) as Packed;
  return version > VERSION ? "newer" : { ...unpack(origin), hops, deadline, branches: branches.map(unpack) };
}

function pack({ family, path, node, sid, root }: Origin): PackedOrigin {
  return [family, path, node, sid ?? null, root.kind, root.time, root.lazy ? 1 : 0, root.idp ?? null];
}

function unpack([family, path, node, sid, kind, time, lazy, idp]: PackedOrigin): Origin {
  const root: Root = { kind, time, lazy: lazy === 1, ...(idp === null ? {} : { idp }) };
  return { family, path, node, root, ...(sid === null ? {} : { sid }) };
}
