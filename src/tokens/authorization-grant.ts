import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { signJwt } from "../protocol/signature.ts";
import { userClaims } from "./claims.ts";
import { expiryOf, type IssuedTokenType, type Issuing, subjectOf } from "./issued-token-type.ts";

/** An assertion of the user's identity for one authorization server of another domain (ID-JAG). */
export const idJag: IssuedTokenType = { prepare: (issuing) => prepareGrant(issuing, JWT_TYPE.idJag) };

/** A JWT authorization grant for one of another domain (RFC 7523, identity chaining). */
export const authorizationGrant: IssuedTokenType = { prepare: (issuing) => prepareGrant(issuing, JWT_TYPE.authorizationGrant) };

// Nothing of a lineage stands in it: it is no token of ours, and nobody here takes it.
async function prepareGrant({ ring, policy, targets, clientId }: Issuing, type: string): ReturnType<IssuedTokenType["prepare"]> {
  const { authorizationServer: server, resource } = targets[0] ?? {};
  if (server === undefined) throw new Rejection("target_unknown");
  const id = randomId();
  const key = await ring.signingKey(policy.signingAlgorithm);
  return {
    leaf: { id, type: "access_token", lifetime: server.lifetime },
    mint: async (granted) => {
      const { record, principal, now } = granted;
      const claims = {
        ...(principal === undefined ? {} : userClaims(principal, server.attributes)),
        iss: ring.issuer,
        sub: subjectOf(granted),
        aud: server.issuer,
        client_id: server.clientId ?? clientId,
        jti: randomId(),
        iat: now,
        exp: expiryOf(granted, id),
        auth_time: principal === undefined ? undefined : record.authTime,
        scope: record.scope.length === 0 ? undefined : record.scope.join(" "),
        resource,
        act: record.act,
        cnf: record.cnf,
      };
      return await signJwt(claims, type, key);
    },
  };
}
