import { tokenPolicyOf } from "../dialects/index.ts";
import { claimsOfKept, type ProviderTokenSet, type ProviderTokens, tokensOfScope } from "../federation/provider-tokens.ts";
import { refreshProviderTokens } from "../federation/relying-party.ts";
import { randomId } from "../protocol/bytes.ts";
import { isConfirmed } from "../protocol/confirmation.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { HeldProviderTokens } from "../storage/families.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { defaultIdentityProvider } from "../tenants/defaults.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import { seal, unseal } from "../tokens/seal.ts";
import type { VerifiedToken } from "../tokens/token.ts";

// How long to wait for whoever is refreshing: a second and a half in all, then the client is told to come back.
const PAUSES_MILLISECONDS = [50, 100, 200, 400, 800];

/** What is asked of an IdP's tokens. */
export interface ProviderTokensAsk {
  readonly wantsAccessToken: boolean;
  readonly wantsIdToken: boolean;
  /** Left out for what the record of the client, else of the IdP, says. */
  readonly scope?: readonly string[];
  /** The alias of the IdP whose tokens are meant, where the request names one. */
  readonly idp?: string;
}

/** What a client is given: never the refresh token. */
export interface HandedOut {
  readonly accessToken?: string;
  readonly idToken?: string;
  /** Seconds that are left of the access token, or of the ID token where that is all. */
  readonly expiresIn: number;
  readonly scope: readonly string[];
}

interface Place extends HeldProviderTokens {
  readonly family: FamilyId;
  readonly identityProvider: IdentityProvider;
  /** The scope to look for; undefined for that of the login. */
  readonly scope: readonly string[] | undefined;
  readonly allowed: readonly string[];
}

/**
 * Hands out the tokens that the corporate IdP issued at a login, to a client that took part in it: `assertion` is the
 * client's own access or ID token of that login, never exchanged, its session goes on. What has expired is refreshed at
 * the IdP by one caller alone; the others wait for it a little, or are told to come back. One object call where nothing
 * has expired.
 */
export async function handOutProviderTokens(request: ClientRequest, assertion: VerifiedToken, ask: ProviderTokensAsk): Promise<HandedOut> {
  if (request.client.public || request.client.identityProviderTokens === undefined) throw new Rejection("idp_tokens_not_allowed");
  const place = await placeOf(request, assertion, ask);
  const given = await current(request, place, ask);
  const issued = [ask.wantsAccessToken && "idp_access_token", ask.wantsIdToken && "idp_id_token"].filter((name) => name !== false);
  request.audit.note({ idp: place.idp, scope: (given.scope ?? []).join(" "), issued: issued.join(" ") });
  return {
    ...(ask.wantsAccessToken && given.accessToken !== undefined ? { accessToken: given.accessToken } : {}),
    ...(ask.wantsIdToken && given.idToken !== undefined ? { idToken: given.idToken } : {}),
    expiresIn: (ask.wantsAccessToken ? (given.expires ?? 0) : idTokenExpiry(given)) - request.service.now(),
    scope: given.scope ?? [],
  };
}

// The assertion's family is asked once: is it alive, and what does its session hold?
async function placeOf(request: ClientRequest, token: VerifiedToken, ask: ProviderTokensAsk): Promise<Place> {
  const { service, tenant, client, clientId, audit } = request;
  refuseOthers(token, clientId);
  let held: HeldProviderTokens | undefined;
  const facts = await inspect(request, token, {
    consistency: "strong",
    question: async (family, query) => {
      const answer = await service.families.providerTokens(family, query);
      held = answer.held;
      return answer.status;
    },
  });
  if (isDead(facts)) throw new Rejection("idp_assertion_dead", { note: facts.reason });
  audit.note({ subject: facts.subject });
  const { lineage, act, mayAct, cnf } = facts;
  if (facts.client !== clientId) throw new Rejection("idp_assertion_differs", { note: "client" });
  if (lineage.hops !== 0) throw new Rejection("idp_assertion_exchanged");
  if (act !== undefined || mayAct !== undefined) throw new Rejection("subject_needs_actor");
  if (!isConfirmed(cnf, request.proven)) throw new Rejection("subject_unproven");
  if (lineage.deadline <= service.now()) throw new Rejection("subject_deadline");
  if (tokenPolicyOf(client, tenant.settings).maxHops < 1 || tenant.settings.tokenPolicy.maxHops === 0) throw new Rejection("subject_depth");
  if (held === undefined) throw new Rejection("idp_session_absent");
  const named = ask.idp ?? held.idp;
  if (named !== held.idp || held.idp !== defaultIdentityProvider(client, tenant.settings)) throw new Rejection("idp_session_differs");
  const identityProvider = await tenant.identityProvider(held.idp);
  if (identityProvider === undefined) throw new Rejection("idp_session_differs");
  const { scopes } = client.identityProviderTokens ?? {};
  const allowed = scopes ?? identityProvider.scopes;
  if (ask.scope !== undefined && !isSubset(ask.scope, allowed)) throw new Rejection("scope_exceeds");
  return { ...held, family: lineage.family, identityProvider, scope: ask.scope ?? scopes, allowed };
}

// An access or ID token; and a JWT of another client is not worth a call.
function refuseOthers(token: VerifiedToken, clientId: string): void {
  if (token.kind !== "access_token" && token.kind !== "id_token") throw new Rejection("idp_assertion_differs", { note: token.kind });
  if (token.format === "jwt" && token.client !== clientId) throw new Rejection("idp_assertion_differs", { note: "client" });
}

/** The tokens of the place's scope, refreshed where they must be. */
async function current(request: ClientRequest, place: Place, ask: ProviderTokensAsk): Promise<ProviderTokenSet> {
  const { families } = request.service;
  const lease = randomId();
  let { sealed } = place;
  for (const milliseconds of [...PAUSES_MILLISECONDS, 0]) {
    const kept = await open(request, place.family, sealed);
    const found = usable(request, place, tokensOfScope(kept, place.scope), ask);
    if (found !== undefined) return found;
    if (kept.refreshToken === undefined) throw new Rejection("idp_tokens_expired");
    const turn = await families.beginProviderRefresh(place.family, { session: place.session, lease, seen: sealed });
    if (turn.ok && turn.isHolder) return await renew(request, place, { kept, lease, ask });
    if (turn.ok) sealed = turn.sealed;
    else if (turn.reason !== "idp_refresh_pending") throw new Rejection(turn.reason);
    else await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
  throw new Rejection("idp_refresh_pending");
}

interface Renewal {
  readonly kept: ProviderTokens;
  readonly lease: string;
  readonly ask: ProviderTokensAsk;
}

// What the IdP refuses for good is kept too, so that nobody asks it again. After any other failure the lease ends by time.
async function renew(request: ClientRequest, place: Place, { kept, lease, ask }: Renewal): Promise<ProviderTokenSet> {
  const { service, ring } = request;
  const { family, session, identityProvider, scope } = place;
  const isLogin = tokensOfScope(kept, scope) === kept;
  const answer = await refreshProviderTokens(service, identityProvider, kept, isLogin ? undefined : scope);
  const { refreshToken: _refused, ...without } = kept;
  const tokens = answer === "login" ? without : answer === "scope" ? kept : answer;
  const ended = await service.families.endProviderRefresh(family, { session, lease, sealed: await seal(ring, "seal", label(family), JSON.stringify(tokens)) });
  if (!ended.ok) throw new Rejection(ended.reason);
  if (answer === "login") throw new Rejection("idp_refresh_refused");
  if (answer === "scope") throw new Rejection("idp_scope_refused");
  const found = usable(request, place, tokensOfScope(answer, scope), ask);
  if (found === undefined) throw new Rejection("idp_tokens_unfit");
  return found;
}

// An IdP may give more than it was asked for: what exceeds the record is not handed out. And without an expiry nobody can
// tell whether an access token is stale.
function usable({ service }: ClientRequest, { scope, allowed }: Place, tokens: ProviderTokenSet | undefined, ask: ProviderTokensAsk): ProviderTokenSet | undefined {
  const now = service.now();
  const { wantsAccessToken, wantsIdToken } = ask;
  if (tokens === undefined || (scope !== undefined && !isSubset(tokens.scope ?? [], allowed))) return undefined;
  if (wantsAccessToken && (tokens.accessToken === undefined || (tokens.expires ?? 0) <= now)) return undefined;
  return wantsIdToken && idTokenExpiry(tokens) <= now ? undefined : tokens;
}

function idTokenExpiry({ idToken }: ProviderTokenSet): number {
  const { exp } = idToken === undefined ? {} : claimsOfKept(idToken);
  return typeof exp === "number" ? Math.floor(exp) : 0;
}

async function open({ ring }: ClientRequest, family: FamilyId, sealed: string): Promise<ProviderTokens> {
  const text = await unseal(ring, "seal", label(family), sealed);
  if (text === undefined) throw new Rejection("idp_session_absent", { note: "sealed" });
  return JSON.parse(text) as ProviderTokens;
}

const label = (family: FamilyId) => `idp-tokens ${family}`;
