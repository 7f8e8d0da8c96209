import type { ExchangeAsk, TokenOptions, TokenSet } from "../dialects/dialect.ts";
import { tokenPolicyOf } from "../dialects/index.ts";
import type { ExchangeRequest } from "../policy.ts";
import { readAct, readMayAct } from "../protocol/actor.ts";
import { readConfirmation } from "../protocol/confirmation.ts";
import { Rejection } from "../protocol/rejection.ts";
import { union } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { ExchangeSubject, Extend, Extended } from "../storage/family/exchange-ask.ts";
import type { SsoRecord } from "../storage/family/record.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { RETRY_WINDOW_SECONDS } from "../tenants/defaults.ts";
import { actorsDeath, configurationDeath } from "../tokens/inspect.ts";
import type { Issuing } from "../tokens/issued-token-type.ts";
import { issueOf, permissionDeath } from "../tokens/permission-cutoff.ts";
import { type PreparedChain, prepareRefreshToken } from "../tokens/refresh-token.ts";
import { familyOf, type VerifiedToken } from "../tokens/token.ts";
import { type PresentedActor, readActor } from "./actor.ts";
import { edgeQueryOf, extendAtEdge } from "./edge.ts";
import { extendOrOpen } from "./external.ts";
import { foreignTarget } from "./foreign-target.ts";
import { accessTokenFormat, issuingFor, mintTokens, newGrantId, type PreparedTokens, prepareTokens } from "./issuing.ts";
import { optionsOf, policyTarget, type ResolvedTarget, refuseStrangers, resolveTargets } from "./targets.ts";

// Keycloak's: the token of another issuer, and of another user.
const FOR_ANOTHER = ["requested_issuer", "requested_subject"];

/** Everything that is known of an exchange before its subject's family is asked. */
export interface PlannedExchange {
  /** What is asked for, once the targets are known. */
  readonly asked: ExchangeAsk;
  readonly family: FamilyId;
  readonly subject: VerifiedToken;
  readonly targets: readonly ResolvedTarget[];
  readonly actor: PresentedActor | undefined;
  readonly issuing: Issuing;
  readonly prepared: PreparedTokens;
  readonly chain: PreparedChain | undefined;
  readonly ask: Extend;
}

/** Plans an exchange of a verified subject: targets, actor, and what is drawn before the one call that decides. */
export async function planExchange(request: ClientRequest, subject: VerifiedToken, wanted: ExchangeAsk): Promise<PlannedExchange> {
  const { tenant, form } = request;
  // What we do not know is ignored elsewhere; but whoever asks for another's token must not be given one of ours.
  for (const parameter of FOR_ANOTHER) if (form.get(parameter) !== undefined) throw new Rejection("invalid_parameter", { parameter });
  // A session would outlive what another issuer said for a few minutes.
  if (wanted.requested === "sso_token" && subject.format === "jwt" && subject.opens !== undefined) throw new Rejection("requested_type_unsupported", { note: "external" });
  const family = familyOf(subject);
  request.audit.note({ family });
  const foreign = foreignTarget(request, subject, wanted);
  const targets = foreign === undefined ? await resolveTargets(request, wanted.targets) : [foreign];
  const asked = forTarget(wanted, targets);
  const actor = await readActor(request);
  // Looking at the actor has named its family.
  if (actor !== undefined) request.audit.note({ family });
  const options = optionsOf(request);
  const issuing = issuingFor(request, family, targets);
  const byDefault = asked.requested === "sso_token" ? "sso" : (asked.format ?? accessTokenFormat(request, issuing, "token_exchange", options));
  const format = foreign === undefined ? byDefault : asked.format === "id_jag" ? "id_jag" : "jwt_grant";
  const prepared = await prepareTokens(issuing, format);
  const wantsRefresh = asked.requested === "refresh_token" || asked.requested === "token_set";
  const chain = wantsRefresh ? await prepareRefreshToken(request.ring, family, issuing.policy.refreshTokenLifetime) : undefined;
  const sso = asked.requested === "sso_token" ? await ssoRecord(request, issuing) : undefined;
  const ask: Extend = {
    grant: newGrantId(),
    tenant: tenant.issuer,
    subject: exchangeSubject(request, subject),
    request: exchangeRequest(request, targets, asked, options, actor),
    budget: issuing.policy.exchangeBudget,
    accessToken: prepared.accessToken.leaf,
    idToken: prepared.idToken.leaf,
    identifier: (foreign?.authorizationServer ?? targets[0]?.client)?.subjectNameIdentifier ?? "userUuid",
    apis: foreign === undefined ? apisOf(targets) : [],
    ...(chain === undefined ? {} : { chain: chain.chain }),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(actor === undefined ? {} : { actor: actor.origin }),
    ...(sso === undefined ? {} : { sso }),
  };
  return { asked, family, subject, targets, actor, issuing, prepared, chain, ask };
}

// Asked for nothing in particular with a SAML application as the target, SAP gives SAML.
function forTarget(asked: ExchangeAsk, targets: readonly ResolvedTarget[]): ExchangeAsk {
  const isSaml = asked.requested === "token_set" && targets.length === 1 && targets[0]?.client.saml !== undefined && targets[0].permission?.tokenTypes.includes("saml2");
  return isSaml ? { ...asked, requested: "saml2", format: "saml2", isExplicit: true } : asked;
}

/**
 * Carries a planned exchange out: one call that checks, decides and records; then the actors' families are read; then
 * tokens may be made. In `edge` the call is left out where an answer of the last seconds allows it.
 */
export async function carryOut(request: ClientRequest, plan: PlannedExchange): Promise<Extended> {
  const { subject, family } = plan;
  if (subject.format === "jwt") await refuseEnded(request, plan, subject.client, subject.lineage.root);
  const { service } = request;
  const query = edgeQueryOf(request, plan);
  const asked = service.now();
  const atEdge = query === undefined ? undefined : extendAtEdge(request, plan, query);
  const extended = atEdge ?? (await extendOrOpen(request, plan));
  if (!extended.ok) rememberRefusal(request, plan, extended.reason);
  if (!extended.ok) throw new Rejection(extended.reason, extended.note === undefined ? {} : { note: extended.note });
  if (subject.format === "opaque") await refuseEnded(request, plan, extended.subjectClient, extended.root);
  const death = await actorsDeath(request, extended.record.act, extended.record.branches ?? []);
  if (death !== undefined) throw new Rejection("actor_dead", { note: death });
  // The family has just said that the subject is alive: for the next seconds `edge` need not ask again.
  if (query !== undefined && atEdge === undefined) {
    const { now, root, principal, exchanges } = extended;
    service.statuses.keep(family, query, { asked, status: { alive: true, now, root, ...(principal === undefined ? {} : { principal }) }, exchanges });
  }
  return extended;
}

/** Makes the tokens of an exchange that was recorded. */
export async function mintExchanged(request: ClientRequest, plan: PlannedExchange, extended: Extended): Promise<TokenSet> {
  const { requested } = plan.asked;
  return await mintTokens(request, {
    issuing: plan.issuing,
    granted: extended,
    accessToken: requested === "id_token" ? undefined : plan.prepared.accessToken,
    idToken: extended.permit.givesIdToken ? plan.prepared.idToken : undefined,
    isBearer: requested !== "saml2",
    isCopied: requested !== "sso_token" && requested !== "saml2",
    refreshToken: extended.chain === undefined ? undefined : await plan.chain?.mint(extended),
  });
}

// Written after the response: the family keeps its last ten refusals, for those who ask why.
function rememberRefusal({ service, clientId, after }: ClientRequest, { family, targets }: PlannedExchange, reason: string): void {
  after(service.families.noteRefusal(family, { client: clientId, reason, targets: targets.map(({ id }) => id) }).catch(() => undefined));
}

// The configuration of this moment: its client, IdP or tenant is disabled or cut off, or the owner of its target has cut it off.
async function refuseEnded(request: ClientRequest, { subject, targets }: PlannedExchange, client: string, root: Extended["root"]): Promise<void> {
  const death = (await configurationDeath(request, client, root)) ?? (await permissionDeath(request, client, root, () => issueOf(request, subject)));
  if (death !== undefined) throw new Rejection("subject_dead", { note: death });
  refuseStrangers(targets, root);
}

function exchangeSubject({ client, tenant }: ClientRequest, token: VerifiedToken): ExchangeSubject {
  if (token.format === "opaque") {
    const { hash } = token;
    const { parent, node, generation } = token.token;
    if (token.kind === "saml_session") return { kind: "session", session: node };
    if (token.kind !== "refresh_token") return { kind: "opaque", parent, node, hash };
    return { kind: "refresh", parent, node, hash, generation, window: RETRY_WINDOW_SECONDS[tokenPolicyOf(client, tenant.settings).refreshRetry] };
  }
  const { claims, lineage, kind, client: owner, audience, scope, expires } = token;
  const { path, node, sid, root, branches, hops, deadline } = lineage;
  const [act, mayAct, cnf] = [readAct(claims.act), readMayAct(claims.may_act), readConfirmation(claims.cnf)];
  const facts = {
    ...{ kind, client: owner, audience, scope, expires, hops, deadline },
    principal: String(claims.sub),
    isUser: root.kind !== "client_credentials",
    authTime: typeof claims.auth_time === "number" ? claims.auth_time : root.time,
    ancestors: path.length,
    ...(act === undefined ? {} : { act }),
    ...(mayAct === undefined ? {} : { mayAct }),
    ...(cnf === undefined ? {} : { cnf }),
  };
  return { kind: "jwt", facts, path, node, root, branches, ...(token.opens === undefined ? {} : { says: token.opens }), ...(sid === undefined ? {} : { sid }) };
}

function exchangeRequest(
  request: ClientRequest,
  targets: readonly ResolvedTarget[],
  asked: ExchangeAsk,
  options: TokenOptions,
  actor: PresentedActor | undefined,
): ExchangeRequest {
  const { clientId, client, tenant } = request;
  const policy = tokenPolicyOf(client, tenant.settings);
  return {
    requester: {
      id: clientId,
      isPublic: client.public,
      mayExchangePublicly: client.publicExchange,
      mayRefresh: client.grants.includes("refresh_token"),
      refreshTokenLifetime: policy.refreshTokenLifetime,
      maxHops: policy.maxHops,
      maxExchangePeriod: policy.maxExchangePeriod,
      isIndependent: policy.independentOfSession,
    },
    targets: targets.map((target) => policyTarget(request, target)),
    requested: asked.requested,
    isExplicit: asked.isExplicit,
    isDefaultScope: asked.isDefaultScope,
    tenantMaxHops: tenant.settings.tokenPolicy.maxHops ?? Number.MAX_SAFE_INTEGER,
    ...(asked.scope === undefined ? {} : { scope: asked.scope }),
    ...(asked.withIdToken === undefined ? {} : { withIdToken: asked.withIdToken }),
    ...(options.refreshExpiry === undefined ? {} : { refreshExpiry: options.refreshExpiry }),
    ...(options.maxExchangePeriod === undefined ? {} : { maxExchangePeriod: options.maxExchangePeriod }),
    ...(actor === undefined ? {} : { actor: actor.actor }),
    ...(request.proven === undefined ? {} : { proven: request.proven }),
  };
}

// The provider's permission groups, or SAP's fixed word where the provider lets a principal through to all of its APIs.
function apisOf(targets: readonly ResolvedTarget[]): readonly string[] {
  return union(
    targets.map(({ client, permission }) =>
      permission === undefined || client.dialect !== "sap" ? [] : permission.apis.length === 0 ? ["principal-propagation"] : permission.apis,
    ),
  );
}

// Who may look at an SSO token: its originator and every application trusted for hand-off; and where they can be entered.
async function ssoRecord({ clientId, client, tenant }: ClientRequest, { policy }: Issuing): Promise<SsoRecord> {
  const applications = [clientId, ...client.trustedForHandoff];
  const clients = await Promise.all(applications.map((id) => tenant.client(id)));
  const redirectUris = clients.flatMap((application) =>
    application === undefined || application.disabled ? [] : [...application.redirectUris, ...(application.homeUrl === undefined ? [] : [application.homeUrl])],
  );
  return { applications, redirectUris: [...new Set(redirectUris)], maxHops: policy.maxHops };
}
