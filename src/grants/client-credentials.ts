import { randomId } from "../protocol/bytes.ts";
import { GRANT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset, parseScope } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { Granted, TokenRecord } from "../storage/families.ts";
import { recordLeaves } from "../storage/family/opening.ts";
import { ROOT } from "../storage/family/rows.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { PreparedToken } from "../tokens/issued-token-type.ts";
import type { Grant } from "./grant.ts";
import { accessTokenFormat, issuingFor, mintTokens, newGrantId, prepareTokens } from "./issuing.ts";
import { refuseOtherTargets } from "./targets.ts";

/**
 * The client credentials grant, RFC 6749 §4.4. A JWT needs no object: its family is a lazy root that opens when something
 * is first told to it. An opaque token is recorded in a family of its own: one call.
 */
export const clientCredentials: Grant = {
  name: "client_credentials",
  grantType: GRANT_TYPE.client_credentials,
  issue: async (request) => {
    const { form, service, tenant, client } = request;
    refuseOtherTargets(request);
    const scope = parseScope(form.get("scope") ?? "");
    if (!isSubset(scope, client.ownScopes)) throw new Rejection("scope_exceeds");
    const family = service.families.create(tenant.settings.jurisdiction);
    const issuing = issuingFor(request, family);
    const format = accessTokenFormat(issuing, "client_credentials", issuing.dialect.options(form));
    const grant = { parent: ROOT, id: newGrantId(), ownRow: false };
    const tokens = await prepareTokens(issuing, format, grant);
    const granted = format === "jwt" ? lazy(request, scope, tokens.accessToken) : await opened(request, { family, grant: grant.id, scope, token: tokens.accessToken });
    return await mintTokens(request, issuing, granted, tokens);
  },
};

function recordOf({ clientId }: ClientRequest, scope: readonly string[]): Omit<TokenRecord, "path" | "deadline"> {
  return { client: clientId, audience: [clientId], scope, hops: 0 };
}

function lazy(request: ClientRequest, scope: readonly string[], { leaf }: PreparedToken): Granted {
  const now = request.service.now();
  const leaves = recordLeaves([leaf], now);
  const record = { ...recordOf(request, scope), path: [], deadline: now + leaf.lifetime };
  return { ok: true, now, root: { kind: "client_credentials", time: now, lazy: true }, record, leaves };
}

interface Opening {
  readonly family: FamilyId;
  readonly grant: NodeId;
  readonly scope: readonly string[];
  readonly token: PreparedToken;
}

async function opened(request: ClientRequest, { family, grant, scope, token }: Opening): Promise<Granted> {
  const record = recordOf(request, scope);
  const answer = await request.service.families.open(family, {
    op: randomId(),
    tenant: request.tenant.issuer,
    kind: "client_credentials",
    grant: { id: grant, record, leaves: [token.leaf] },
  });
  if (!answer.ok) throw new Rejection(answer.reason);
  const leaves = recordLeaves([token.leaf], answer.now);
  return {
    ok: true,
    now: answer.now,
    root: { kind: "client_credentials", time: answer.now, lazy: false },
    record: { ...record, path: [grant], deadline: answer.now + token.leaf.lifetime },
    leaves,
  };
}
