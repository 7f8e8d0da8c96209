import { randomId } from "../protocol/bytes.ts";
import type { IssuedTokenType } from "./issued-token-type.ts";
import { newSecret, writeOpaque } from "./opaque.ts";

/** An opaque access token: it says where its record lies; of its secret only the hash is kept. */
export const opaqueAccessToken: IssuedTokenType = {
  prepare: async ({ ring, family, policy }, grant) => {
    const id = randomId();
    const { secret, hash } = await newSecret();
    // On a refresh the leaf has a row of its own below the grant; at the first issue it stands in the grant's row.
    const place = grant.ownRow ? { parent: grant.id, node: id } : { parent: grant.parent, node: grant.id };
    return {
      leaf: { id, type: "access_token", lifetime: policy.opaqueTokenLifetime, hash },
      mint: () => writeOpaque(ring, { kind: "at", keyNumber: ring.tokenKeyNumber(), family, ...place, generation: 0, secret }),
    };
  },
};
