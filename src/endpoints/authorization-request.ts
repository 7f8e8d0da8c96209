import { isClientId } from "../clients/index.ts";
import { dialectOf } from "../dialects/index.ts";
import type { Form } from "../protocol/form.ts";
import { SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset, parseScope } from "../protocol/scope.ts";
import type { Exchange } from "../service.ts";
import type { Client } from "../tenants/client.ts";
import { defaultIdentityProvider } from "../tenants/defaults.ts";
import type { ResponseTarget } from "./authorization-response.ts";

/** Which application asks, and where the answer goes: known before anything else, so that every later error can be sent there. */
export interface AuthorizationTarget extends ResponseTarget {
  readonly clientId: string;
  readonly client: Client;
}

/** A checked authorization request. Plain data: it travels sealed through the login at the IdP. */
export interface AuthorizationRequest extends ResponseTarget {
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly nonce: string | undefined;
  /** The PKCE S256 challenge. */
  readonly challenge: string;
  /** The DPoP key that must redeem the code. */
  readonly jkt: string | undefined;
  readonly prompt: "none" | "login" | "select_account" | undefined;
  /** Seconds. */
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
  /** Alias of the IdP that a login would go to. */
  readonly idp: string | undefined;
  /** The IdPs that an existing session may come from; undefined for any. */
  readonly idps: readonly string[] | undefined;
}

const TEXT_LIMIT = 2048;

/** Finds the application and its redirect URI. Throws what must be shown on a page of ours, never sent anywhere. */
export async function authorizationTarget({ tenant, audit }: Exchange, form: Form): Promise<AuthorizationTarget> {
  const clientId = form.get("client_id") ?? "";
  const client = isClientId(clientId) ? await tenant.client(clientId) : undefined;
  if (client === undefined || client.disabled) throw new Rejection("authorize_client_unknown");
  audit.note({ client: clientId });
  const redirectUri = form.get("redirect_uri") ?? (client.redirectUris.length === 1 ? client.redirectUris[0] : undefined);
  if (redirectUri === undefined || !isRegistered(client, redirectUri)) throw new Rejection("authorize_redirect_unregistered");
  const responseMode = form.get("response_mode") === "form_post" ? "form_post" : "query";
  return { clientId, client, redirectUri, responseMode, state: form.get("state") };
}

/** The application of a request that began earlier, if it is still one and still called back there. Throws as above. */
export async function applicationNow({ tenant }: Exchange, { clientId, redirectUri }: AuthorizationRequest): Promise<Client> {
  const client = await tenant.client(clientId);
  if (client === undefined || client.disabled) throw new Rejection("authorize_client_unknown");
  // A SAML application is answered by an endpoint of our own.
  const isOwn = client.saml !== undefined && redirectUri === samlSsoUrl(tenant.issuer);
  if (!isOwn && !isRegistered(client, redirectUri)) throw new Rejection("authorize_redirect_unregistered");
  return client;
}

/** Where SAML applications send browsers, and where a login for them comes back to. */
export function samlSsoUrl(issuer: string): string {
  return `${new URL(issuer).origin}/saml2/idp/sso`;
}

/** Checks the rest of the request. Throws what is sent to the application. */
export function authorizationRequest({ tenant }: Exchange, form: Form, target: AuthorizationTarget): AuthorizationRequest {
  const { client, clientId, redirectUri, responseMode, state } = target;
  if (form.get("request") !== undefined) throw new Rejection("request_object");
  if (form.get("request_uri") !== undefined) throw new Rejection("request_uri");
  if (form.require("response_type") !== "code") throw new Rejection("response_type_unsupported");
  if (!["query", "form_post"].includes(form.get("response_mode") ?? "query")) throw new Rejection("response_mode_unsupported");
  if (!client.grants.includes("authorization_code")) throw new Rejection("grant_not_allowed");
  const challenge = form.get("code_challenge") ?? "";
  if (form.get("code_challenge_method") !== "S256" || !/^[A-Za-z0-9_-]{43}$/.test(challenge)) throw new Rejection("pkce_required");
  const scope = parseScope(form.get("scope") ?? defaultScope(client));
  if (!isSubset(scope, client.scopes)) throw new Rejection("scope_exceeds");
  for (const name of ["state", "nonce", "login_hint"]) if ((form.get(name) ?? "").length > TEXT_LIMIT) throw new Rejection("invalid_parameter", { parameter: name });
  const asked = idpAsked(form, client);
  return {
    ...{ clientId, redirectUri, responseMode, state, scope, challenge },
    jkt: thumbprintOf(form),
    nonce: form.get("nonce"),
    prompt: promptOf(form),
    maxAge: maxAgeOf(form),
    loginHint: form.get("login_hint"),
    idp: asked ?? defaultIdentityProvider(client, tenant.settings),
    idps: asked === undefined ? client.identityProviders : [asked],
  };
}

/** Whether the tokens end with the login session: not where the client asked to stay signed in. */
export function isCoupled(scope: readonly string[]): boolean {
  return !scope.includes(SCOPE.offlineAccess);
}

/** Whether an application could be anyone's: a public client whose redirect any program on the device may take. */
export function needsClick({ client, redirectUri }: Pick<AuthorizationTarget, "client" | "redirectUri">): boolean {
  return client.public && !redirectUri.startsWith("https://");
}

function isRegistered(client: Client, redirectUri: string): boolean {
  return client.redirectUris.some((registered) => isSameRedirect(registered, redirectUri));
}

// Compared as bytes. Only a registered loopback address matches any port (RFC 8252 §7.3); nothing is parsed or normalised.
function isSameRedirect(registered: string, presented: string): boolean {
  if (registered === presented) return true;
  const loopback = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(\/.*)?$/;
  const [, host, path] = loopback.exec(registered) ?? [];
  const [, presentedHost, presentedPath] = loopback.exec(presented) ?? [];
  return host !== undefined && host === presentedHost && path === presentedPath && URL.canParse(presented);
}

function defaultScope(client: Client): string {
  return client.scopes.includes(SCOPE.openid) && dialectOf(client).acceptsQuery ? SCOPE.openid : "";
}

// RFC 9449 §10: the code can then be redeemed with a proof of this key only.
function thumbprintOf(form: Form): string | undefined {
  const jkt = form.get("dpop_jkt");
  if (jkt !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(jkt)) throw new Rejection("invalid_parameter", { parameter: "dpop_jkt" });
  return jkt;
}

function promptOf(form: Form): AuthorizationRequest["prompt"] {
  const prompt = form.get("prompt");
  if (prompt === undefined || prompt === "none" || prompt === "login" || prompt === "select_account") return prompt;
  throw new Rejection("prompt_unsupported");
}

function maxAgeOf(form: Form): number | undefined {
  const text = form.get("max_age");
  if (text !== undefined && !/^[0-9]{1,9}$/.test(text)) throw new Rejection("invalid_parameter", { parameter: "max_age" });
  return text === undefined ? undefined : Number(text);
}

function idpAsked(form: Form, { identityProviders }: Client): string | undefined {
  const asked = form.get("idp");
  if (asked === undefined) return undefined;
  if (!/^[a-z0-9-]{1,32}$/.test(asked) || (identityProviders !== undefined && !identityProviders.includes(asked))) throw new Rejection("idp_unknown");
  return asked;
}
