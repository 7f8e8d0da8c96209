import { toBase64url } from "../../src/protocol/bytes.ts";
import { arrive, introspect, login, pkce, redeem, refresh, type Tokens, type World } from "../world.ts";
import { begin, comeBack } from "./login-steps.ts";

const WINDOW = 16;
// An opaque token says openly where its record lies; what must stay secret are its last bytes, secret and MAC.
const SECRET_TAIL = 42;

/** Things that must show nowhere but where they belong, and every answer and line that could show them. */
export interface Watch {
  /** The same world, with an eye on every answer. */
  readonly world: World;
  readonly answers: { readonly name: string; readonly status: number; readonly text: string }[];
  /** Adds a secret and gives it back. */
  secret(text: string): string;
  /** Every form of every secret that shows in a text. */
  foundIn(text: string): readonly string[];
}

/** Watches over everything that a world answers. */
export function watch(w: World): Watch {
  const answers: Watch["answers"][number][] = [];
  const secrets = new Set<string>();
  const seen = async (name: string, answer: Response): Promise<Response> => {
    const text = `${JSON.stringify([...answer.headers])}\n${await answer.clone().text()}`;
    answers.push({ name, status: answer.status, text });
    for (const cookie of answer.headers.getSetCookie()) secrets.add(tailOf(cookie.slice(cookie.indexOf("=") + 1, cookie.indexOf(";"))));
    return answer;
  };
  return {
    answers,
    world: {
      ...w,
      fetch: async (url, init) => seen(`${init?.method ?? "GET"} ${url.slice(0, 60)}`, await w.fetch(url, init)),
      post: async (path, form, as, headers) => seen(`POST ${path.slice(0, 60)}`, await w.post(path, form, as, headers)),
      apply: async (file, query) => seen("apply", await w.apply(file, query)),
    },
    secret: (text) => {
      secrets.add(tailOf(text));
      return text;
    },
    foundIn: (text) => [...secrets].filter((secret) => secret !== "" && formsOf(secret).some((form) => text.includes(form))),
  };
}

function tailOf(secret: string): string {
  return secret.startsWith("cambio_") ? secret.slice(-SECRET_TAIL) : secret;
}

// Raw, encoded in the usual ways, backwards, and every piece of sixteen characters.
function formsOf(secret: string): readonly string[] {
  const bytes = new TextEncoder().encode(secret);
  const whole = [secret, btoa(String.fromCharCode(...bytes)), toBase64url(bytes), encodeURIComponent(secret), [...secret].toReversed().join("")];
  const pieces = Array.from({ length: Math.max(0, secret.length - WINDOW + 1) }, (_, at) => secret.slice(at, at + WINDOW));
  return [...whole, ...pieces];
}

/** A login, every grant, every question, every refusal: with a secret in every place that takes one. */
export async function everything({ world: w, secret }: Watch): Promise<void> {
  const canary = () => secret(`canary-${crypto.randomUUID()}`);
  const { verifier } = await pkce();
  for (const known of ["web-app-secret", "billing-worker-secret", "stranger-secret", "corp-client-secret", secret(verifier)]) secret(known);
  const tokens = await grants(w, secret);
  await refusals(w, tokens, canary);
  await oddRequests(w, canary);
  await brokenIdp(w, secret, canary);
  await introspect(w, "web-app", tokens.access_token);
  await w.post("/oauth2/revoke", { token: tokens.refresh_token }, ["web-app", "web-app-secret"]);
  await w.fetch(`/oauth2/logout?id_token_hint=${tokens.id_token}&state=${canary()}`, { headers: { cookie: tokens.cookie } });
}

async function grants(w: World, secret: Watch["secret"]): Promise<Tokens & { readonly cookie: string }> {
  const arrived = await arrive(w, "web-app", { authorize: { state: secret(crypto.randomUUID()), nonce: crypto.randomUUID(), login_hint: secret(`hint-${crypto.randomUUID()}`) } });
  secret(arrived.code);
  secret(arrived.verifier);
  await redeem(w, "web-app", { ...arrived, verifier: secret("v".repeat(20) + crypto.randomUUID()) });
  const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
  await redeem(w, "web-app", arrived);
  for (const token of [tokens.access_token, tokens.id_token, tokens.refresh_token]) secret(token);
  const mobile = await login(w, "mobile-app");
  const opaque = (await (await refresh(w, "mobile-app", secret(mobile.refresh_token), { token_format: "opaque" })).json()) as Tokens;
  secret(opaque.refresh_token);
  await introspect(w, "web-app", secret(opaque.access_token));
  await introspect(w, "stranger", opaque.access_token);
  await w.post("/oauth2/token", "grant_type=client_credentials&client_id=billing-worker&client_secret=billing-worker-secret");
  const again = await login(w, "web-app", { cookie: arrived.cookie });
  for (const token of [again.access_token, again.id_token, again.refresh_token]) secret(token);
  await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${again.access_token}` } });
  await w.post("/oauth2/exchange/corporateidp", { assertion: again.access_token, scope: "openid email" }, ["web-app", "web-app-secret"]);
  return again;
}

async function refusals(w: World, tokens: Tokens, canary: () => string): Promise<void> {
  const web = ["web-app", "web-app-secret"] as const;
  for (const endpoint of ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/exchange/explain", "/oauth2/exchange/corporateidp", "/oauth2/token/list"]) {
    await w.post(endpoint, { grant_type: canary(), token: canary(), subject_token: canary(), assertion: canary(), response_type: "token" }, web);
    await w.post(endpoint, { token: canary() }, ["web-app", canary()]);
    await w.post(endpoint, { token: canary(), client_id: canary(), client_secret: canary() });
    await w.post(endpoint, { token: tokens.access_token }, ["stranger", "stranger-secret"]);
    await w.post(`${endpoint}?client_secret=${canary()}&token=${canary()}`, { client_id: canary() });
    await w.post(`${endpoint}?x=${canary()}`, { token: canary() }, ["stranger", "stranger-secret"]);
    await w.post(endpoint, canary(), web, { "content-type": "text/plain" });
    await w.post(endpoint, `%${canary()}`, web);
  }
  await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token }, ["stranger", "stranger-secret"]);
  await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token }, ["front-end-app", "front-end-app-secret"]);
  await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: `${tokens.refresh_token.slice(0, -8)}AAAAAAAA`, scope: canary() }, web);
  await w.post("/oauth2/token", { grant_type: "authorization_code", code: canary(), redirect_uri: canary(), code_verifier: canary() }, web);
  const exchange = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token_type: "urn:ietf:params:oauth:token-type:access_token" };
  await w.post("/oauth2/token", { ...exchange, subject_token: tokens.access_token, audience: canary() }, web);
  await w.post("/oauth2/token", { ...exchange, subject_token: canary(), actor_token: canary(), actor_token_type: canary() }, web);
  await w.post("/oauth2/token", { ...exchange, subject_token: tokens.id_token }, web);
  await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.refresh_token}` } });
  await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token.slice(0, -8)}AAAAAAAA` } });
  await w.fetch(`/oauth2/userinfo?access_token=${canary()}`);
  await w.fetch("/api/v1/tenant", { headers: { authorization: `Bearer ${tokens.access_token}` } });
  await w.apply({ issuer: "http://localhost:8787", clients: { x: { developmentSecret: canary(), dialect: canary() } } });
}

async function oddRequests(w: World, canary: () => string): Promise<void> {
  const headers = () => {
    const names = ["dpop", "client-cert", "x-client-secret", "x-api-key", "cookie", "referer", "user-agent", "x-forwarded-for", "origin", "x-request-id", "traceparent"];
    return { ...Object.fromEntries(names.map((name) => [name, canary()])), authorization: `Bearer ${canary()}` };
  };
  for (const path of [
    `/${canary()}`,
    `/oauth2/token/${canary()}`,
    `/realms/${canary()}/protocol/openid-connect/token`,
    `/oauth2/callback/${canary()}`,
    `/oauth2/callback/corp`,
    "/oauth2/logout",
    "/saml2/idp/sso",
  ]) {
    const query = ["code", "state", "error", "error_description", "id_token_hint", "sso_token", "redirect_uri", "session_state"].map((name) => `${name}=${canary()}`).join("&");
    await w.fetch(`${path}?${query}`, { headers: headers() });
    await w.fetch(path, { method: "POST", body: canary(), headers: headers() });
    await w.fetch(path, { method: "DELETE", headers: headers() });
  }
  await w.fetch(`https://${crypto.randomUUID()}.example/${canary()}`, { headers: headers() });
  await w.fetch(`/oauth2/authorize?client_id=${canary()}&state=${canary()}`);
  await w.fetch(`/oauth2/authorize?client_id=web-app&redirect_uri=https://evil.example/${canary()}`);
  await w.fetch("/oauth2/token", { method: "POST", body: canary(), headers: headers() });
}

async function brokenIdp(w: World, secret: Watch["secret"], canary: () => string): Promise<void> {
  const answers: (() => Response)[] = [
    () => new Response(`{"access_token":"${canary()}`, { headers: { "content-type": "application/json" } }),
    () => Response.json({ error: canary(), error_description: canary() }, { status: 400 }),
    () => Response.json({ id_token: `${canary()}.x.y`, access_token: canary() }),
    () => new Response(canary(), { headers: { "content-type": "text/html" } }),
    () => {
      throw new TypeError(`connection to ${canary()} refused`);
    },
  ];
  for (const answer of answers) {
    const begun = await begin(w, "web-app");
    secret(begun.asked.get("state") ?? "");
    secret(begun.cookie);
    w.idp.scripts.token = () => answer();
    await comeBack(w, begun);
    delete w.idp.scripts.token;
  }
  const begun = await begin(w, "web-app");
  await comeBack(w, begun, { parameters: { error: canary(), error_description: canary() } });
  await comeBack(w, begun);
}
