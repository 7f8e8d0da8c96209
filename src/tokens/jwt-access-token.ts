import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { signJwt } from "../protocol/signature.ts";
import { defined, rolesOf } from "./claims.ts";
import { expiryOf, type IssuedTokenType, lineageOf } from "./issued-token-type.ts";
import { LINEAGE_CLAIM, sealLineage } from "./lineage.ts";
import { sessionReference } from "./session-reference.ts";

/** A JWT access token, RFC 9068. */
export const jwtAccessToken: IssuedTokenType = {
  prepare: async ({ ring, family, clientId, client, dialect, policy }) => {
    const id = randomId();
    return {
      leaf: { id, type: "access_token", lifetime: policy.accessTokenLifetime },
      mint: async (granted) => {
        const { record, principal, now } = granted;
        const [key, lin, sid] = await Promise.all([
          ring.signingKey(policy.signingAlgorithm),
          sealLineage(ring, JWT_TYPE.accessToken, lineageOf(family, id, granted)),
          sessionReference(ring, family, record.sid),
        ]);
        const view = { clientId, audience: record.audience, scope: record.scope, principal, roles: rolesOf(client, principal ?? { clientId }), sid };
        const claims = {
          iss: ring.issuer,
          aud: record.audience.length === 1 ? record.audience[0] : record.audience,
          sub: principal?.sub ?? clientId,
          client_id: clientId,
          iat: now,
          exp: expiryOf(granted, id),
          jti: randomId(),
          auth_time: record.authTime,
          scope: record.scope.length === 0 ? undefined : record.scope.join(" "),
          ...dialect.accessTokenClaims(view),
          [LINEAGE_CLAIM]: lin,
        };
        return await signJwt(defined(claims), JWT_TYPE.accessToken, key);
      },
    };
  },
};
