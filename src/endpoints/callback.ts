import { tokenPolicyOf } from "../dialects/index.ts";
import { principalOf, subjectOf } from "../federation/principal.ts";
import { registerUser } from "../federation/register-user.ts";
import { checkAuthorizationIssuer, type ProviderLogin, redeemProviderCode } from "../federation/relying-party.ts";
import { randomId } from "../protocol/bytes.ts";
import { readQuery } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { ProviderSessionLogin } from "../storage/users.ts";
import type { Client } from "../tenants/client.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { newSecret } from "../tokens/opaque.ts";
import { seal } from "../tokens/seal.ts";
import { applicationNow, needsClick } from "./authorization-request.ts";
import { authorizationResponse } from "./authorization-response.ts";
import { answering, callbackUrl, confirmationPage } from "./authorize.ts";
import { prepareCode } from "./code.ts";
import { type LoginState, noLoginStateCookie, takeLoginState } from "./login-state.ts";
import { readSession, sessionCookie } from "./session.ts";

const SKEW_SECONDS = 10;
const SESSION_NAME_LIMIT = 255;

/** `/oauth2/callback/{idp}`: the corporate IdP sends the browser back; the login becomes a family, a session and a code. */
export async function callback(exchange: Exchange, alias: string): Promise<Response> {
  const { request, tenant, service } = exchange;
  const form = readQuery(request.url);
  const login = await takeLoginState(exchange, form.require("state"), alias);
  exchange.audit.note({ idp: login.idp, client: login.request.clientId });
  const client = await applicationNow(exchange, login.request);
  const response = await answering(exchange, login.request, async () => {
    const idp = await tenant.identityProvider(alias);
    if (idp === undefined || idp.disabled) throw new Rejection("idp_disabled");
    await checkAuthorizationIssuer(service, idp, form.get("iss"));
    if (form.get("error") !== undefined) throw new Rejection("login_denied");
    const outcome = await redeemProviderCode(service, idp, callbackUrl(exchange, alias), form.require("code"), login.secrets);
    return await openFamily(exchange, { login, idp, client, outcome });
  });
  response.headers.append("set-cookie", await noLoginStateCookie(exchange, login));
  return response;
}

interface Arrival {
  readonly login: LoginState;
  readonly idp: IdentityProvider;
  readonly client: Client;
  readonly outcome: ProviderLogin;
}

async function openFamily(exchange: Exchange, arrival: Arrival): Promise<Response> {
  const { tenant, service, audit } = exchange;
  const { login, idp, client, outcome } = arrival;
  const loggedIn = authTimeOf(exchange, arrival);
  const authTime = loggedIn ?? service.now();
  const principal = principalOf(await subjectOf(tenant.subjectKey, login.idp, outcome.claims.sub), login.idp, idp, outcome.claims);
  const family = service.families.create(tenant.settings.jurisdiction);
  audit.note({ subject: principal.sub, family });
  const user = await registerUser(exchange, principal, family);
  const { secret, hash } = await newSecret();
  const policy = tokenPolicyOf(client, tenant.settings);
  const idpTokens = await seal(exchange.ring, "seal", `idp-tokens ${family}`, JSON.stringify(outcome.tokens));
  const { sid } = outcome.claims;
  const session = { id: randomId(), hash, lifetime: policy.sessionLifetime, authTime, idp: login.idp, idpTokens, ...(isSessionName(sid) ? { idpSid: sid } : {}) };
  const silent = needsClick({ client, redirectUri: login.request.redirectUri }) && !isFresh(login, loggedIn);
  const prepared = await prepareCode(exchange, login.request, client);
  if (session.idpSid !== undefined) await registerSession(exchange, session.idpSid, { idp: login.idp, family, sub: principal.sub, lifetime: session.lifetime });
  const opened = await service.families.open(family, {
    op: session.id,
    tenant: tenant.issuer,
    kind: "login",
    user,
    principal,
    session,
    ...(silent ? {} : { code: prepared.code }),
  });
  if (!opened.ok) throw new Rejection(opened.reason);
  await endFormerSession(exchange);
  const cookie = await sessionCookie(exchange, { family, id: session.id, secret }, policy.sessionLifetime);
  audit.write({ issued: silent ? "session" : "session code" });
  if (silent) return await confirmationPage(exchange, login.request, { family, node: session.id }, principal.loginName, { "set-cookie": cookie });
  return await authorizationResponse(tenant.issuer, login.request, { code: await prepared.text(family) }, [cookie]);
}

// When the user logged in at the IdP, if it says so: as lately as the application asked for (OpenID Connect Core §3.1.2.1),
// and so lately that tokens may still be issued.
function authTimeOf({ service, tenant }: Exchange, { login, client, outcome }: Arrival): number | undefined {
  const { auth_time } = outcome.claims;
  const authTime = typeof auth_time === "number" && Number.isFinite(auth_time) && auth_time >= 0 ? Math.floor(auth_time) : undefined;
  const { maxAge, prompt } = login.request;
  if (authTime === undefined && maxAge !== undefined) throw new Rejection("login_required", { note: "no auth_time" });
  const asked = prompt === "login" ? 0 : (maxAge ?? Number.POSITIVE_INFINITY);
  const oldest = Math.max(login.created - asked - SKEW_SECONDS, service.now() - tokenPolicyOf(client, tenant.settings).maxExchangePeriod + 1);
  if (authTime !== undefined && authTime < oldest) throw new Rejection("login_required", { note: "auth_time" });
  return authTime;
}

// A login that the IdP let through by its own session is silent too, and one is taken for it where the IdP does not say:
// a public client on the device then needs a click.
function isFresh({ created, request }: LoginState, authTime: number | undefined): boolean {
  return authTime === undefined ? request.prompt === "login" : authTime >= created - SKEW_SECONDS;
}

function isSessionName(sid: unknown): sid is string {
  return typeof sid === "string" && sid !== "" && sid.length <= SESSION_NAME_LIMIT;
}

// Before the family exists: a logout at the IdP either finds this login, or is told to it here.
async function registerSession({ service, tenant }: Exchange, sid: string, { idp, ...login }: ProviderSessionLogin & { readonly idp: string }): Promise<void> {
  const registered = await service.users.registerSession({ tenant: tenant.issuer, jurisdiction: tenant.settings.jurisdiction, idp, sid }, login);
  if (!registered.ok) throw new Rejection(registered.reason);
  if (registered.ended) throw new Rejection("login_denied", { note: "ended at the IdP" });
}

// A re-login opens a new family and ends the old session: once the new one exists, so that a fault loses neither, and
// before anyone has it.
async function endFormerSession(exchange: Exchange): Promise<void> {
  const former = await readSession(exchange);
  if (former === undefined) return;
  await exchange.service.families.endSession(former.family, former.node);
  exchange.service.statuses.forget(former.family);
}
