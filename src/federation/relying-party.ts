import { randomId, sha256 } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Service } from "../service.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { verifyLoginIdToken, verifyRefreshedIdToken } from "./id-token.ts";
import { askIdentityProvider, deadline } from "./outbound.ts";
import { lacksClaims } from "./principal.ts";
import type { ProviderMetadata } from "./provider-documents.ts";
import { claimsOfKept, type ProviderTokens, withRefreshed } from "./provider-tokens.ts";

/** The secrets of one login at an IdP, kept in the browser, sealed. */
export interface LoginSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** What our authorization request at the IdP passes on. */
export interface LoginWish {
  readonly prompt: "login" | "select_account" | undefined;
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
}

/** A login that the IdP vouches for. */
export interface ProviderLogin {
  readonly claims: JsonObject & { readonly sub: string };
  readonly tokens: ProviderTokens;
}

/** Draws the secrets of a login: state, nonce and PKCE verifier, 128 bit and more each. */
export function newLoginSecrets(): LoginSecrets {
  return { state: randomId(), nonce: randomId(), verifier: randomId(32) };
}

/** The URL of our authorization request at an IdP: code, PKCE S256, state, nonce. */
export async function authorizationUrl({ providers }: Service, idp: IdentityProvider, callback: string, secrets: LoginSecrets, wish: LoginWish): Promise<string> {
  const { authorization_endpoint } = await providers.metadata(idp.issuer);
  const url = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: idp.clientId,
    redirect_uri: callback,
    scope: idp.scopes.join(" "),
    state: secrets.state,
    nonce: secrets.nonce,
    code_challenge: await sha256(secrets.verifier),
    code_challenge_method: "S256",
    prompt: wish.prompt,
    max_age: wish.maxAge?.toString(),
    login_hint: wish.loginHint,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Checks that an answer comes from the IdP that was asked (RFC 9207): `iss` must agree, and must be there where promised. */
export async function checkAuthorizationIssuer({ providers }: Service, idp: IdentityProvider, iss: string | undefined): Promise<void> {
  const { authorization_response_iss_parameter_supported } = await providers.metadata(idp.issuer);
  if (iss === undefined ? authorization_response_iss_parameter_supported : iss !== idp.issuer) throw new Rejection("login_issuer_differs");
}

/** Redeems the IdP's code and verifies what comes back. Asks userinfo too where the ID token lacks a mapped claim. */
export async function redeemProviderCode(service: Service, idp: IdentityProvider, callback: string, code: string, secrets: LoginSecrets): Promise<ProviderLogin> {
  const metadata = await service.providers.metadata(idp.issuer);
  const form = { grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: secrets.verifier };
  // Together: a slow token endpoint leaves userinfo less.
  const signal = deadline();
  const answer = await askTokenEndpoint(service, idp, metadata, form, signal);
  const given = "tokens" in answer ? answer.tokens : undefined;
  if (given?.idToken === undefined) throw new Rejection("idp_token_refused", { note: "error" in answer ? `status ${answer.status}` : "no ID token" });
  const tokens: ProviderTokens = { ...given, idToken: given.idToken, scope: given.scope ?? idp.scopes };
  const { accessToken } = tokens;
  const claims = await verifyLoginIdToken(service.providers, idp, tokens.idToken, { nonce: secrets.nonce, accessToken, now: service.now() });
  if (!lacksClaims(idp, claims) || accessToken === undefined || metadata.userinfo_endpoint === undefined) return { claims, tokens };
  return { claims: { ...(await userinfo(metadata.userinfo_endpoint, accessToken, claims.sub, signal)), ...claims }, tokens };
}

async function userinfo(url: string, accessToken: string, sub: string, signal: AbortSignal): Promise<JsonObject> {
  const answer = await askIdentityProvider(url, { signal, headers: { accept: "application/json", authorization: `Bearer ${accessToken}` } });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_token_refused", { note: "userinfo" });
  // OpenID Connect Core §5.3.2: another subject's answer must not be used.
  if (answer.status !== 200 || answer.body.sub !== sub) throw new Rejection("idp_subject_differs");
  return answer.body;
}

/**
 * Refreshes the IdP's tokens and verifies what comes back; `scope` asks for less than the login's. Answers the refreshed
 * tokens, or what the IdP refused for good: the refresh token, or the scope. Throws where it may be tried again.
 */
export async function refreshProviderTokens(
  service: Service,
  idp: IdentityProvider,
  kept: ProviderTokens,
  scope: readonly string[] | undefined,
): Promise<ProviderTokens | "login" | "scope"> {
  const metadata = await service.providers.metadata(idp.issuer);
  const form = { grant_type: "refresh_token", refresh_token: kept.refreshToken ?? "", ...(scope === undefined ? {} : { scope: scope.join(" ") }) };
  const answer = await askTokenEndpoint(service, idp, metadata, form);
  if ("error" in answer && answer.error === "invalid_grant") return "login";
  if ("error" in answer && answer.error === "invalid_scope" && scope !== undefined) return "scope";
  if ("error" in answer || answer.tokens.accessToken === undefined) throw new Rejection("idp_token_refused", { note: `refresh, status ${answer.status}` });
  const { tokens } = answer;
  const { idToken, accessToken } = tokens;
  if (idToken !== undefined) await verifyRefreshedIdToken(service.providers, idp, idToken, { former: claimsOfKept(kept.idToken), accessToken, now: service.now() });
  return withRefreshed(kept, scope, { ...tokens, scope: tokens.scope ?? scope ?? kept.scope ?? idp.scopes });
}

/** What the IdP says of the user with refreshed tokens: by a new ID token, and by userinfo as at a login; undefined where it says nothing. */
export async function refreshedClaims({ providers }: Service, idp: IdentityProvider, former: ProviderTokens, tokens: ProviderTokens): Promise<JsonObject | undefined> {
  const isNew = tokens.idToken !== former.idToken;
  const claims = isNew ? claimsOfKept(tokens.idToken) : {};
  const { userinfo_endpoint } = await providers.metadata(idp.issuer);
  if (!lacksClaims(idp, claims) || tokens.accessToken === undefined || userinfo_endpoint === undefined) return isNew ? claims : undefined;
  return { ...(await userinfo(userinfo_endpoint, tokens.accessToken, String(claimsOfKept(former.idToken).sub), deadline())), ...claims };
}

type TokenAnswer = { readonly status: number } & ({ readonly tokens: Partial<ProviderTokens> } | { readonly error: unknown });

async function askTokenEndpoint(
  service: Service,
  idp: IdentityProvider,
  { token_endpoint }: ProviderMetadata,
  form: Readonly<Record<string, string>>,
  signal = deadline(),
): Promise<TokenAnswer> {
  // Lifetimes count from before the question: what we say of them is never too long.
  const asked = service.now();
  const answer = await askIdentityProvider(token_endpoint, {
    method: "POST",
    signal,
    body: new URLSearchParams(form).toString(),
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded", authorization: basicOf(service, idp) },
  });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_token_refused");
  return answer.status === 200 ? { status: 200, tokens: tokensOf(answer.body, asked) } : { status: answer.status, error: answer.body.error };
}

/** Our client authentication at an IdP: HTTP Basic (RFC 6749 §2.3.1). */
export function basicOf({ config }: Service, idp: IdentityProvider): string {
  const secret = config.clientSecret(idp.clientSecretName);
  if (secret === undefined) throw new Rejection("unavailable", { note: `no secret ${idp.clientSecretName}` });
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  return `Basic ${btoa(`${encode(idp.clientId)}:${encode(secret)}`)}`;
}

// An access token of a type that we do not know is none (RFC 6749 §7.1).
function tokensOf(body: JsonObject, now: number): Partial<ProviderTokens> {
  const { id_token, access_token, token_type = "Bearer", refresh_token, expires_in, scope } = body;
  const isBearer = typeof token_type === "string" && token_type.toLowerCase() === "bearer";
  return {
    ...(typeof id_token === "string" ? { idToken: id_token } : {}),
    ...(typeof access_token === "string" && isBearer ? { accessToken: access_token } : {}),
    ...(typeof refresh_token === "string" ? { refreshToken: refresh_token } : {}),
    ...(typeof expires_in === "number" ? { expires: now + Math.floor(expires_in) } : {}),
    ...(typeof scope === "string" ? { scope: scope.split(" ").filter((token) => token !== "") } : {}),
  };
}
