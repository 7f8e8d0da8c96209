import { html } from "hono/html";
import { tokenPolicyOf } from "../dialects/index.ts";
import { authorizationUrl, type LoginSecrets, newLoginSecrets } from "../federation/relying-party.ts";
import { sha256 } from "../protocol/bytes.ts";
import { type Form, readForm, readQuery } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { SignedOn } from "../storage/family/login-ask.ts";
import type { Client } from "../tenants/client.ts";
import { configurationDeath } from "../tokens/inspect.ts";
import type { OpaqueToken } from "../tokens/opaque.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { type AuthorizationRequest, type AuthorizationTarget, applicationNow, authorizationRequest, authorizationTarget, needsClick } from "./authorization-request.ts";
import { authorizationResponse, formActionOf } from "./authorization-response.ts";
import { prepareCode } from "./code.ts";
import { choicePage, identityProviderOf, readChoice } from "./identity-provider-choice.ts";
import { loginStateCookie } from "./login-state.ts";
import { page } from "./page.ts";
import { samlLoginUrl } from "./saml-login.ts";
import { readSession } from "./session.ts";
import { enter } from "./sso.ts";

const CONFIRM_SECONDS = 600;

/** `/oauth2/authorize`, by GET and by POST: a code on the strength of the browser's session, or a login at the corporate IdP. */
export async function authorize(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const choice = form.get("choice");
  if (choice !== undefined && request.method === "POST") return await afterChoice(exchange, form, choice);
  const confirmed = form.get("confirm");
  if (confirmed !== undefined && request.method === "POST") return await afterClick(exchange, confirmed);
  const target = await authorizationTarget(exchange, form);
  return await answering(exchange, target, async () => await decide(exchange, form, target));
}

/** Runs what may be refused once the application is known: the refusal goes there (RFC 6749 §4.1.2.1), faults of ours do not. */
export async function answering(exchange: Exchange, target: Pick<AuthorizationTarget, "redirectUri" | "responseMode" | "state">, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (cause) {
    // When we cannot know, the browser is told to come back: an application that got an error would give the login up.
    if (!(cause instanceof Rejection) || cause.reason === "unavailable") throw cause;
    const { error, description } = cause.wire;
    exchange.audit.write({ reason: cause.reason, ...(cause.detail.note === undefined ? {} : { note: cause.detail.note }) });
    return await authorizationResponse(exchange.tenant.issuer, target, { error, error_description: description });
  }
}

/** Shows the one click that a public client on the device needs before it gets a code without a fresh login. */
export async function confirmationPage(
  exchange: Exchange,
  request: AuthorizationRequest,
  session: Pick<OpaqueToken, "family" | "node">,
  name: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const { ring, service, tenant } = exchange;
  const client = await tenant.client(request.clientId);
  const sealed = await seal(ring, "cookie", "confirm", JSON.stringify({ request, family: session.family, session: session.node, expires: service.now() + CONFIRM_SECONDS }));
  const body = html`<p>You are signed in as <strong>${name}</strong>. If you did not just open ${client?.displayName ?? request.clientId}, close this page.</p>
    <form method="post" action="/oauth2/authorize"><input type="hidden" name="confirm" value="${sealed}" /><button>Continue as ${name}</button></form>`;
  return await page(`Continue to ${client?.displayName ?? request.clientId}?`, body, { formAction: `'self' ${formActionOf(request.redirectUri)}`, headers });
}

async function decide(exchange: Exchange, form: Form, target: AuthorizationTarget): Promise<Response> {
  const request = authorizationRequest(exchange, form, target);
  const ssoToken = form.get("sso_token");
  return ssoToken === undefined ? await proceed(exchange, request, target.client) : await decideBySsoToken(exchange, request, ssoToken);
}

/** Answers a checked request: a code on the strength of the browser's session, one click, or a login at the corporate IdP. */
export async function proceed(exchange: Exchange, request: AuthorizationRequest, client: Client): Promise<Response> {
  const session = await readSession(exchange);
  const fresh = request.prompt === "login" || request.prompt === "select_account";
  const asking = needsClick({ client, redirectUri: request.redirectUri });
  if (session !== undefined && !fresh) {
    const answer = await signOn(exchange, request, session, !asking);
    if (answer !== undefined && !asking) return answer.response;
    if (answer !== undefined && request.prompt === "none") throw new Rejection("interaction_required");
    if (answer !== undefined) return await confirmationPage(exchange, request, session, answer.signedOn.principal.loginName);
  }
  if (request.prompt === "none") throw new Rejection("login_required");
  const where = await identityProviderOf(exchange, request, client);
  if (where === undefined) throw new Rejection("idp_none");
  return typeof where === "string" ? await beginLogin(exchange, request, where) : await choicePage(exchange, request, client, where);
}

// A native application sends the browser here with its SSO token: the session that it opens is good for this application.
// Only by GET: a POST from another site brings no cookie, and another user's session would be replaced unseen.
async function decideBySsoToken(exchange: Exchange, request: AuthorizationRequest, ssoToken: string): Promise<Response> {
  if (exchange.request.method === "POST") throw new Rejection("invalid_parameter", { parameter: "sso_token" });
  const entered = await enter(exchange, ssoToken, request.redirectUri, false);
  if (entered === undefined) throw new Rejection("interaction_required", { note: "another user" });
  const answer = await signOn(exchange, request, entered.session, true);
  if (answer === undefined) throw new Rejection("login_required");
  if (entered.cookie !== undefined) answer.response.headers.append("set-cookie", entered.cookie);
  return answer.response;
}

async function signOn(
  exchange: Exchange,
  request: AuthorizationRequest,
  session: OpaqueToken,
  withCode: boolean,
): Promise<{ readonly signedOn: SignedOn; readonly response: Response } | undefined> {
  const { service, tenant } = exchange;
  const client = await applicationNow(exchange, request);
  const prepared = await prepareCode(exchange, request, client);
  const signedOn = await service.families.signOn(session.family, {
    session: session.node,
    hash: await sha256(session.secret),
    client: request.clientId,
    maxAge: Math.min(request.maxAge ?? Number.POSITIVE_INFINITY, tokenPolicyOf(client, tenant.settings).maxExchangePeriod),
    ...(request.idps === undefined ? {} : { idps: request.idps }),
    ...(withCode ? { code: prepared.code } : {}),
  });
  if (!signedOn.ok) return undefined;
  // A session from before a cutoff, or of an IdP that is switched off, is none: its code could not be redeemed.
  if ((await configurationDeath(exchange, request.clientId, signedOn.root)) !== undefined) return undefined;
  exchange.audit.note({ subject: signedOn.principal.sub, family: session.family });
  const response = await authorizationResponse(tenant.issuer, request, { code: await prepared.text(session.family) });
  if (withCode) exchange.audit.write({ issued: "code" });
  return { signedOn, response };
}

async function afterClick(exchange: Exchange, confirmed: string): Promise<Response> {
  const { ring, service } = exchange;
  const opened = await unseal(ring, "cookie", "confirm", confirmed);
  const session = await readSession(exchange);
  if (opened === undefined || session === undefined) throw new Rejection("login_state_unknown");
  const {
    request,
    family,
    session: id,
    expires,
  } = JSON.parse(opened) as { readonly request: AuthorizationRequest; readonly family: string; readonly session: string; readonly expires: number };
  if (service.now() >= expires) throw new Rejection("login_state_expired");
  // The click counts only in the browser, and for the session, that the page was shown to.
  if (session.family !== family || session.node !== id) throw new Rejection("login_state_unknown");
  await applicationNow(exchange, request);
  return await answering(exchange, request, async () => {
    const answer = await signOn(exchange, request, session, true);
    if (answer === undefined) throw new Rejection("login_required");
    return answer.response;
  });
}

async function afterChoice(exchange: Exchange, form: Form, choice: string): Promise<Response> {
  const { request, alias } = await readChoice(exchange, form, choice);
  await applicationNow(exchange, request);
  return await answering(exchange, request, async () => await beginLogin(exchange, request, alias));
}

async function beginLogin(exchange: Exchange, request: AuthorizationRequest, alias: string): Promise<Response> {
  exchange.audit.note({ idp: alias });
  const secrets = newLoginSecrets();
  const location = await loginUrl(exchange, request, alias, secrets);
  // The hint has done its work; what need not come back is not kept.
  const cookie = await loginStateCookie(exchange, { request: { ...request, loginHint: undefined }, idp: alias, secrets, created: exchange.service.now() });
  return new Response(null, { status: 303, headers: { location, "set-cookie": cookie, "cache-control": "no-store", "referrer-policy": "no-referrer" } });
}

async function loginUrl(exchange: Exchange, request: AuthorizationRequest, alias: string, secrets: LoginSecrets): Promise<string> {
  const { tenant, service } = exchange;
  const idp = await tenant.identityProvider(alias);
  const saml = idp === undefined ? await tenant.samlIdentityProvider(alias) : undefined;
  if (idp === undefined && saml?.ssoUrl === undefined) throw new Rejection("idp_unknown");
  if ((idp ?? saml)?.disabled) throw new Rejection("idp_disabled");
  if (idp === undefined) return await samlLoginUrl(exchange, { alias, ssoUrl: saml?.ssoUrl ?? "", secrets, forceAuthn: request.prompt === "login" || request.maxAge === 0 });
  const prompt = request.prompt === "none" ? undefined : request.prompt;
  const location = await authorizationUrl(service, idp, callbackUrl(exchange, alias), secrets, { prompt, maxAge: request.maxAge, loginHint: request.loginHint });
  // While the user is at the IdP, its keys come in.
  exchange.after(service.providers.warm(idp.issuer));
  return location;
}

/** Our redirect URI at an IdP. */
export function callbackUrl({ tenant }: Exchange, alias: string): string {
  return `${new URL(tenant.issuer).origin}/oauth2/callback/${alias}`;
}
