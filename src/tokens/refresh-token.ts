import type { NewChain } from "../storage/families.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { newSecret, type OpaqueToken, writeOpaque } from "./opaque.ts";

/** The first refresh token of a grant, ready to be made. */
export interface PreparedChain {
  readonly chain: NewChain;
  mint(): Promise<string>;
}

/** Draws the first refresh token of a grant. `lifetime` in seconds. */
export async function prepareRefreshToken(ring: KeyRing, family: FamilyId, grant: { readonly parent: NodeId; readonly id: NodeId }, lifetime: number): Promise<PreparedChain> {
  const { secret, hash } = await newSecret();
  const keyNumber = ring.tokenKeyNumber();
  const token: OpaqueToken = { kind: "rt", keyNumber, family, parent: grant.parent, node: grant.id, generation: 0, secret };
  return { chain: { hash, keyNumber, lifetime }, mint: () => writeOpaque(ring, token) };
}
