import { dialectOf } from "../dialects/index.ts";
import { remainingScope } from "../policy.ts";
import { randomId, sha256 } from "../protocol/bytes.ts";
import { GRANT_TYPE, SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset, parseScope } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { Refresh } from "../storage/family/exchange-ask.ts";
import type { Granted } from "../storage/family/record.ts";
import { RETRY_WINDOW_SECONDS } from "../tenants/defaults.ts";
import { actorsDeath, configurationDeath } from "../tokens/inspect.ts";
import { type OpaqueToken, readOpaque, successorOf, writeOpaque } from "../tokens/opaque.ts";
import { permissionDeath, recordedIssue } from "../tokens/permission-cutoff.ts";
import type { Grant } from "./grant.ts";
import { accessTokenFormat, issuingFor, mintTokens, prepareAccessToken, prepareTokens } from "./issuing.ts";
import { optionsOf, ownerOf, policyTarget, type ResolvedTarget, refuseStrangers, targetsOfAudience } from "./targets.ts";
import { renewUser } from "./user-renewal.ts";

/**
 * The refresh grant, RFC 6749 §6, with rotation (RFC 9700 §4.14). The successor is derived from the presented token, so a
 * retry within the window is given the same one. One object call. Policy is run again with today's client, target,
 * permission and user.
 */
export const refreshToken: Grant = {
  name: "refresh_token",
  grantType: GRANT_TYPE.refresh_token,
  issue: async (request) => {
    const { form, ring } = request;
    const token = await readOpaque(ring, "rt", form.require("refresh_token"));
    if (token === undefined) throw new Rejection("refresh_malformed");
    request.audit.note({ family: token.family, node: token.node });
    const issuing = issuingFor(request, token.family);
    const options = optionsOf(request);
    const format = accessTokenFormat(request, issuing, "refresh_token", options);
    const prepared = await prepareTokens(issuing, format, true);
    // The client may have chosen the other format at the first issue, where its product lets it; the record knows.
    const otherFormat = format === "jwt" ? "opaque" : "jwt";
    const mayHaveChosen = options.format === undefined && dialectOf(request.client).options !== undefined;
    const other = mayHaveChosen ? await prepareAccessToken(issuing, otherFormat, true) : undefined;
    const successor = await successorOf(ring, token, ring.tokenKeyNumber());
    const ask: Refresh = {
      ...(await presentation(request, token)),
      successor: { hash: await sha256(successor.secret), keyNumber: successor.keyNumber },
      leaves: [prepared.accessToken.leaf, prepared.idToken.leaf],
      ...(other === undefined ? {} : { otherFormat: { format: otherFormat, leaf: other.leaf } }),
      window: RETRY_WINDOW_SECONDS[issuing.policy.refreshRetry],
      ...(options.refreshExpiry === undefined ? {} : { lifetime: options.refreshExpiry }),
    };
    const { granted, targets } = await renew(request, token, ask);
    return await mintTokens(request, {
      issuing: issuingFor(request, token.family, targets),
      granted,
      // Of the two formats that were prepared, the one that was recorded.
      accessToken: granted.leaves.some(({ id }) => id === other?.leaf.id) ? other : prepared.accessToken,
      idToken: granted.principal !== undefined && granted.record.scope.includes(SCOPE.openid) ? prepared.idToken : undefined,
      refreshToken: options.refreshExpiry === 0 ? undefined : await writeOpaque(ring, await given(request, token, successor, granted)),
    });
  },
};

async function presentation(request: ClientRequest, token: OpaqueToken) {
  const { clientId, client, form, proven } = request;
  // Only the scope is narrowed here: what a dialect asks for by default is what the grant has.
  const scope = form.get("scope") === undefined ? undefined : dialectScope(form.get("scope") ?? "");
  return {
    op: randomId(),
    parent: token.parent,
    grant: token.node,
    generation: token.generation,
    hash: await sha256(token.secret),
    client: clientId,
    isPublic: client.public,
    ...(proven === undefined ? {} : { proven }),
    targets: await namedTargets(request),
    allowedScope: [...client.scopes, ...client.ownScopes],
    ...(scope === undefined ? {} : { scope }),
  };
}

// What the request names must be among what the grant is for: judged with the token, so that a wrong name uses nothing up.
async function namedTargets(request: ClientRequest): Promise<readonly string[]> {
  const { targets } = dialectOf(request.client).targets(request.form);
  if (targets.length === 0) return [];
  // A name that leads nowhere is in no grant.
  return await Promise.all(targets.map(async (name) => (await ownerOf(request, name)) ?? ""));
}

// IDaaS writes its scopes with their audience; the grant has them without.
function dialectScope(text: string): readonly string[] {
  return parseScope(text).map((item) => item.slice(item.indexOf("|") + 1));
}

interface Renewed {
  readonly granted: Granted;
  readonly targets: readonly ResolvedTarget[];
}

async function renew(request: ClientRequest, token: OpaqueToken, ask: Refresh): Promise<Renewed> {
  const { families } = request.service;
  const first = await families.refresh(token.family, ask);
  if (!first.ok) throw new Rejection(first.reason);
  try {
    const { granted, targets } = await judged(request, token, ask, first);
    return { granted: await renewUser(request, token.family, granted), targets };
  } catch (cause) {
    // What the family does not know is judged after its turn. It may be granted again: the client is left its token.
    await families.refresh(token.family, { ...ask, undone: token.keyNumber }).catch(() => undefined);
    throw cause;
  }
}

// Configuration, user, actors, targets and permissions of today.
async function judged(request: ClientRequest, token: OpaqueToken, ask: Refresh, first: Granted): Promise<Renewed> {
  const { service, clientId } = request;
  const death = (await configurationDeath(request, clientId, first.root)) ?? (await permissionDeath(request, clientId, first.root, () => recordedIssue(request, token)));
  if (death !== undefined) throw new Rejection("refresh_cutoff", { note: death });
  const actors = await actorsDeath(request, first.record.act, first.record.branches ?? []);
  if (actors !== undefined) throw new Rejection("refresh_revoked", { note: actors });
  const targets = await currentTargets(request, first);
  const scope = remainingScope(
    targets.map((target) => policyTarget(request, target)),
    first.record.scope,
  );
  if (isSubset(first.record.scope, scope)) return { granted: first, targets };
  // The permission has shrunk. The same operation again, narrower: it rotates nothing and counts once.
  const narrowed = await service.families.refresh(token.family, { ...ask, scope });
  if (!narrowed.ok) throw new Rejection(narrowed.reason);
  return { granted: narrowed, targets };
}

// Whoever permitted the exchange must still permit it, and that it is refreshed.
async function currentTargets(request: ClientRequest, { record, root }: Granted): Promise<readonly ResolvedTarget[]> {
  try {
    const targets = await targetsOfAudience(request, record.audience);
    refuseStrangers(targets, root);
    if (targets.every(({ isRequester, permission }) => isRequester || permission?.tokenTypes.includes("refresh_token") === true)) return targets;
  } catch (cause) {
    if (!(cause instanceof Rejection) || cause.wire.error !== "invalid_target") throw cause;
  }
  throw new Rejection("refresh_target");
}

// A retry may meet a successor that another key derived: the record says which.
async function given({ ring }: ClientRequest, token: OpaqueToken, successor: OpaqueToken, { chain }: Granted): Promise<OpaqueToken> {
  if (chain === undefined || chain.keyNumber === successor.keyNumber) return successor;
  return await successorOf(ring, token, chain.keyNumber);
}
