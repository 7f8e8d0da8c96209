import { env } from "cloudflare:workers";
import { importJWK, SignJWT } from "jose";
import { type App, createApp } from "../src/app.ts";
import { createService } from "../src/index.ts";
import { randomId, sha256 } from "../src/protocol/bytes.ts";
import { schemaReader } from "../src/reader/schema-reader.ts";
import { verifier } from "../src/saml/verifier/verify.ts";
import type { Service } from "../src/service.ts";
import type { TenantFile } from "../src/tenants/tenant.ts";
import { demoTenant } from "./demo-tenant.ts";
import { type CorporateIdp, corporateIdps } from "./idp.ts";

/** The issuer of the demo tenant. */
export const ISSUER = "http://localhost:8787";
/** Where the web applications of the demo tenant are called back. */
export const WEB_CALLBACK = "http://localhost:8789/callback";

/** What the Worker is given. In a deployment the reader is a Worker of its own, behind two bindings; here it is the same code without them. */
export const BINDINGS = { ...env, SAML: verifier, SCHEMAS: schemaReader };

/** Settings of a world that differ from the demo's. */
export interface WorldOptions {
  /** Changes the tenant file before it is applied. */
  readonly tenant?: (file: TenantFileInput) => void;
  /** Changes the service before the app is made: a scripted store, another clock. */
  readonly service?: (service: Service) => Service;
  readonly issuer?: string;
}

/** A tenant file before its defaults are filled in. */
export type TenantFileInput = ReturnType<typeof demoTenant>;

/** The tokens of one login. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly expires_in: number;
  readonly scope: string;
}

/** One Cambio with the demo tenant applied, a scripted corporate IdP, and what was printed. */
export interface World {
  readonly app: App;
  readonly service: Service;
  /** The IdP `corp` of the demo tenant. */
  readonly idp: CorporateIdp;
  /** Its IdP `partner`. */
  readonly partner: CorporateIdp;
  /** Every audit line. */
  readonly lines: string[];
  /** Sends a request; waits for the work that follows the response. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Posts a form. `as`: client id and secret for HTTP Basic. */
  post(path: string, form: Record<string, string> | string, as?: readonly [string, string], headers?: Record<string, string>): Promise<Response>;
  /** Applies a tenant file as an operator. */
  apply(file: object, query?: string): Promise<Response>;
}

/** Builds a world. Objects and KV are the real ones of workerd; call `reset()` between tests. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const made: Service = { ...(await createService(BINDINGS)) };
  const service = options.service?.(made) ?? made;
  const lines: string[] = [];
  const app = createApp(service, (line) => void lines.push(line));
  const issuer = options.issuer ?? ISSUER;
  const { corp: idp, partner } = await corporateIdps();

  const send = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const after: Promise<unknown>[] = [];
    const response = await app.fetch(new Request(new URL(url, issuer), { redirect: "manual", ...init }), { after: (work) => void after.push(work) });
    await Promise.all(after);
    return response;
  };
  const apply = async (file: object, query = ""): Promise<Response> => {
    const body = JSON.stringify(file);
    const path = `/api/v1/tenant${query}`;
    return await send(path, { method: "PUT", body, headers: { "content-type": "application/json", authorization: `Bearer ${await operatorToken(issuer, "PUT", path, body)}` } });
  };
  const post: World["post"] = (path, form, as, headers = {}) =>
    send(path, {
      method: "POST",
      body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
      headers: { "content-type": "application/x-www-form-urlencoded", ...(as === undefined ? {} : { authorization: basic(...as) }), ...headers },
    });

  const file = demoTenant(issuer);
  options.tenant?.(file);
  const applied = await apply(file);
  if (applied.status !== 200) throw new Error(`the tenant was not applied: ${await applied.text()}`);
  return { app, service, idp, partner, lines, fetch: send, post, apply };
}

/** An operator's token for one request. */
export async function operatorToken(issuer: string, method: string, path: string, body = "", claims: object = {}): Promise<string> {
  const jwk = JSON.parse((env as unknown as { readonly TEST_OPERATOR_KEY: string }).TEST_OPERATOR_KEY);
  const now = Math.floor(Date.now() / 1000);
  const payload = { iss: "local", aud: `${issuer}/api/v1`, iat: now, exp: now + 60, jti: randomId(), htm: method, htu: path, content_digest: await sha256(body), ...claims };
  return await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "local", typ: "operator+jwt" }).sign(await importJWK(jwk, "ES256"));
}

/** HTTP Basic as RFC 6749 has it. */
export function basic(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  return `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}`;
}

/** A PKCE verifier and its challenge. */
export async function pkce(): Promise<{ readonly verifier: string; readonly challenge: string }> {
  const verifier = randomId(32);
  return { verifier, challenge: await sha256(verifier) };
}

/** The value of a cookie that an answer sets, by the start of its name; with the name, as a request sends it. */
export function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .filter((cookie) => !/Max-Age=0/.test(cookie))
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}

/** The applications of the demo tenant that log users in: id, redirect URI and secret. */
export const APPS = {
  "mobile-app": { redirectUri: "http://127.0.0.1:5000/callback", secret: undefined },
  "web-app": { redirectUri: WEB_CALLBACK, secret: "web-app-secret" },
  "front-end-app": { redirectUri: WEB_CALLBACK, secret: "front-end-app-secret" },
  "travel-agent": { redirectUri: WEB_CALLBACK, secret: "travel-agent-secret" },
} as const;

export type AppId = keyof typeof APPS;

/** What a login is asked for. */
export interface LoginOptions {
  readonly user?: string;
  readonly scope?: string;
  readonly cookie?: string;
  readonly authorize?: Record<string, string>;
  readonly redeem?: Record<string, string>;
}

/** A code that has not been redeemed yet, and what redeems it. */
export interface Arrived {
  readonly code: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly cookie: string;
  readonly location: URL;
}

/** Logs a user in at the corporate IdP and stops at the code. `authorize: { idp: "partner" }` chooses the other one. */
export async function arrive(
  w: World,
  app: AppId,
  { user = "dona.moore", scope = "openid profile email groups", cookie = "", authorize = {} }: LoginOptions = {},
): Promise<Arrived> {
  const { verifier, challenge } = await pkce();
  const { redirectUri } = APPS[app];
  const query = new URLSearchParams({
    response_type: "code",
    client_id: app,
    redirect_uri: redirectUri,
    scope,
    state: "s-1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...authorize,
  });
  const begun = await w.fetch(`/oauth2/authorize?${query}`, { headers: { cookie } });
  let answer = begun;
  let jar = cookie;
  const at = [w.idp, w.partner].find(({ issuer }) => begun.headers.get("location")?.startsWith(issuer));
  if (at !== undefined) {
    jar = cookiesOf(begun);
    answer = await w.fetch(at.login(begun.headers.get("location") ?? "", user), { headers: { cookie: [jar, cookie].filter(Boolean).join("; ") } });
    jar = cookiesOf(answer);
  }
  const location = new URL(answer.headers.get("location") ?? "http://nowhere/");
  return { code: location.searchParams.get("code") ?? "", verifier, redirectUri, cookie: jar, location };
}

/** Redeems a code as the application that it was made for. */
export async function redeem(w: World, app: AppId, arrived: Arrived, extra: Record<string, string> = {}): Promise<Response> {
  const { secret } = APPS[app];
  const form = {
    grant_type: "authorization_code",
    code: arrived.code,
    redirect_uri: arrived.redirectUri,
    code_verifier: arrived.verifier,
    ...(secret === undefined ? { client_id: app } : {}),
    ...extra,
  };
  return await w.post("/oauth2/token", form, secret === undefined ? undefined : [app, secret]);
}

/** Logs a user in and redeems the code. */
export async function login(w: World, app: AppId = "mobile-app", options: LoginOptions = {}): Promise<Tokens & { readonly cookie: string }> {
  const arrived = await arrive(w, app, options);
  const answer = await redeem(w, app, arrived, options.redeem);
  if (answer.status !== 200) throw new Error(`the code was not redeemed: ${await answer.text()} ${w.lines.at(-1)}`);
  return { ...((await answer.json()) as Tokens), cookie: arrived.cookie };
}

/** Presents a refresh token as the application that it belongs to. */
export async function refresh(w: World, app: AppId, token: string, extra: Record<string, string> = {}): Promise<Response> {
  const { secret } = APPS[app];
  return await w.post(
    "/oauth2/token",
    { grant_type: "refresh_token", refresh_token: token, ...(secret === undefined ? { client_id: app } : {}), ...extra },
    secret === undefined ? undefined : [app, secret],
  );
}

/** Exchanges a token as a client of the demo tenant; a public one sends its id alone. */
export async function exchange(
  w: World,
  client: string,
  form: Record<string, string> | readonly (readonly [string, string])[],
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const isPublic = client === "mobile-app";
  const parameters = new URLSearchParams(Array.isArray(form) ? form.map(([name, value]) => [name, value]) : (form as Record<string, string>));
  parameters.set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
  if (isPublic) parameters.set("client_id", client);
  const answer = await w.post("/oauth2/token", parameters.toString(), isPublic ? undefined : [client, `${client}-secret`]);
  return { status: answer.status, body: await answer.json() };
}

/** Introspects a token as a confidential client of the demo tenant. */
export async function introspect(w: World, client: string, token: string, extra: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const answer = await w.post("/oauth2/introspect", { token, ...extra }, [client, `${client}-secret`]);
  if (answer.status !== 200) throw new Error(`introspection answered ${answer.status}: ${await answer.text()}`);
  return await answer.json();
}

/** A text that differs in one character from the one given, whatever that is: never the same, in the same alphabet. */
export function changed(text: string): string {
  const at = text.length - 3;
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
}

/** The payload of a JWT, unverified. */
export function payloadOf(jwt: string): Record<string, unknown> {
  const part = jwt.split(".")[1] ?? "";
  return JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
}

export type { TenantFile };
