import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE, SCOPE } from "../protocol/names.ts";
import { signJwt } from "../protocol/signature.ts";
import { userClaims } from "./claims.ts";
import { expiryOf, type IssuedTokenType, lineageOf, subjectOf, viewOf } from "./issued-token-type.ts";
import { LINEAGE_CLAIM, sealLineage } from "./lineage.ts";

/** An ID token, OpenID Connect Core §2. Only ever made for a user. */
export const idToken: IssuedTokenType = {
  prepare: async ({ policy, ring, client }) => {
    const id = randomId();
    // Asked for before anything is recorded: a missing key must not use up a code or a refresh token.
    if (client.scopes.includes(SCOPE.openid)) await ring.signingKey(policy.signingAlgorithm);
    return {
      leaf: { id, type: "id_token", lifetime: policy.idTokenLifetime },
      mint: async (granted, issuing, sid) => {
        const { family, clientId, dialect } = issuing;
        const { record, principal, now } = granted;
        if (principal === undefined) throw new Error("an ID token needs a user");
        const key = await ring.signingKey(policy.signingAlgorithm);
        const lin = await sealLineage(ring, JWT_TYPE.idToken, lineageOf(family, id, granted));
        const { scope, appTid, principal: known = principal } = viewOf(issuing, granted, sid);
        const claims = {
          ...userClaims(known, scope),
          ...dialect.userAttributes(known, scope),
          iss: ring.issuer,
          aud: record.audience.length === 1 ? record.audience[0] : record.audience,
          azp: clientId,
          sub: subjectOf(granted),
          iat: now,
          exp: expiryOf(granted, id),
          jti: randomId(),
          auth_time: record.authTime,
          nonce: granted.nonce,
          sid,
          app_tid: appTid,
          act: record.act,
          may_act: record.mayAct,
          // Presented here again, it needs the proof that the access token beside it needs.
          cnf: record.cnf,
          [LINEAGE_CLAIM]: lin,
        };
        return await signJwt(claims, JWT_TYPE.idToken, key);
      },
    };
  },
};
