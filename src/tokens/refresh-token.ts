import type { Granted, NewChain } from "../storage/family/record.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { KeyRing } from "./keys.ts";
import { newSecret, writeOpaque } from "./opaque.ts";

/** The first refresh token of a grant, ready to be made. */
export interface PreparedChain {
  readonly chain: NewChain;
  mint(granted: Granted): Promise<string>;
}

/** Draws the first refresh token of a grant. `lifetime` in seconds. */
export async function prepareRefreshToken(ring: KeyRing, family: FamilyId, lifetime: number): Promise<PreparedChain> {
  const { secret, hash } = await newSecret();
  const keyNumber = ring.tokenKeyNumber();
  return {
    chain: { hash, keyNumber, lifetime },
    mint: ({ record }) => writeOpaque(ring, { kind: "rt", keyNumber, family, parent: record.path.at(-2) ?? "", node: record.path.at(-1) ?? "", generation: 0, secret }),
  };
}
