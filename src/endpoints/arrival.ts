import { tokenPolicyOf } from "../dialects/index.ts";
import type { ProviderTokens } from "../federation/provider-tokens.ts";
import { registerUser } from "../federation/register-user.ts";
import { sealProviderTokens } from "../grants/sealed-provider-tokens.ts";
import { randomId } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { SamlSession } from "../saml/logout.ts";
import type { Exchange } from "../service.ts";
import type { ProviderSessionLogin } from "../storage/users.ts";
import type { Client } from "../tenants/client.ts";
import type { Principal } from "../tenants/principal.ts";
import { newSecret } from "../tokens/opaque.ts";
import { needsClick } from "./authorization-request.ts";
import { authorizationResponse } from "./authorization-response.ts";
import { confirmationPage } from "./authorize.ts";
import { prepareCode } from "./code.ts";
import type { LoginState } from "./login-state.ts";
import { endReplaced } from "./logout-token.ts";
import { sealSamlSession } from "./provider-logout.ts";
import { readSession, sessionCookie } from "./session.ts";

const SKEW_SECONDS = 10;
const SESSION_NAME_LIMIT = 255;

/** A user who has come back from a corporate IdP, and what that IdP has said and given. */
export interface Arrival {
  readonly login: LoginState;
  readonly client: Client;
  readonly principal: Principal;
  /** When the user logged in there, as it stands in the answer. Seconds. */
  readonly authTime: unknown;
  /** The IdP's own name for its session. */
  readonly sid?: unknown;
  /** The IdP's own tokens. */
  readonly tokens?: ProviderTokens;
  /** What a SAML IdP calls the user and the session, where it is to be told of a logout. */
  readonly samlSession?: SamlSession | undefined;
  /** When the IdP ends the session, where it says so. Seconds. */
  readonly ends?: number | undefined;
}

/** Turns a login at a corporate IdP into a family, a session and a code. */
export async function arrive(exchange: Exchange, arrival: Arrival): Promise<Response> {
  const { tenant, service, audit } = exchange;
  const { login, client, principal, sid, tokens, samlSession, ends = Number.POSITIVE_INFINITY } = arrival;
  const loggedIn = authTimeOf(exchange, arrival);
  const now = service.now();
  const family = service.families.create(tenant.settings.jurisdiction);
  audit.note({ subject: principal.sub, family });
  const user = await registerUser(exchange, principal, family);
  const { secret, hash } = await newSecret();
  const lifetime = Math.min(tokenPolicyOf(client, tenant.settings).sessionLifetime, ends - now);
  const session = {
    ...{ id: randomId(), hash, lifetime, authTime: loggedIn ?? now, idp: login.idp },
    ...(tokens === undefined ? {} : { idpTokens: await sealProviderTokens(exchange.ring, family, tokens) }),
    ...(samlSession === undefined ? {} : { idpSubject: await sealSamlSession(exchange, family, samlSession) }),
    ...(isSessionName(sid) ? { idpSid: sid } : {}),
  };
  const silent = needsClick({ client, redirectUri: login.request.redirectUri }) && !isFresh(login, loggedIn);
  const prepared = await prepareCode(exchange, login.request, client);
  if (session.idpSid !== undefined) await registerSession(exchange, session.idpSid, { idp: login.idp, family, sub: principal.sub, lifetime });
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
  const cookie = await sessionCookie(exchange, { family, id: session.id, secret }, lifetime);
  audit.write({ issued: silent ? "session" : "session code" });
  if (silent) return await confirmationPage(exchange, login.request, { family, node: session.id }, principal.loginName, { "set-cookie": cookie });
  return await authorizationResponse(tenant.issuer, login.request, { code: await prepared.text(family) }, [cookie]);
}

// When the user logged in at the IdP, if it says so: as lately as the application asked for (OpenID Connect Core §3.1.2.1),
// and so lately that tokens may still be issued. Some IdPs say 0 where they do not know.
function authTimeOf({ service, tenant }: Exchange, { login, client, authTime: said }: Arrival): number | undefined {
  const authTime = typeof said === "number" && Number.isFinite(said) && said >= 1 ? Math.floor(said) : undefined;
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
  if (former !== undefined) await endReplaced(exchange, former);
}
