import { dialectOf } from "../dialects/index.ts";
import { isRefusal, type Permit, permit, type Subject } from "../policy.ts";
import { readConfirmation } from "../protocol/confirmation.ts";
import { TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection, wireError } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import { readSubjectToken } from "../subjects/index.ts";
import type { Claims } from "../tokens/claims.ts";
import { defined } from "../tokens/claims.ts";
import { branchDeath, inspect, isDead } from "../tokens/inspect.ts";
import { viewOf } from "../tokens/issued-token-type.ts";
import { readOwnJwt } from "../tokens/read.ts";
import type { TokenFacts, VerifiedToken } from "../tokens/token.ts";
import { type PlannedExchange, planExchange } from "./exchange.ts";
import { refuseStrangers } from "./targets.ts";

/**
 * What an exchange would give, or why it would be refused; in words for a developer. Nothing is recorded, nothing issued.
 * `isOperator`: whether the precise reason may be told even where it speaks of others.
 */
export async function explainExchange(request: ClientRequest, isOperator: boolean): Promise<Claims> {
  // Until it is known that the token is the requester's, what is wrong with it is no concern of theirs.
  let isHolder = isOperator;
  const seen = ({ client, audience }: Pick<TokenFacts, "client" | "audience">) => {
    isHolder ||= client === request.clientId || audience.includes(request.clientId);
  };
  try {
    const text = request.form.require("subject_token");
    const jwt = await readOwnJwt(request.ring, text);
    if (jwt.format === "jwt") seen(jwt);
    const asked = dialectOf(request.client).exchange(request.form);
    // Reading an assertion would use it up; a session is looked at by the exchange itself.
    if (asked.subjectTokenType === TOKEN_TYPE.saml2 || asked.subjectTokenType === TOKEN_TYPE.saml2_session) throw new Rejection("subject_type_unsupported");
    const token = await readSubjectToken(request, text, asked.subjectTokenType);
    const plan = await planExchange(request, token, asked);
    const { budget } = plan.ask;
    let exchanges = 0;
    const found = await inspect(request, token, {
      consistency: "strong",
      refreshWindow: windowOf(plan),
      question: async (family, query) => {
        const status = await request.service.families.status(family, { ...query, budget });
        exchanges = (status.alive && status.exchanges) || 0;
        return status;
      },
    });
    const facts = isDead(found) && (found.reason === "family_unknown" || found.reason === "family_closed") ? (unopened(request, token) ?? found) : found;
    if (isDead(facts)) throw new Rejection("subject_dead", { note: facts.reason });
    seen(facts);
    refuseStrangers(plan.targets, facts.lineage.root);
    const death = plan.actor === undefined ? undefined : await branchDeath(request, plan.actor.origin);
    if (death !== undefined) throw new Rejection("actor_dead", { note: death });
    const subject = subjectOfFacts(facts);
    const outcome = permit(plan.ask.request, subject, request.service.now());
    if (isRefusal(outcome)) throw new Rejection(outcome.refused);
    if (exchanges >= budget) throw new Rejection("subject_budget");
    return explained(request, plan, { ...facts, exchanges }, subject, outcome);
  } catch (cause) {
    if (!(cause instanceof Rejection) || cause.wire.status >= 500) throw cause;
    return refused(cause, isOperator, isHolder);
  }
}

// A token of another issuer opens its user's family with its first exchange: until then it speaks for itself.
function unopened({ service }: ClientRequest, token: VerifiedToken): TokenFacts | undefined {
  if (token.format === "opaque" || token.opens === undefined) return undefined;
  const { opens: principal, claims, ...said } = token;
  const cnf = readConfirmation(claims.cnf);
  return { ...said, principal, subject: principal.sub, authTime: Number(claims.auth_time), consistency: "strong", checkedAt: service.now(), ...(cnf === undefined ? {} : { cnf }) };
}

function windowOf({ ask }: PlannedExchange): number {
  return ask.subject.kind === "refresh" ? ask.subject.window : 0;
}

// Policy decides by the same facts that the family would give it.
function subjectOfFacts(facts: TokenFacts): Subject {
  const { kind, client, audience, scope, expires, lineage, principal, act, mayAct, cnf, authTime } = facts;
  if (kind === "sso_token") throw new Rejection("subject_type_differs");
  return {
    ...{ kind: kind === "saml_assertion" || kind === "saml_session" ? "access_token" : kind, client, audience, scope, expires, hops: lineage.hops, deadline: lineage.deadline },
    grantExpires: Math.min(lineage.deadline, Number.MAX_SAFE_INTEGER),
    principal: principal?.sub ?? client,
    isUser: principal !== undefined,
    authTime: authTime ?? lineage.root.time,
    ancestors: lineage.path.length,
    ...(act === undefined ? {} : { act }),
    ...(mayAct === undefined ? {} : { mayAct }),
    ...(cnf === undefined ? {} : { cnf }),
  };
}

function explained({ service, tenant }: ClientRequest, plan: PlannedExchange, facts: TokenFacts & { readonly exchanges: number }, subject: Subject, outcome: Permit): Claims {
  const { request } = plan.ask;
  const now = service.now();
  const limit = Math.min(request.tenantMaxHops, request.requester.maxHops, ...request.targets.map(({ maxHops }) => maxHops));
  const record = { client: request.requester.id, audience: outcome.audience, scope: outcome.scope, path: [], hops: outcome.hops, deadline: outcome.deadline, apis: plan.ask.apis };
  const view = viewOf(plan.issuing, { record, ...(facts.principal === undefined ? {} : { principal: facts.principal }) }, undefined);
  return {
    permitted: true,
    subject: { kind: subject.kind, client: subject.client, audience: subject.audience, scope: subject.scope, hops: subject.hops, expires_in: subject.expires - now },
    targets: plan.targets.map(({ id, isRequester, permission }) =>
      defined({
        client: id,
        permission: isRequester ? undefined : permission?.name,
        scopes: permission?.scopes,
        token_types: permission?.tokenTypes,
        self: isRequester || undefined,
      }),
    ),
    narrowed: narrowings(plan, subject, outcome, now),
    claims: {
      ...plan.issuing.dialect.accessTokenClaims(view),
      ...defined({ iss: tenant.issuer, aud: outcome.audience, client_id: request.requester.id, scope: outcome.scope.join(" ") || undefined, act: outcome.act }),
    },
    gives: [
      request.requested === "id_token" ? undefined : request.requested === "sso_token" || request.requested === "saml2" ? request.requested : "access_token",
      outcome.givesIdToken ? "id_token" : undefined,
      outcome.refreshExpires === undefined ? undefined : "refresh_token",
    ].filter((name) => name !== undefined),
    remaining: { hops: limit - outcome.hops, exchanges: plan.ask.budget - facts.exchanges - 1, exchange_period: outcome.deadline - now, expires_in: outcome.latest - now },
  };
}

function narrowings({ ask, prepared }: PlannedExchange, subject: Subject, outcome: Permit, now: number): readonly string[] {
  const { scope } = ask.request;
  const left = (scope ?? subject.scope).filter((name) => !outcome.scope.includes(name));
  const lifetime = ask.request.requested === "id_token" ? prepared.idToken.leaf.lifetime : prepared.accessToken.leaf.lifetime;
  return [
    ...(left.length === 0 ? [] : [`scope: ${left.join(" ")} left out, because a target does not permit it or the subject token lacks it`]),
    ...(outcome.latest - now < lifetime ? [`lifetime: ${outcome.latest - now} s instead of ${lifetime} s, because the subject token or its deadline ends then`] : []),
    ...(outcome.deadline < subject.deadline ? [`exchange period: ends in ${outcome.deadline - now} s`] : []),
    ...(outcome.isCoupled ? [] : ["session: what is exchanged outlives the login session"]),
  ];
}

// Which of unknown, forbidden and disabled a target is stays ours, as does what became of another's token: the requester
// learns what it may do about it.
function refused({ reason, detail, wire }: Rejection, isOperator: boolean, isHolder: boolean): Claims {
  const parameter = detail.parameter ?? "";
  const { error, description } = wireError(reason, parameter);
  const shown = () => {
    if (wire.error === "invalid_target" && !isOperator) return "target_not_permitted";
    return isHolder || description !== wireError("subject_dead").description ? reason : "subject_not_accepted";
  };
  return defined({ permitted: false, reason: shown(), note: isOperator ? detail.note : undefined, error, error_description: description });
}
