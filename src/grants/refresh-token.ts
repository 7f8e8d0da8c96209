import { randomId, sha256 } from "../protocol/bytes.ts";
import { GRANT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { parseScope } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { Granted } from "../storage/families.ts";
import { RETRY_WINDOW_SECONDS } from "../tenants/token-policy.ts";
import { configurationDeath } from "../tokens/inspect.ts";
import { type OpaqueToken, readOpaque, successorOf, writeOpaque } from "../tokens/opaque.ts";
import type { Grant } from "./grant.ts";
import { accessTokenFormat, issuingFor, mintTokens, type PreparedTokens, prepareTokens } from "./issuing.ts";
import { refuseOtherTargets } from "./targets.ts";

/**
 * The refresh grant, RFC 6749 §6, with rotation (RFC 9700 §4.14). The successor is derived from the presented token, so a
 * retry within the window is given the same one. One object call.
 */
export const refreshToken: Grant = {
  name: "refresh_token",
  grantType: GRANT_TYPE.refresh_token,
  issue: async (request) => {
    const { form, ring, service, clientId, client } = request;
    const presented = form.require("refresh_token");
    const scope = form.get("scope");
    refuseOtherTargets(request);
    const token = await readOpaque(ring, "rt", presented);
    if (token === undefined) throw new Rejection("refresh_malformed");
    const issuing = issuingFor(request, token.family);
    const { policy, dialect } = issuing;
    const options = dialect.options(form);
    const place = { parent: token.parent, id: token.node, ownRow: true };
    const format = accessTokenFormat(issuing, "refresh_token", options);
    const tokens = await prepareTokens(issuing, format, place);
    // The client may have chosen the other format at the first issue; the record knows.
    const otherFormat = format === "jwt" ? "opaque" : "jwt";
    const other = options.format === undefined ? await prepareTokens(issuing, otherFormat, place) : undefined;
    const successor = await successorOf(ring, token, ring.tokenKeyNumber());
    const granted = await service.families.refresh(token.family, {
      op: randomId(),
      parent: token.parent,
      grant: token.node,
      generation: token.generation,
      hash: await sha256(token.secret),
      client: clientId,
      window: RETRY_WINDOW_SECONDS[policy.refreshRetry],
      successor: { hash: await sha256(successor.secret), keyNumber: successor.keyNumber },
      leaves: [tokens.accessToken.leaf, tokens.idToken.leaf],
      allowedScope: client.scopes,
      ...(other === undefined ? {} : { otherFormat: { format: otherFormat, leaf: other.accessToken.leaf } }),
      ...(options.refreshExpiry === undefined ? {} : { lifetime: options.refreshExpiry }),
      ...(scope === undefined ? {} : { scope: parseScope(scope) }),
    });
    if (!granted.ok) throw new Rejection(granted.reason);
    const death = await configurationDeath(request, clientId, granted.root);
    if (death !== undefined) throw new Rejection("refresh_cutoff", { note: death });
    const next = options.refreshExpiry === 0 ? undefined : await writeOpaque(ring, await given(request, token, successor, granted));
    return await mintTokens(request, issuing, granted, recorded(tokens, other, granted), next);
  },
};

// Of the two formats that were prepared, the one that was recorded.
function recorded(tokens: PreparedTokens, other: PreparedTokens | undefined, { leaves }: Granted): PreparedTokens {
  return other !== undefined && leaves.some(({ id }) => id === other.accessToken.leaf.id) ? { ...tokens, accessToken: other.accessToken } : tokens;
}

// A retry may meet a successor that another key derived: the record says which.
async function given({ ring }: ClientRequest, token: OpaqueToken, successor: OpaqueToken, { chain }: Granted): Promise<OpaqueToken> {
  if (chain === undefined || chain.keyNumber === successor.keyNumber) return successor;
  return await successorOf(ring, token, chain.keyNumber);
}
