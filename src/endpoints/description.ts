import { dialectOf } from "../dialects/index.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { Tenant } from "../storage/tenant-directory.ts";
import { type Claims, userClaims } from "../tokens/claims.ts";
import { viewOf } from "../tokens/issued-token-type.ts";
import { LINEAGE_CLAIM } from "../tokens/lineage.ts";
import { sessionReference } from "../tokens/session-reference.ts";
import type { Description, TokenFacts } from "../tokens/token.ts";

/** Says what a live token says, and how it was found alive (RFC 7662 §2.2). */
export async function describe(request: ClientRequest, facts: TokenFacts): Promise<Description> {
  const { version } = request.tenant;
  const dialect = dialectOf(request.client);
  const known = facts.description;
  // Whoever may know it, it is the same until the configuration changes.
  if (known?.version === version && known.dialect === dialect) return known;
  const claims = await claimsOf(request, facts);
  facts.description = { version, dialect, claims, text: JSON.stringify(claims) };
  return facts.description;
}

async function claimsOf({ client, tenant, ring }: ClientRequest, facts: TokenFacts): Promise<Claims> {
  const { principal, scope, lineage, audience, sso } = facts;
  const sid = await sessionReference(ring, lineage.family, lineage.sid);
  const { view, owner } = await viewOfFacts(tenant, facts, sid);
  // An opaque token says what a JWT of the same grant would say.
  const own = facts.claims ?? (facts.kind === "access_token" ? dialectOf(owner).accessTokenClaims(view) : {});
  const known = view.principal ?? principal;
  const about =
    principal === undefined || known === undefined
      ? {}
      : { ...userClaims(known, view.scope), ...dialectOf(client).userAttributes(known, view.scope), username: principal.loginName };
  // What is undefined is not written.
  return {
    ...own,
    ...about,
    active: true,
    iss: tenant.issuer,
    sub: facts.subject,
    aud: audience.length === 1 ? audience[0] : audience,
    client_id: facts.client,
    scope: scope.length === 0 ? undefined : scope.join(" "),
    token_type: facts.kind === "access_token" ? (facts.cnf?.jkt === undefined ? "Bearer" : "DPoP") : undefined,
    act: facts.act,
    may_act: facts.mayAct,
    cnf: facts.cnf,
    sso_application_ids: sso?.applications,
    sso_redirect_uris: sso?.redirectUris,
    exp: facts.expires,
    iat: facts.issuedAt,
    jti: facts.claims?.jti ?? lineage.node,
    auth_time: facts.authTime,
    sid,
    cambio_consistency: facts.consistency,
    cambio_checked_at: facts.checkedAt,
    [LINEAGE_CLAIM]: undefined,
  };
}

// What its issuer saw when it made the token, as everyone involved is configured today.
async function viewOfFacts(tenant: Tenant, { client: clientId, audience, scope, principal, apis = [] }: TokenFacts, sid: string | undefined) {
  const found = await Promise.all(audience.map(async (id) => ({ id, client: await tenant.client(id) })));
  const targets = found.flatMap(({ id, client }) => (client === undefined ? [] : [{ id, client }]));
  const client = await tenant.client(clientId);
  // Whoever is dead with its client has been found so before.
  if (client === undefined) throw new Rejection("unavailable", { note: "client record" });
  const record = { client: clientId, audience, scope, apis, path: [], hops: 0, deadline: 0 };
  const view = viewOf({ clientId, client, targets }, { record, ...(principal === undefined ? {} : { principal }) }, sid);
  return { view, owner: targets.length === 1 ? (targets[0]?.client ?? client) : client };
}
