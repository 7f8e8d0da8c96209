import { detached, forgetOldest } from "../protocol/bounded.ts";
import type { VerifiedToken } from "./token.ts";

/** What a JWT of ours says once its signature, issuer, type and lineage have held. */
export type VerifiedJwt = Extract<VerifiedToken, { readonly format: "jwt" }>;

// A token with hundreds of groups is not kept: it bounds the memory, and there are few of them.
const LONGEST_TEXT = 4096;

/** Tokens of ours that were verified before. Whether one has expired or is dead is asked each time; that is not kept here. */
export interface VerifiedTokens {
  recall(text: string): VerifiedToken | undefined;
  keep(text: string, token: VerifiedToken): void;
}

/** Keeps the last `most` tokens by their whole text, signature or MAC included; 0 keeps none. */
export function verifiedTokens(most: number): VerifiedTokens {
  const tokens = new Map<string, VerifiedToken>();
  return {
    recall: (text) => tokens.get(text),
    keep: (text, token) => {
      if (most === 0 || text.length > LONGEST_TEXT) return;
      tokens.set(detached(text), token);
      forgetOldest(tokens, most);
    },
  };
}
