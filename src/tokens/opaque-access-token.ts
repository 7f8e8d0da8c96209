import { randomId } from "../protocol/bytes.ts";
import type { Granted } from "../storage/family/record.ts";
import type { IssuedTokenType, Issuing, PreparedToken } from "./issued-token-type.ts";
import { newSecret, type OpaqueKind, writeOpaque } from "./opaque.ts";

/** An opaque access token: it says where its record lies; of its secret only the hash is kept. */
export const opaqueAccessToken: IssuedTokenType = {
  prepare: (issuing, isRefresh) => prepareOpaque(issuing, "at", issuing.policy.opaqueTokenLifetime, isRefresh),
};

/** An SSO token: opaque, short, redeemed once; good for nothing else. */
export const ssoToken: IssuedTokenType = {
  prepare: (issuing) => prepareOpaque(issuing, "sso", issuing.policy.ssoTokenLifetime, false),
};

async function prepareOpaque({ ring, family }: Issuing, kind: Extract<OpaqueKind, "at" | "sso">, lifetime: number, isRefresh: boolean): Promise<PreparedToken> {
  const id = randomId();
  const { secret, hash } = await newSecret();
  return {
    leaf: { id, type: "access_token", lifetime, hash },
    mint: ({ record }: Granted) => {
      // At the first issue the leaf stands in the grant's row; on a refresh it has a row of its own below the grant.
      const [above = "", grant = ""] = [record.path.at(-2), record.path.at(-1)];
      const place = isRefresh ? { parent: grant, node: id } : { parent: above, node: grant };
      return writeOpaque(ring, { kind, keyNumber: ring.tokenKeyNumber(), family, ...place, generation: 0, secret });
    },
  };
}
