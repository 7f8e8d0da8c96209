import { claimsOfKept, type ProviderTokenSet, type ProviderTokens, tokensOfScope } from "../federation/provider-tokens.ts";
import { refreshProviderTokens } from "../federation/relying-party.ts";
import { randomId } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { type ProviderLogin, type ProviderTokensAsk, providerLogin } from "./provider-login.ts";
import { sealProviderTokens, unsealProviderTokens } from "./sealed-provider-tokens.ts";

// How long to wait for whoever is refreshing: a second and a half in all, then the client is told to come back.
const PAUSES_MILLISECONDS = [50, 100, 200, 400, 800];

/** What a client is given: never the refresh token. */
export interface HandedOut {
  readonly accessToken?: string;
  readonly idToken?: string;
  /** Seconds that are left of the access token, or of the ID token where that is all. */
  readonly expiresIn: number;
  readonly scope: readonly string[];
}

/**
 * Hands out the tokens that the corporate IdP issued at a login, to a client that took part in it: `assertion` is the
 * client's own access or ID token of that login, never exchanged, its session goes on. What has expired is refreshed at
 * the IdP by one caller alone; the others wait for it a little, or are told to come back. One object call where nothing
 * has expired.
 */
export async function handOutProviderTokens(request: ClientRequest, assertion: VerifiedToken, ask: ProviderTokensAsk): Promise<HandedOut> {
  const login = await providerLogin(request, assertion, ask);
  const given = await current(request, login, ask);
  const issued = [ask.wantsAccessToken && "idp_access_token", ask.wantsIdToken && "idp_id_token"].filter((name) => name !== false);
  request.audit.note({ idp: login.idp, scope: (given.scope ?? []).join(" "), issued: issued.join(" ") });
  return {
    ...(ask.wantsAccessToken && given.accessToken !== undefined ? { accessToken: given.accessToken } : {}),
    ...(ask.wantsIdToken && given.idToken !== undefined ? { idToken: given.idToken } : {}),
    expiresIn: (ask.wantsAccessToken ? (given.expires ?? 0) : idTokenExpiry(given)) - request.service.now(),
    scope: given.scope ?? [],
  };
}

// The tokens of the scope, refreshed where they must be. An IdP that cannot be found takes no lease.
async function current(request: ClientRequest, login: ProviderLogin, ask: ProviderTokensAsk): Promise<ProviderTokenSet> {
  const { families, providers } = request.service;
  const lease = randomId();
  let { sealed } = login;
  for (const milliseconds of [...PAUSES_MILLISECONDS, 0]) {
    const kept = await open(request, login.family, sealed);
    const found = usable(request, login, tokensOfScope(kept, login.scope), ask);
    if (found !== undefined) return found;
    if (kept.refreshToken === undefined) throw new Rejection("idp_tokens_expired");
    await providers.metadata(login.identityProvider.issuer);
    const turn = await families.beginProviderRefresh(login.family, { session: login.session, lease, seen: sealed });
    if (turn.ok && turn.isHolder) return await renew(request, login, { kept, lease, ask });
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
async function renew(request: ClientRequest, login: ProviderLogin, { kept, lease, ask }: Renewal): Promise<ProviderTokenSet> {
  const { service, ring } = request;
  const { family, session, identityProvider, scope } = login;
  const isLogin = tokensOfScope(kept, scope) === kept;
  const answer = await refreshProviderTokens(service, identityProvider, kept, isLogin ? undefined : scope);
  const { refreshToken: _refused, ...without } = kept;
  const tokens = answer === "login" ? without : answer === "scope" ? kept : answer;
  const ended = await service.families.endProviderRefresh(family, { session, lease, sealed: await sealProviderTokens(ring, family, tokens) });
  if (!ended.ok) throw new Rejection(ended.reason);
  if (answer === "login") throw new Rejection("idp_refresh_refused");
  if (answer === "scope") throw new Rejection("idp_scope_refused");
  const found = usable(request, login, tokensOfScope(answer, scope), ask);
  if (found === undefined) throw new Rejection("idp_tokens_unfit");
  return found;
}

// An IdP may give more than it was asked for: what exceeds the record is not handed out. And without an expiry nobody can
// tell whether an access token is stale.
function usable({ service }: ClientRequest, { scope, allowed }: ProviderLogin, tokens: ProviderTokenSet | undefined, ask: ProviderTokensAsk): ProviderTokenSet | undefined {
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
  const tokens = await unsealProviderTokens(ring, family, sealed);
  if (tokens === undefined) throw new Rejection("idp_session_absent", { note: "sealed" });
  return tokens;
}
