import { isClientId } from "../clients/index.ts";
import type { TargetAsk, TargetName, TokenOptions } from "../dialects/dialect.ts";
import { dialectOf, tokenPolicyOf } from "../dialects/index.ts";
import type { Target } from "../policy.ts";
import { Rejection } from "../protocol/rejection.ts";
import { union } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { Root } from "../storage/lineage.ts";
import type { AuthorizationServer, Client } from "../tenants/client.ts";
import type { StoredPermission } from "../tenants/records.ts";
import { rolesOf } from "../tokens/claims.ts";

/** A target that was found, and what its owner permits the requester; for itself a client needs no permission. */
export interface ResolvedTarget {
  readonly id: string;
  readonly client: Client;
  /** What stands for it in `aud`. */
  readonly audience: readonly string[];
  readonly permission: StoredPermission | undefined;
  readonly isRequester: boolean;
  /** See TokenTarget. */
  readonly authorizationServer?: AuthorizationServer;
  readonly resource?: string;
}

const TARGETS_LIMIT = 10;
const NO_OPTIONS: TokenOptions = {};

/** Finds every target, or refuses them all: unknown, forbidden and disabled ones are told apart in the audit log only. */
export async function resolveTargets(request: ClientRequest, names: readonly TargetName[]): Promise<readonly ResolvedTarget[]> {
  if (names.length > TARGETS_LIMIT) throw new Rejection("target_unknown", { note: "too many" });
  const [only] = names;
  if (only === undefined) return [itself(request)];
  if (names.length === 1) return [await resolve(request, only)];
  const found = await Promise.all(names.map((name) => resolve(request, name)));
  const byId = new Map<string, ResolvedTarget>();
  for (const target of found) byId.set(target.id, { ...target, audience: union([byId.get(target.id)?.audience ?? [], target.audience]) });
  const targets = [...byId.values()];
  // One token has one subject: targets that name the user differently cannot share it.
  if (new Set(targets.map(({ client }) => client.subjectNameIdentifier)).size > 1) throw new Rejection("target_conflict");
  return targets;
}

/** The targets that a token was issued for, as their owners have it today: what a refresh is judged by. */
export async function targetsOfAudience(request: ClientRequest, audience: readonly string[]): Promise<readonly ResolvedTarget[]> {
  // The id of a client may be a URL as well: what nobody owns as a resource is a client's.
  const isResource = async (value: string) => /^https?:\/\//.test(value) && (await request.tenant.resourceOwner(value)) !== undefined;
  const names = audience.map(async (value): Promise<TargetName> => ((await isResource(value)) ? { by: "resource", url: value } : { by: "client", id: value }));
  return await resolveTargets(request, await Promise.all(names));
}

/** Refuses targets that do not take the users of the IdP that a token comes from, by whatever way. */
export function refuseStrangers(targets: readonly ResolvedTarget[], { idp }: Root): void {
  const takes = ({ isRequester, authorizationServer, client: { identityProviders } }: ResolvedTarget) =>
    isRequester || authorizationServer !== undefined || idp === undefined || identityProviders?.includes(idp) !== false;
  if (!targets.every(takes)) throw new Rejection("target_forbidden", { note: "idp" });
}

/** A target as policy looks at it. */
export function policyTarget({ tenant }: ClientRequest, { id, client, audience, permission, isRequester, authorizationServer }: ResolvedTarget): Target {
  // Another domain's own server decides what it gives: here it is what may be asked for, and how deep the asking client goes.
  if (authorizationServer !== undefined) {
    const { scopes } = authorizationServer;
    return { id, audience, isRequester, ownScopes: scopes, scopes, tokenTypes: ["access_token"], maxHops: tokenPolicyOf(client, tenant.settings).maxHops };
  }
  return {
    ...{ id, audience, isRequester },
    isSaml: client.saml !== undefined,
    ownScopes: client.ownScopes,
    scopes: permission?.scopes ?? [],
    tokenTypes: permission?.tokenTypes ?? [],
    maxHops: tokenPolicyOf(client, tenant.settings).maxHops,
  };
}

/** What a request says of its tokens beyond the RFC. A subscriber tenant other than the client's own is no target. */
export function optionsOf({ client, form }: ClientRequest): TokenOptions {
  const options = dialectOf(client).options?.(form) ?? NO_OPTIONS;
  if (options.appTid !== undefined && options.appTid !== client.appTid) throw new Rejection("target_unknown", { note: "app_tid" });
  return options;
}

/** Refuses a target other than the client itself, where a grant issues for the client alone (RFC 8707 §2.2). */
export async function refuseOtherTargets(request: ClientRequest, { targets }: Pick<TargetAsk, "targets">): Promise<void> {
  const found = await resolveTargets(request, targets);
  if (found.some(({ isRequester }) => !isRequester)) throw new Rejection("target_forbidden");
}

function itself({ clientId, client }: ClientRequest): ResolvedTarget {
  return { id: clientId, client, audience: [clientId], permission: undefined, isRequester: true };
}

async function resolve(request: ClientRequest, name: TargetName): Promise<ResolvedTarget> {
  const { tenant, clientId } = request;
  const id = await ownerOf(request, name);
  if (id === undefined) throw new Rejection("target_unknown");
  // For itself a client needs no permission; one that it names has the APIs of its own microservices.
  const needsNone = name.by === "role" || (id === clientId && name.by !== "dependency");
  // Asked for together: a target that is unknown takes as much work as one that is forbidden.
  const [client, permission] = await Promise.all([tenant.client(id), needsNone ? undefined : tenant.permission(clientId, id)]);
  if (client === undefined) throw new Rejection("target_unknown");
  if (client.disabled) throw new Rejection("target_forbidden", { note: "disabled" });
  const audience = name.by === "resource" ? [name.url, id] : [id];
  if (name.by === "role" && rolesOf(client, { clientId }).length === 0) throw new Rejection("target_forbidden", { note: "no role" });
  if (!needsNone && permission?.status !== "granted") throw new Rejection("target_forbidden", { note: permission?.status ?? "no permission" });
  return { id, client, audience, permission, isRequester: id === clientId };
}

/** The client that a name leads to; undefined for one that leads nowhere. */
export async function ownerOf({ tenant, clientId }: ClientRequest, name: TargetName): Promise<string | undefined> {
  switch (name.by) {
    case "client":
      if (name.appTid !== undefined && (await tenant.client(name.id))?.appTid !== name.appTid) return undefined;
      return isClientId(name.id) ? name.id : undefined;
    case "role":
      return isClientId(name.id) ? name.id : undefined;
    case "resource":
      return await tenant.resourceOwner(name.url);
    case "dependency": {
      const provider = await tenant.dependency(clientId, name.name);
      return name.isOwn && provider !== clientId ? undefined : provider;
    }
  }
}
