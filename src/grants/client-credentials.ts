import type { TargetName, TokenSet } from "../dialects/dialect.ts";
import { dialectOf } from "../dialects/index.ts";
import { isAllowedBy } from "../policy.ts";
import { randomId } from "../protocol/bytes.ts";
import { GRANT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { union } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import { recordLeaves } from "../storage/family/opening.ts";
import type { Granted, TokenRecord } from "../storage/family/record.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { PreparedToken } from "../tokens/issued-token-type.ts";
import type { Grant } from "./grant.ts";
import { accessTokenFormat, issuingFor, mintTokens, newGrantId, prepareAccessToken } from "./issuing.ts";
import { optionsOf, type ResolvedTarget, resolveTargets } from "./targets.ts";

/**
 * The client credentials grant, RFC 6749 §4.4, for the client itself or for targets that permitted it. A JWT needs no
 * object: its family is a lazy root that opens when something is first told to it. An opaque token is recorded in a family
 * of its own: one call.
 */
export const clientCredentials: Grant = {
  name: "client_credentials",
  grantType: GRANT_TYPE.client_credentials,
  issue: async (request) => {
    const asked = dialectOf(request.client).targets(request.form);
    const targets = await resolveTargets(request, asked.targets);
    const isPermitted = targets.every(({ isRequester, permission }) => isRequester || permission?.tokenTypes.includes("access_token"));
    if (!isPermitted) throw new Rejection("target_forbidden", { note: "token type" });
    return await issueFor(request, targets, recordOf(request, targets, scopeFor(targets, asked.isDefaultScope ? undefined : asked.scope)));
  },
};

/** A client's own token for a target that gave roles to it, as CERN's API access has it. */
export async function clientCredentialsFor(request: ClientRequest, name: TargetName): Promise<TokenSet> {
  const targets = await resolveTargets(request, [name]);
  return await issueFor(request, targets, { ...recordOf(request, targets, []), subject: `service-account-${request.clientId}` });
}

async function issueFor(request: ClientRequest, targets: readonly ResolvedTarget[], record: NewRecord): Promise<TokenSet> {
  const { service, tenant } = request;
  const family = service.families.create(tenant.settings.jurisdiction);
  const issuing = issuingFor(request, family, targets);
  const format = accessTokenFormat(request, issuing, "client_credentials", optionsOf(request));
  const accessToken = await prepareAccessToken(issuing, format);
  const granted = format === "jwt" ? lazy(request, record, accessToken) : await opened(request, family, record, accessToken);
  return await mintTokens(request, { issuing, granted, accessToken, idToken: undefined, refreshToken: undefined });
}

// For itself a client may ask for the scopes that it owns; for another, for those that the permission lists.
function scopeFor(targets: readonly ResolvedTarget[], asked: readonly string[] | undefined): readonly string[] {
  const allowances = targets.map(({ isRequester, client: { ownScopes }, permission }) => ({ ownScopes, scopes: isRequester ? ownScopes : (permission?.scopes ?? []) }));
  const isAllowed = (scope: string) => isAllowedBy(allowances, scope);
  if (asked === undefined) return targets.every(({ isRequester }) => isRequester) ? [] : union(allowances.map(({ scopes }) => scopes)).filter(isAllowed);
  if (!asked.every(isAllowed)) throw new Rejection("scope_exceeds");
  return asked;
}

type NewRecord = Omit<TokenRecord, "path" | "deadline">;

function recordOf({ clientId, client, proven }: ClientRequest, targets: readonly ResolvedTarget[], scope: readonly string[]): NewRecord {
  const apis = union(targets.map(({ permission }) => permission?.apis ?? []));
  return {
    client: clientId,
    audience: union(targets.map(({ audience }) => audience)),
    scope,
    hops: 0,
    ...(client.mayAct === undefined ? {} : { mayAct: { sub: client.mayAct, client_id: client.mayAct } }),
    ...(apis.length === 0 ? {} : { apis }),
    ...(proven === undefined ? {} : { cnf: proven }),
  };
}

function lazy({ service }: ClientRequest, record: NewRecord, { leaf }: PreparedToken): Granted {
  const now = service.now();
  const leaves = recordLeaves([leaf], now);
  return { ok: true, now, root: { kind: "client_credentials", time: now, lazy: true }, record: { ...record, path: [], deadline: now + leaf.lifetime }, leaves };
}

async function opened({ service, tenant }: ClientRequest, family: FamilyId, record: NewRecord, { leaf }: PreparedToken): Promise<Granted> {
  const grant = newGrantId();
  const answer = await service.families.open(family, { op: randomId(), tenant: tenant.issuer, kind: "client_credentials", grant: { id: grant, record, leaves: [leaf] } });
  if (!answer.ok) throw new Rejection(answer.reason);
  return {
    ok: true,
    now: answer.now,
    root: { kind: "client_credentials", time: answer.now, lazy: false },
    record: { ...record, path: [grant], deadline: answer.now + leaf.lifetime },
    leaves: recordLeaves([leaf], answer.now),
  };
}
