import type { LoginSecrets } from "../federation/relying-party.ts";
import { sha256 } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { seal, unseal } from "../tokens/seal.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { readCookie, writeCookie } from "./cookies.ts";

/** How long a login at the IdP may take. Seconds. */
const LOGIN_SECONDS = 600;

/** What is between authorize, IdP and callback: kept by the browser, sealed, bound to it by being its cookie. */
export interface LoginState {
  readonly request: AuthorizationRequest;
  readonly idp: string;
  readonly secrets: LoginSecrets;
  /** Seconds. */
  readonly created: number;
}

/** The `Set-Cookie` that keeps a login's state; one cookie for each login, so that two tabs do not disturb each other. */
export async function loginStateCookie({ tenant, ring }: Exchange, state: LoginState): Promise<string> {
  const name = await cookieNameOf(state.secrets.state);
  return writeCookie(tenant.issuer, name, await seal(ring, "cookie", name, JSON.stringify(state)), LOGIN_SECONDS);
}

/** The `Set-Cookie` that deletes it. */
export async function noLoginStateCookie({ tenant }: Exchange, state: LoginState): Promise<string> {
  return writeCookie(tenant.issuer, await cookieNameOf(state.secrets.state), "", 0);
}

/** Finds the login that a callback belongs to: begun in this browser, at this IdP, within ten minutes, not used before. */
export async function takeLoginState({ tenant, ring, request, service }: Exchange, state: string, idp: string): Promise<LoginState> {
  const name = await cookieNameOf(state);
  const cookie = readCookie(tenant.issuer, request.headers, name);
  const opened = cookie === undefined ? undefined : await unseal(ring, "cookie", name, cookie);
  if (opened === undefined) throw new Rejection("login_state_unknown");
  // We sealed it, so it has the shape that we gave it.
  const login = JSON.parse(opened) as LoginState;
  if (login.secrets.state !== state) throw new Rejection("login_state_unknown");
  if (service.now() >= login.created + LOGIN_SECONDS) throw new Rejection("login_state_expired");
  if (login.idp !== idp) throw new Rejection("login_idp_differs");
  const first = await service.singleUse.use({ tenant: tenant.issuer, issuer: idp, kind: "login_state" }, state, login.created + LOGIN_SECONDS);
  if (!first) throw new Rejection("login_state_used");
  return login;
}

async function cookieNameOf(state: string): Promise<string> {
  return `login_${(await sha256(state)).slice(0, 12)}`;
}
