import { html } from "hono/html";
import { isClientId } from "../clients/index.ts";
import { type Form, readForm, readQuery } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { Refused } from "../storage/families.ts";
import type { EndedSession } from "../storage/family/ending-ask.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import type { LoggedIn } from "../storage/users.ts";
import { isUnreadable, readOwnJwt } from "../tokens/read.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { byApplications } from "./application-logout.ts";
import type { Destination } from "./logout-return.ts";
import { logoutFrames, tellApplications } from "./logout-token.ts";
import { page } from "./page.ts";
import { providerLogout, returned } from "./provider-logout.ts";
import { noSessionCookie, readSession } from "./session.ts";

const RETURN_SECONDS = 600;
/** How long the page with the frames stands before it goes on. */
const FRAMES_SECONDS = 2;

/** A login session. */
export interface Place {
  readonly family: FamilyId;
  readonly session: NodeId;
}

interface Leaving {
  /** A `Set-Cookie`. */
  readonly cookie?: string | undefined;
  /** The application that has ended the session: the browser came from there. */
  readonly by?: string | undefined;
}

/**
 * `/oauth2/logout`, OpenID Connect RP-Initiated Logout: ends the login session by a valid `id_token_hint`, or by a click;
 * goes on to the IdP where its record says so; then back to a registered address.
 */
export async function logout(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const back = await returned(exchange, form.get("state"));
  if (back !== undefined) return await done(back);
  const confirmed = request.method === "POST" ? form.get("confirm") : undefined;
  if (confirmed !== undefined) return await afterClick(exchange, confirmed);
  const hint = await readHint(exchange, form);
  const destination = await destinationOf(exchange, form, hint?.client);
  const place = (await currentPlace(exchange)) ?? hint?.place;
  if (place === undefined) return await done(destination);
  // Without a hint for this very session anyone could have sent the browser here: the user decides.
  return isSame(hint?.place, place) ? await end(exchange, place, destination) : await confirmationPage(exchange, place, destination);
}

/** The session of the browser's cookie. */
export async function currentPlace(exchange: Exchange): Promise<Place | undefined> {
  const current = await readSession(exchange);
  return current === undefined ? undefined : { family: current.family, session: current.node };
}

function isSame(one: Place | undefined, other: Place): boolean {
  return one !== undefined && one.family === other.family && one.session === other.session;
}

async function readHint(exchange: Exchange, form: Form): Promise<{ readonly client: string; readonly place: Place | undefined } | undefined> {
  const text = form.get("id_token_hint");
  if (text === undefined) return undefined;
  const token = await readOwnJwt(exchange.ring, text);
  const clientId = form.get("client_id");
  if (isUnreadable(token) || token.kind !== "id_token") throw new Rejection("logout_hint_invalid");
  if (clientId !== undefined && clientId !== token.client) throw new Rejection("logout_hint_invalid");
  const { family, sid } = token.lineage;
  return { client: token.client, place: sid === undefined ? undefined : { family, session: sid } };
}

async function destinationOf({ tenant }: Exchange, form: Form, hinted: string | undefined): Promise<Destination> {
  const redirectUri = form.get("post_logout_redirect_uri");
  if (redirectUri === undefined) return { redirectUri, state: undefined };
  const clientId = hinted ?? form.get("client_id") ?? "";
  const client = isClientId(clientId) ? await tenant.client(clientId) : undefined;
  if (client === undefined || client.disabled || !client.postLogoutRedirectUris.includes(redirectUri)) throw new Rejection("logout_redirect_unregistered");
  return { redirectUri, state: form.get("state") };
}

async function end(exchange: Exchange, place: Place, destination: Destination): Promise<Response> {
  return await goOn(exchange, place, await exchange.service.families.endSession(place.family, place.session), destination);
}

/** What follows when a session has ended: applications are told, and the browser goes on, by the IdP where its record says so. `by`: the application that has ended it. */
export async function goOn(exchange: Exchange, place: Place, ended: EndedSession | Refused, destination: Destination, by?: string): Promise<Response> {
  const { service, audit } = exchange;
  service.statuses.forget(place.family);
  // The session has ended, whatever becomes of the one at the IdP.
  const onward = ended.ok ? await providerLogout(exchange, place.family, ended, destination).catch(() => void audit.note({ note: "idp_logout_failed" })) : undefined;
  const participants = ended.ok ? ended.participants.map((participant) => ({ family: place.family, ...participant })) : [];
  // A hint may come without the browser's cookie, from another site: then the cookie may be that of another session.
  const cookie = isSame(await currentPlace(exchange), place) ? noSessionCookie(exchange) : undefined;
  const response = await leave(exchange, participants, onward === undefined ? destination : { redirectUri: onward.redirectUri, state: undefined }, { cookie, by });
  if (onward?.cookie !== undefined) response.headers.append("set-cookie", onward.cookie);
  audit.write({ status: 303, family: place.family, issued: "logout" });
  return response;
}

/** Applications are told that their sessions have ended, some of them by the browser before it goes on. */
export async function leave(exchange: Exchange, participants: readonly LoggedIn[], next: Destination, { cookie, by }: Leaving = {}): Promise<Response> {
  tellApplications(exchange, participants);
  // Of another browser's session this one has nothing at an application.
  const here = (await currentPlace(exchange))?.family;
  const way = await byApplications(
    exchange,
    participants.filter(({ client, family }) => client !== by && family === here),
    next,
  );
  const frames = await logoutFrames(exchange, participants);
  const response = frames.length === 0 ? await done(way.destination, cookie) : await framesPage(frames, way.destination, cookie);
  for (const one of way.cookies) response.headers.append("set-cookie", one);
  return response;
}

async function confirmationPage({ ring, service, tenant }: Exchange, place: Place, destination: Destination): Promise<Response> {
  const sealed = await seal(ring, "cookie", "logout", JSON.stringify({ place, destination, expires: service.now() + RETURN_SECONDS }));
  const body = html`<p>This ends your session at ${tenant.settings.displayName ?? tenant.issuer}, and with it what your applications were given for it.</p>
    <form method="post" action="/oauth2/logout"><input type="hidden" name="confirm" value="${sealed}" /><button>Sign out</button></form>`;
  return await page("Sign out?", body, { formAction: "'self' http: https:" });
}

async function afterClick(exchange: Exchange, confirmed: string): Promise<Response> {
  const opened = await unseal(exchange.ring, "cookie", "logout", confirmed);
  if (opened === undefined) throw new Rejection("logout_unknown");
  const { place, destination, expires } = JSON.parse(opened) as { readonly place: Place; readonly destination: Destination; readonly expires: number };
  // The click counts only in the browser, and for the session, that it was asked in.
  if (exchange.service.now() >= expires || !isSame(await currentPlace(exchange), place)) throw new Rejection("logout_unknown");
  return await end(exchange, place, destination);
}

/** The browser goes on, or a page says that all is done. */
export async function done(destination: Destination, cookie?: string): Promise<Response> {
  const headers = { ...cookieHeader(cookie), "referrer-policy": "no-referrer", "cache-control": "no-store" };
  const location = addressOf(destination);
  if (location === undefined) return await page("You are signed out", html`<p>You can close this page.</p>`, { headers });
  return new Response(null, { status: 303, headers: { ...headers, location } });
}

// The applications that want to hear of it in the browser are loaded in frames; then it goes on by itself, without a script.
async function framesPage(frames: readonly string[], destination: Destination, cookie: string | undefined): Promise<Response> {
  const location = addressOf(destination);
  const headers = { ...cookieHeader(cookie), ...(location === undefined ? {} : { refresh: `${FRAMES_SECONDS}; url=${location}` }) };
  const body = html`<p>${location === undefined ? "You can close this page." : html`<a href="${location}">Continue</a>`}</p>
    ${frames.map((url) => html`<iframe src="${url}" title="Signing out" hidden></iframe>`)}`;
  return await page("You are signed out", body, { headers, frames: [...new Set(frames.map((url) => new URL(url).origin))].join(" ") });
}

function cookieHeader(cookie: string | undefined): Record<string, string> {
  return cookie === undefined ? {} : { "set-cookie": cookie };
}

function addressOf({ redirectUri, state }: Destination): string | undefined {
  return redirectUri === undefined || state === undefined ? redirectUri : `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${new URLSearchParams({ state })}`;
}
