import type { ProviderTokens } from "../federation/provider-tokens.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { KeyRing } from "../tokens/keys.ts";
import { seal, unseal } from "../tokens/seal.ts";

const label = (family: FamilyId) => `idp-tokens ${family}`;

/** Seals the IdP's tokens of a login, to be kept in its family: they open in no other. */
export async function sealProviderTokens(ring: KeyRing, family: FamilyId, tokens: ProviderTokens): Promise<string> {
  return await seal(ring, "seal", label(family), JSON.stringify(tokens));
}

/** Opens what a family keeps of the IdP's tokens; undefined for what was not sealed for it, or whose key is gone. */
export async function unsealProviderTokens(ring: KeyRing, family: FamilyId, sealed: string): Promise<ProviderTokens | undefined> {
  const text = await unseal(ring, "seal", label(family), sealed);
  return text === undefined ? undefined : (JSON.parse(text) as ProviderTokens);
}
