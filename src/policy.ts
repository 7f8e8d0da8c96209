import type { Act, MayAct } from "./protocol/actor.ts";
import { type Confirmation, isConfirmed, mayRefreshWith } from "./protocol/confirmation.ts";
import type { Reason } from "./protocol/rejection.ts";
import { union } from "./protocol/scope.ts";
import type { GrantableTokenType } from "./tenants/permission.ts";

/** What is asked for. `token_set` is the access token with whatever else the dialect gives by default and the target allows. */
export type RequestedToken = "access_token" | "refresh_token" | "id_token" | "sso_token" | "saml2" | "token_set";

/** The verified subject token, without the token. Seconds throughout. */
export interface Subject {
  readonly kind: "access_token" | "id_token" | "refresh_token";
  /** The client that it was issued to. */
  readonly client: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** Tenant-wide id of the user, or of the client where there is none. */
  readonly principal: string;
  readonly isUser: boolean;
  readonly expires: number;
  /** The absolute expiry of the grant that it belongs to: no refresh token outlives it. */
  readonly grantExpires: number;
  readonly hops: number;
  readonly deadline: number;
  /** When the user logged in, or the family began. */
  readonly authTime: number;
  /** How many ancestors it has. */
  readonly ancestors: number;
  readonly act?: Act;
  readonly mayAct?: MayAct;
  readonly cnf?: Confirmation;
}

/** The verified actor token, without the token. */
export interface Actor {
  readonly client: string;
  readonly audience: readonly string[];
  readonly principal: string;
  /** Its `sub`, as it will stand in `act`. */
  readonly subject: string;
  /** Whether it is itself the result of a delegation. */
  readonly isDelegated: boolean;
  readonly cnf?: Confirmation;
}

/** The client that asks, as far as policy looks at it. Seconds throughout. */
export interface Requester {
  readonly id: string;
  readonly isPublic: boolean;
  readonly mayExchangePublicly: boolean;
  readonly mayRefresh: boolean;
  readonly refreshTokenLifetime: number;
  readonly maxHops: number;
  readonly maxExchangePeriod: number;
  /** Whether what it exchanges outlives the login session. */
  readonly isIndependent: boolean;
}

/** One target, and what its owner permits the requester. */
export interface Target {
  readonly id: string;
  /** What stands for it in `aud`. */
  readonly audience: readonly string[];
  readonly isRequester: boolean;
  /** Whether it takes SAML assertions. */
  readonly isSaml?: boolean;
  /** Scopes that it owns. */
  readonly ownScopes: readonly string[];
  /** Scopes that the permission lists. */
  readonly scopes: readonly string[];
  readonly tokenTypes: readonly GrantableTokenType[];
  readonly maxHops: number;
}

/** One exchange, as plain data: everything that the decision depends on but the subject and the time. */
export interface ExchangeRequest {
  readonly requester: Requester;
  readonly targets: readonly Target[];
  readonly requested: RequestedToken;
  /** False when the dialect's default stands for what was not said: it then gives what is permitted. */
  readonly isExplicit: boolean;
  /** Whether an ID token is to come beside what was requested, where it is permitted. */
  readonly withIdToken?: boolean;
  /** What was asked for; undefined for everything that may be had. */
  readonly scope?: readonly string[];
  /** The scope is the dialect's default: what exceeds is left out instead of refused. */
  readonly isDefaultScope: boolean;
  /** Seconds; only ever shortens. Zero suppresses the refresh token. */
  readonly refreshExpiry?: number;
  /** Seconds; only ever shortens. */
  readonly maxExchangePeriod?: number;
  readonly actor?: Actor;
  /** What the requester proved with this request: its DPoP key, its certificate. What is issued is bound to it. */
  readonly proven?: Confirmation;
  readonly tenantMaxHops: number;
}

/** Exactly what may be minted. */
export interface Permit {
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  readonly hops: number;
  readonly deadline: number;
  /** No access, ID, SSO or SAML output lives longer. Seconds since 1970. */
  readonly latest: number;
  /** Undefined: no refresh token. Seconds since 1970. */
  readonly refreshExpires?: number;
  readonly givesIdToken: boolean;
  /** Whether it ends with the login session, if the subject does. */
  readonly isCoupled: boolean;
  readonly act?: Act;
}

/** A refusal: the precise reason, a row of the error table. */
export interface Refusal {
  readonly refused: Reason;
}

const USER_TOKENS: ReadonlySet<RequestedToken> = new Set(["id_token", "sso_token", "refresh_token", "saml2"]);
const IDENTITY_SCOPES: ReadonlySet<string> = new Set(["openid", "email", "profile", "groups"]);
const PATH_LIMIT = 16;
// An exchange adds the presented leaf and the new grant above the new leaf.
const PATH_GROWTH = 2;

/**
 * Decides one exchange (design: policy). Pure: no clock, no store, no key. Only ever narrows; refuses what it does not
 * know. The order is from who may ask at all to what is left of what was asked for.
 */
export function permit(request: ExchangeRequest, subject: Subject, now: number): Permit | Refusal {
  const { requester, targets } = request;
  const refused = holderFault(requester, subject) ?? bindingFault(request, subject) ?? userFault(request, subject) ?? actorFault(request, subject) ?? targetFault(request);
  if (refused !== undefined) return { refused };
  if (subject.expires <= now) return { refused: "subject_dead" };
  const deadline = Math.min(subject.deadline, subject.authTime + Math.min(requester.maxExchangePeriod, request.maxExchangePeriod ?? Number.POSITIVE_INFINITY));
  if (deadline <= now) return { refused: "subject_deadline" };
  const hops = subject.hops + 1;
  const limit = Math.min(request.tenantMaxHops, requester.maxHops, ...targets.map((target) => target.maxHops));
  if (hops > limit || subject.ancestors + PATH_GROWTH > PATH_LIMIT) return { refused: "subject_depth" };
  const scope = scopeOf(request, subject);
  if ("refused" in scope) return scope;
  const refreshExpires = refreshExpiryOf(request, subject, deadline, now);
  return {
    audience: union(targets.map((target) => target.audience)),
    scope: scope.granted,
    hops,
    deadline,
    latest: Math.min(subject.expires, deadline),
    givesIdToken: givesIdToken(request, subject, scope.granted),
    isCoupled: !requester.isIndependent,
    ...(refreshExpires === undefined ? {} : { refreshExpires }),
    ...(request.actor === undefined ? {} : { act: actOf(request.actor, subject.act) }),
  };
}

/** True for a refusal. */
export function isRefusal(outcome: Permit | Refusal): outcome is Refusal {
  return "refused" in outcome;
}

// The requester owns the token or is in its audience; a refresh token is only ever its own client's.
function holderFault({ id, isPublic, mayExchangePublicly }: Requester, subject: Subject): Reason | undefined {
  const isOwn = subject.client === id;
  if (isPublic && !mayExchangePublicly) return "grant_not_allowed";
  if (isPublic && (!isOwn || subject.kind === "id_token")) return "subject_not_for_requester";
  if (subject.kind === "refresh_token") return isOwn ? undefined : "subject_not_for_requester";
  return isOwn || subject.audience.includes(id) ? undefined : "subject_not_for_requester";
}

// A bound token is exchanged with its proof or not at all, and what comes out is bound to the same.
function bindingFault({ proven, actor, requester, requested }: ExchangeRequest, { cnf, kind }: Subject): Reason | undefined {
  const isProven = kind === "refresh_token" ? mayRefreshWith(cnf, proven, requester.isPublic) : isConfirmed(cnf, proven);
  if (!isProven) return "subject_unproven";
  // What a bearer assertion cannot carry, nor a browser prove, is not dropped in silence.
  if ((requested === "saml2" || requested === "sso_token") && cnf !== undefined) return "subject_bound";
  return isConfirmed(actor?.cnf, proven) ? undefined : "actor_unproven";
}

// A client's own token stands for no user: nothing that speaks of one comes out of it; nor an ID token where nobody asked for openid.
function userFault({ requested, isExplicit }: ExchangeRequest, { isUser, scope }: Subject): Reason | undefined {
  if (isUser && requested === "id_token" && !scope.includes("openid")) return "scope_exceeds";
  return !isUser && isExplicit && USER_TOKENS.has(requested) ? "subject_without_user" : undefined;
}

// A token that carries act or may_act is exchanged with an actor token or not at all: a chain is never laundered away.
function actorFault({ actor, requester, requested, isExplicit }: ExchangeRequest, subject: Subject): Reason | undefined {
  if (actor === undefined) return subject.act !== undefined || subject.mayAct !== undefined ? "subject_needs_actor" : undefined;
  if (actor.client !== requester.id && !actor.audience.includes(requester.id)) return "actor_not_for_requester";
  if (actor.isDelegated) return "actor_delegated";
  if (actor.principal === subject.principal) return "actor_is_subject";
  const { mayAct } = subject;
  if (mayAct !== undefined && (mayAct.sub !== actor.subject || (mayAct.client_id !== undefined && mayAct.client_id !== actor.client))) return "actor_not_allowed";
  for (let earlier = subject.act; earlier !== undefined; earlier = earlier.act) if (earlier.sub === actor.subject && earlier.client_id === actor.client) return "actor_repeated";
  return isExplicit && (requested === "refresh_token" || requested === "sso_token" || requested === "saml2") ? "actor_not_allowed" : undefined;
}

function targetFault({ targets, requested, isExplicit }: ExchangeRequest): Reason | undefined {
  if (targets.length === 0 || targets.length > 10) return "target_unknown";
  // An assertion is for one application.
  if (requested === "saml2" && (targets.length > 1 || !targets[0]?.isSaml)) return "target_not_saml";
  const needed: GrantableTokenType = isExplicit && (requested === "refresh_token" || requested === "id_token" || requested === "saml2") ? requested : "access_token";
  return targets.every((target) => target.isRequester || target.tokenTypes.includes(needed)) ? undefined : "target_forbidden";
}

// What a target's owner decides is read from its own configuration; everything else only narrows.
function allowedScope(target: Target, subject: Pick<Subject, "scope" | "audience">): readonly string[] {
  if (target.isRequester) return subject.scope;
  if (target.scopes.length === 0) return subject.scope.filter((scope) => IDENTITY_SCOPES.has(scope));
  const isAlreadyForTarget = subject.audience.includes(target.id);
  return target.scopes.filter((scope) => (target.ownScopes.includes(scope) && !isAlreadyForTarget) || subject.scope.includes(scope));
}

/** What of a scope that was granted before its targets allow today. */
export function remainingScope(targets: readonly Target[], granted: readonly string[]): readonly string[] {
  const allowances = allowancesOf(targets, { scope: granted, audience: [] });
  return granted.filter((scope) => isAllowedBy(allowances, scope));
}

/** What one target allows, and which scopes are its own. */
interface Allowance {
  readonly ownScopes: readonly string[];
  readonly scopes: readonly string[];
}

/** Good for all of the targets or for none: who owns a scope must allow it, and what nobody owns all must allow. */
export function isAllowedBy(allowances: readonly Allowance[], scope: string): boolean {
  const owners = allowances.filter(({ ownScopes }) => ownScopes.includes(scope));
  return (owners.length === 0 ? allowances : owners).every(({ scopes }) => scopes.includes(scope));
}

function allowancesOf(targets: readonly Target[], subject: Pick<Subject, "scope" | "audience">): readonly Allowance[] {
  return targets.map((target) => ({ ownScopes: target.ownScopes, scopes: allowedScope(target, subject) }));
}

function scopeOf(request: ExchangeRequest, subject: Subject): { readonly granted: readonly string[] } | Refusal {
  const { targets, scope: asked, isDefaultScope } = request;
  const allowances = allowancesOf(targets, subject);
  const isAllowed = (scope: string) => isAllowedBy(allowances, scope);
  if (asked === undefined || isDefaultScope) {
    const granted = (asked ?? union(allowances.map(({ scopes }) => scopes))).filter(isAllowed);
    const wanted = asked === undefined && targets.some((target) => target.scopes.length > 0);
    return granted.length === 0 && wanted ? { refused: "scope_empty" } : { granted };
  }
  return asked.every(isAllowed) ? { granted: asked } : { refused: "scope_exceeds" };
}

function givesIdToken({ requested, targets, actor, withIdToken }: ExchangeRequest, subject: Subject, scope: readonly string[]): boolean {
  if (!subject.isUser) return false;
  if (requested === "id_token") return true;
  const permitted = targets.every((target) => target.isRequester || target.tokenTypes.includes("id_token"));
  const wanted = requested === "token_set" ? targets.every((target) => target.isRequester) : withIdToken === true;
  return wanted && actor === undefined && permitted && scope.includes("openid");
}

// Where it may be refreshed: at most until the grant that the subject belongs to, the deadline and the client's policy end.
function refreshExpiryOf({ requester, requested, refreshExpiry, targets, actor }: ExchangeRequest, subject: Subject, deadline: number, now: number): number | undefined {
  const permitted = targets.every((target) => (target.isRequester ? requester.mayRefresh : target.tokenTypes.includes("refresh_token")));
  const wanted = requested === "refresh_token" || requested === "token_set";
  const lifetime = Math.min(requester.refreshTokenLifetime, refreshExpiry ?? requester.refreshTokenLifetime);
  if (!wanted || !permitted || !requester.mayRefresh || !subject.isUser || actor !== undefined || lifetime <= 0) return undefined;
  const expires = Math.min(now + lifetime, subject.grantExpires, deadline);
  return expires > now ? expires : undefined;
}

function actOf(actor: Actor, earlier: Act | undefined): Act {
  return { sub: actor.subject, client_id: actor.client, ...(earlier === undefined ? {} : { act: earlier }) };
}
