import { html } from "hono/html";
import { randomId, sha256 } from "../protocol/bytes.ts";
import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { configurationDeath } from "../tokens/inspect.ts";
import { newSecret, type OpaqueToken, readOpaque } from "../tokens/opaque.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { formActionOf } from "./authorization-response.ts";
import { endReplaced } from "./logout-token.ts";
import { page } from "./page.ts";
import { readSession, sessionCookie } from "./session.ts";

const CONFIRM_SECONDS = 300;
const SESSION_SECONDS = 43_200;

/** What an SSO token opened in this browser. */
export interface Entered {
  readonly session: OpaqueToken;
  /** The `Set-Cookie` of the new session; none where the same user's session goes on. */
  readonly cookie: string | undefined;
}

/**
 * `/saml2/idp/sso`: redeems an SSO token for a session as narrow as the token, once, and sends the browser to an address
 * that the token allows. Another user's session is not replaced without a click.
 */
export async function sso(exchange: Exchange, form: Form): Promise<Response> {
  const confirmed = exchange.request.method === "POST" ? form.require("confirm") : undefined;
  const asked = confirmed === undefined ? { token: form.require("sso_token"), redirectUri: form.require("redirect_uri") } : await afterClick(exchange, confirmed);
  const entered = await enter(exchange, asked.token, asked.redirectUri, confirmed !== undefined);
  if (entered === undefined) return await confirmationPage(exchange, asked);
  exchange.audit.write({ status: 303, issued: "session", family: entered.session.family });
  const headers = { location: asked.redirectUri, "referrer-policy": "no-referrer", "cache-control": "no-store" };
  return new Response(null, { status: 303, headers: { ...headers, ...(entered.cookie === undefined ? {} : { "set-cookie": entered.cookie }) } });
}

/** Redeems an SSO token for a session in this browser. Undefined: another user is logged in here and has to agree first. */
export async function enter(exchange: Exchange, text: string, redirectUri: string, isConfirmed: boolean): Promise<Entered | undefined> {
  const { ring, service, tenant } = exchange;
  const token = await readOpaque(ring, "sso", text);
  if (token === undefined) throw new Rejection("sso_dead", { note: "malformed" });
  const present = await presentUser(exchange);
  const { secret, hash } = await newSecret();
  const lifetime = tenant.settings.tokenPolicy.sessionLifetime ?? SESSION_SECONDS;
  const id = randomId();
  const redeemed = await service.families.redeemSso(token.family, {
    parent: token.parent,
    node: token.node,
    hash: await sha256(token.secret),
    redirectUri,
    session: { id, hash, lifetime },
    isConfirmed,
    ...(present === undefined ? {} : { present: present.sub }),
  });
  if (!redeemed.ok) throw new Rejection(redeemed.reason, redeemed.note === undefined ? {} : { note: redeemed.note });
  exchange.audit.note({ subject: redeemed.principal.sub });
  const death = await configurationDeath(exchange, redeemed.client, redeemed.root);
  if (death !== undefined) throw new Rejection("sso_dead", { note: death });
  if (redeemed.needsClick) return undefined;
  // The same user's own session is no narrower than what the token opened: it goes on.
  if (present !== undefined && present.sub === redeemed.principal.sub) return { session: present.session, cookie: undefined };
  if (present !== undefined) await endReplaced(exchange, present.session);
  const session: OpaqueToken = { kind: "session", keyNumber: ring.tokenKeyNumber(), family: token.family, parent: "", node: id, generation: 0, secret };
  return { session, cookie: await sessionCookie(exchange, { family: token.family, id, secret }, lifetime) };
}

async function presentUser(exchange: Exchange): Promise<{ readonly session: OpaqueToken; readonly sub: string } | undefined> {
  const session = await readSession(exchange);
  if (session === undefined) return undefined;
  const answer = await exchange.service.families.signOn(session.family, { session: session.node, hash: await sha256(session.secret) });
  return answer.ok ? { session, sub: answer.principal.sub } : undefined;
}

interface Asked {
  readonly token: string;
  readonly redirectUri: string;
}

async function confirmationPage(exchange: Exchange, asked: Asked): Promise<Response> {
  const { ring, service } = exchange;
  const session = (await readSession(exchange))?.node;
  const sealed = await seal(ring, "cookie", "sso", JSON.stringify({ ...asked, session, expires: service.now() + CONFIRM_SECONDS }));
  const body = html`<p>You are signed in here as somebody else. Continue only if you have just come from your own app.</p>
    <form method="post" action="/saml2/idp/sso"><input type="hidden" name="confirm" value="${sealed}" /><button>Sign in as the other user</button></form>`;
  return await page("Change the user?", body, { formAction: `'self' ${formActionOf(asked.redirectUri)}` });
}

// The click counts only in the browser, and for the session, that the page was shown to: another site could post it otherwise.
async function afterClick(exchange: Exchange, confirmed: string): Promise<Asked> {
  const { ring, service } = exchange;
  const opened = await unseal(ring, "cookie", "sso", confirmed);
  if (opened === undefined) throw new Rejection("login_state_unknown");
  const { token, redirectUri, session, expires } = JSON.parse(opened) as Asked & { readonly session: string; readonly expires: number };
  if ((await readSession(exchange))?.node !== session) throw new Rejection("login_state_unknown");
  if (service.now() >= expires) throw new Rejection("login_state_expired");
  return { token, redirectUri };
}
