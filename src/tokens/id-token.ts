import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { signJwt } from "../protocol/signature.ts";
import { defined, userClaims } from "./claims.ts";
import { expiryOf, type IssuedTokenType, lineageOf } from "./issued-token-type.ts";
import { LINEAGE_CLAIM, sealLineage } from "./lineage.ts";
import { sessionReference } from "./session-reference.ts";

/** An ID token, OpenID Connect Core §2. Only ever made for a user. */
export const idToken: IssuedTokenType = {
  prepare: async ({ ring, family, clientId, dialect, policy }) => {
    const id = randomId();
    return {
      leaf: { id, type: "id_token", lifetime: policy.idTokenLifetime },
      mint: async (granted) => {
        const { record, principal, now } = granted;
        if (principal === undefined) throw new Error("an ID token needs a user");
        const [key, lin, sid] = await Promise.all([
          ring.signingKey(policy.signingAlgorithm),
          sealLineage(ring, JWT_TYPE.idToken, lineageOf(family, id, granted)),
          sessionReference(ring, family, record.sid),
        ]);
        const claims = {
          iss: ring.issuer,
          aud: clientId,
          azp: clientId,
          sub: principal.sub,
          iat: now,
          exp: expiryOf(granted, id),
          jti: randomId(),
          auth_time: record.authTime,
          nonce: granted.nonce,
          sid,
          ...userClaims(principal, record.scope),
          ...dialect.userAttributes(principal, record.scope),
          [LINEAGE_CLAIM]: lin,
        };
        return await signJwt(defined(claims), JWT_TYPE.idToken, key);
      },
    };
  },
};
