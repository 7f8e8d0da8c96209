import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { signJwt } from "../protocol/signature.ts";
import { expiryOf, type IssuedTokenType, lineageOf, subjectOf, viewOf } from "./issued-token-type.ts";
import { LINEAGE_CLAIM, sealLineage } from "./lineage.ts";

/** A JWT access token, RFC 9068. */
export const jwtAccessToken: IssuedTokenType = {
  prepare: async ({ policy, ring }) => {
    const id = randomId();
    // Asked for before anything is recorded: a missing key must not use up a code or a refresh token.
    const key = await ring.signingKey(policy.signingAlgorithm);
    return {
      leaf: { id, type: "access_token", lifetime: policy.accessTokenLifetime },
      mint: async (granted, issuing, sid) => {
        const { family, clientId, dialect } = issuing;
        const { record, now } = granted;
        const lin = await sealLineage(ring, JWT_TYPE.accessToken, lineageOf(family, id, granted));
        const claims = {
          ...dialect.accessTokenClaims(viewOf(issuing, granted, sid)),
          iss: ring.issuer,
          aud: record.audience.length === 1 ? record.audience[0] : record.audience,
          sub: subjectOf(granted),
          client_id: clientId,
          iat: now,
          exp: expiryOf(granted, id),
          jti: randomId(),
          auth_time: granted.principal === undefined ? undefined : record.authTime,
          scope: record.scope.length === 0 ? undefined : record.scope.join(" "),
          act: record.act,
          may_act: record.mayAct,
          cnf: record.cnf,
          [LINEAGE_CLAIM]: lin,
        };
        return await signJwt(claims, JWT_TYPE.accessToken, key);
      },
    };
  },
};
