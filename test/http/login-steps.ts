import { sha256 } from "../../src/protocol/bytes.ts";
import { demoTenant } from "../demo-tenant.ts";
import { APPS, type AppId, cookiesOf, pkce, type World, type WorldOptions } from "../world.ts";

/** A login that stands at the corporate IdP's door. */
export interface Begun {
  readonly response: Response;
  /** Our authorization request at the IdP. */
  readonly url: string;
  readonly asked: URLSearchParams;
  /** What the browser keeps. */
  readonly cookie: string;
  readonly verifier: string;
}

/** The query of an authorization request of a demo application; `undefined` leaves a parameter out. */
export async function authorizeQuery(app: AppId, changes: Record<string, string | undefined> = {}): Promise<{ readonly query: string; readonly verifier: string }> {
  const { verifier, challenge } = await pkce();
  const parameters = {
    response_type: "code",
    client_id: app,
    redirect_uri: APPS[app].redirectUri,
    scope: "openid profile email groups",
    state: "s-1",
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...changes,
  };
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { query: new URLSearchParams(given).toString(), verifier };
}

/** Sends an authorization request, by GET. */
export async function authorize(w: World, app: AppId, changes: Record<string, string | undefined> = {}, cookie = ""): Promise<Response> {
  const { query } = await authorizeQuery(app, changes);
  return await w.fetch(`/oauth2/authorize?${query}`, { headers: { cookie } });
}

/** Begins a login and stops before the user does anything at the IdP. */
export async function begin(w: World, app: AppId = "web-app", changes: Record<string, string | undefined> = {}, cookie = ""): Promise<Begun> {
  const { query, verifier } = await authorizeQuery(app, changes);
  const response = await w.fetch(`/oauth2/authorize?${query}`, { headers: { cookie } });
  const url = response.headers.get("location") ?? "";
  const asked = URL.canParse(url) ? new URL(url).searchParams : new URLSearchParams();
  return { response, url, asked, cookie: cookiesOf(response), verifier };
}

/** What a login may do differently on its way back. */
export interface Return {
  readonly user?: string;
  /** Changes what the IdP adds to the callback URL. */
  readonly parameters?: Record<string, string>;
  /** Instead of the browser's own cookies. */
  readonly cookie?: string;
}

/** Comes back from the IdP. */
export async function comeBack(w: World, begun: Begun, { user = "dona.moore", parameters = {}, cookie = begun.cookie }: Return = {}): Promise<Response> {
  return await w.fetch(w.idp.login(begun.url, user, parameters), { headers: { cookie } });
}

/** Begins and comes back in one browser. */
export async function logInAt(w: World, app: AppId = "web-app", changes: Record<string, string | undefined> = {}, back: Return = {}): Promise<Response> {
  return await comeBack(w, await begin(w, app, changes), back);
}

/** The query of the address that an answer sends the browser to. */
export function sentTo(response: Response): URLSearchParams {
  const location = response.headers.get("location") ?? "";
  return URL.canParse(location) ? new URL(location).searchParams : new URLSearchParams();
}

/** The parts of a `Set-Cookie`, by the start of its name. */
export function setCookie(response: Response, start: string): { readonly name: string; readonly value: string; readonly attributes: readonly string[] } | undefined {
  const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith(start));
  if (line === undefined) return undefined;
  const [pair = "", ...attributes] = line.split(/; */);
  return { name: pair.slice(0, pair.indexOf("=")), value: pair.slice(pair.indexOf("=") + 1), attributes };
}

/** The hidden fields of a page's one form, as a browser would send them. */
export function fieldsOf(page: string): Record<string, string> {
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [unescapeHtml(name), unescapeHtml(value)] as const);
  return Object.fromEntries(fields);
}

function unescapeHtml(text: string): string {
  const names: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => names[entity] ?? entity);
}

/** The last audit line. */
export function lastLine(w: World): Record<string, unknown> {
  return JSON.parse(w.lines.at(-1) ?? "{}");
}

/** The reason of the last refusal, as the audit log has it. */
export function lastReason(w: World): unknown {
  return lastLine(w).reason;
}

const HASHES = new Map<string, string>();
for (const client of Object.values(demoTenant().clients)) {
  if ("developmentSecret" in client) HASHES.set(client.developmentSecret, await sha256(client.developmentSecret));
}

/** Options of a world whose issuer is on https, where development secrets are not allowed: the same secrets, hashed. */
export function onHttps(issuer = "https://id.example.com"): WorldOptions {
  return {
    issuer,
    tenant: (file) => {
      for (const client of Object.values(file.clients) as { developmentSecret?: string; secrets?: object[] }[]) {
        if (client.developmentSecret === undefined) continue;
        client.secrets = [{ hash: HASHES.get(client.developmentSecret) ?? "" }];
        delete client.developmentSecret;
      }
    },
  };
}
