import { randomId, sha256 } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Service } from "../service.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { verifyLoginIdToken } from "./id-token.ts";
import { askIdentityProvider } from "./outbound.ts";
import { lacksClaims } from "./principal.ts";

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

/** The IdP's own tokens, as its token endpoint gave them. */
export interface ProviderTokens {
  readonly idToken: string;
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** Seconds; when the access token expires. */
  readonly expires?: number;
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
  const form = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: callback, code_verifier: secrets.verifier });
  const answer = await askIdentityProvider(metadata.token_endpoint, {
    method: "POST",
    body: form.toString(),
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded", authorization: basic(service, idp) },
  });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_token_refused");
  const tokens = answer.status === 200 ? tokensOf(answer.body, service.now()) : undefined;
  if (tokens === undefined) throw new Rejection("idp_token_refused", { note: `status ${answer.status}` });
  const { accessToken } = tokens;
  const claims = await verifyLoginIdToken(service.providers, idp, tokens.idToken, { nonce: secrets.nonce, accessToken, now: service.now() });
  if (!lacksClaims(idp, claims) || accessToken === undefined || metadata.userinfo_endpoint === undefined) return { claims, tokens };
  return { claims: { ...(await userinfo(metadata.userinfo_endpoint, accessToken, claims.sub)), ...claims }, tokens };
}

async function userinfo(url: string, accessToken: string, sub: string): Promise<JsonObject> {
  const answer = await askIdentityProvider(url, { headers: { accept: "application/json", authorization: `Bearer ${accessToken}` } });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_token_refused", { note: "userinfo" });
  // OpenID Connect Core §5.3.2: another subject's answer must not be used.
  if (answer.status !== 200 || answer.body.sub !== sub) throw new Rejection("idp_subject_differs");
  return answer.body;
}

function basic({ config }: Service, idp: IdentityProvider): string {
  const secret = config.clientSecret(idp.clientSecretName);
  if (secret === undefined) throw new Rejection("unavailable", { note: `no secret ${idp.clientSecretName}` });
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  return `Basic ${btoa(`${encode(idp.clientId)}:${encode(secret)}`)}`;
}

function tokensOf(body: JsonObject, now: number): ProviderTokens | undefined {
  const { id_token, access_token, refresh_token, expires_in } = body;
  if (typeof id_token !== "string") return undefined;
  return {
    idToken: id_token,
    ...(typeof access_token === "string" ? { accessToken: access_token } : {}),
    ...(typeof refresh_token === "string" ? { refreshToken: refresh_token } : {}),
    ...(typeof expires_in === "number" ? { expires: now + expires_in } : {}),
  };
}
