import { html } from "hono/html";
import { tokenPolicyOf } from "../dialects/index.ts";
import { issuingFor, newGrantId } from "../grants/issuing.ts";
import { randomId, sha256 } from "../protocol/bytes.ts";
import type { Form } from "../protocol/form.ts";
import { SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { signedResponse } from "../saml/assertion.ts";
import type { ClientRequest, Exchange } from "../service.ts";
import type { Client } from "../tenants/client.ts";
import { defaultIdentityProvider } from "../tenants/defaults.ts";
import { ISSUED_TOKEN_TYPES } from "../tokens/index.ts";
import { configurationDeath } from "../tokens/inspect.ts";
import { readOpaque } from "../tokens/opaque.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { samlSsoUrl } from "./authorization-request.ts";
import { formActionOf } from "./authorization-response.ts";
import { answering, proceed } from "./authorize.ts";
import { page, submitAtOnce } from "./page.ts";
import { relayStateOf, samlApplication, samlRequest, WINDOW_SECONDS } from "./saml-request.ts";
import { readSession } from "./session.ts";

/** What an application asked for, sealed while the user logs in. */
interface Asked {
  readonly clientId: string;
  readonly acs: string;
  readonly inResponseTo: string;
  readonly relayState: string | undefined;
  /** Of the code that comes back to us. */
  readonly verifier: string;
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
  readonly expires: number;
}

/**
 * Cambio as a SAML identity provider (SAML profiles §4.1): an AuthnRequest becomes an authorization request to ourselves, so
 * that sessions, logins and clicks are decided in one place; the code that comes back is redeemed here for an assertion.
 */
export async function samlSso(exchange: Exchange, form: Form): Promise<Response> {
  const state = form.get("state");
  if (state !== undefined) return await respond(exchange, form, await open(exchange, state));
  const sealed = form.get("asked");
  const isPost = exchange.request.method === "POST";
  const asked = sealed === undefined ? await readRequest(exchange, form) : await open(exchange, sealed);
  // A post from another site brings no cookie: the browser comes again, by itself, and then it does.
  if (isPost) return redirect(`${samlSsoUrl(exchange.tenant.issuer)}?${new URLSearchParams({ asked: await sealAsked(exchange, asked) })}`);
  return await begin(exchange, asked);
}

async function readRequest(exchange: Exchange, form: Form): Promise<Asked> {
  const { service, tenant } = exchange;
  const senderOf = async (entityId: string) => {
    const application = await samlApplication(exchange, entityId);
    const { requestsSigned = false, certificates = [] } = application?.saml ?? {};
    return application && { ...application, certificates: requestsSigned ? certificates : undefined };
  };
  const { from, request } = await samlRequest(exchange, form, { read: service.saml.authnRequest, destination: samlSsoUrl(tenant.issuer), senderOf });
  const { clientId, saml } = from;
  const { id, acs = saml.acs[0] ?? "", forceAuthn, isPassive } = request;
  // Compared as bytes with what is registered, and sent nowhere else.
  if (!saml.acs.includes(acs)) throw new Rejection("saml_request_refused", { note: "acs" });
  const rest = { relayState: relayStateOf(form), verifier: randomId(32), forceAuthn, isPassive, expires: service.now() + WINDOW_SECONDS };
  return { clientId, acs, inResponseTo: id, ...rest };
}

async function begin(exchange: Exchange, asked: Asked): Promise<Response> {
  const { tenant } = exchange;
  const client = await applicationOf(exchange, asked);
  const request = {
    ...{ clientId: asked.clientId, redirectUri: samlSsoUrl(tenant.issuer), responseMode: "query" as const, state: await sealAsked(exchange, asked) },
    scope: client.scopes.filter((scope) => scope !== SCOPE.offlineAccess),
    challenge: await sha256(asked.verifier),
    prompt: asked.isPassive ? ("none" as const) : asked.forceAuthn ? ("login" as const) : undefined,
    // SAML core §3.4.1: both together ask for a new login that nobody sees, and no session is one.
    maxAge: asked.isPassive && asked.forceAuthn ? 0 : undefined,
    ...{ jkt: undefined, nonce: undefined, loginHint: undefined },
    idp: defaultIdentityProvider(client, tenant.settings),
    idps: client.identityProviders,
  };
  return await answering(exchange, request, async () => await proceed(exchange, request, client));
}

// The code has come back in the browser that holds the session it was made for; another's is refused.
async function respond(exchange: Exchange, form: Form, asked: Asked): Promise<Response> {
  const { ring, service, audit } = exchange;
  const client = await applicationOf(exchange, asked);
  audit.note({ client: asked.clientId });
  const saml = { acs: asked.acs, inResponseTo: asked.inResponseTo };
  if (form.get("error") !== undefined) {
    const key = await ring.samlKey("SHA-256");
    const facts = { issuer: ring.issuer, now: service.now(), recipient: asked.acs, inResponseTo: asked.inResponseTo };
    audit.write({ status: 200, reason: "login_required" });
    return await post(asked, new TextEncoder().encode(await signedResponse(undefined, `_${randomId()}`, facts, key)).toBase64());
  }
  const code = await readOpaque(ring, "code", form.require("code"));
  const session = await readSession(exchange);
  if (code === undefined || session?.family !== code.family) throw new Rejection("saml_request_unknown", { note: "another session" });
  const request: ClientRequest = { ...exchange, form, clientId: asked.clientId, client };
  const issuing = { ...issuingFor(request, code.family), saml };
  const prepared = await ISSUED_TOKEN_TYPES.saml2_response.prepare(issuing, false);
  const granted = await service.families.redeem(code.family, {
    code: code.node,
    hash: await sha256(code.secret),
    client: asked.clientId,
    redirectUri: samlSsoUrl(ring.issuer),
    challenge: await sha256(asked.verifier),
    grant: newGrantId(),
    leaves: [prepared.leaf],
    identifier: client.subjectNameIdentifier,
    exchangePeriod: tokenPolicyOf(client, exchange.tenant.settings).maxExchangePeriod,
  });
  if (!granted.ok) throw new Rejection(granted.reason);
  const death = await configurationDeath(exchange, asked.clientId, granted.root);
  if (death !== undefined) throw new Rejection("code_family_dead", { note: death });
  const response = await prepared.mint(granted, issuing);
  audit.write({ status: 200, issued: "saml2", family: code.family });
  return await post(asked, response);
}

async function applicationOf({ tenant }: Exchange, { clientId, acs }: Asked): Promise<Client> {
  const client = await tenant.client(clientId);
  if (client === undefined || client.disabled || client.saml?.acs.includes(acs) !== true) throw new Rejection("saml_request_refused", { note: "application" });
  return client;
}

function post({ acs, relayState }: Asked, response: string): Promise<Response> {
  const relay = relayState === undefined ? "" : html`<input type="hidden" name="RelayState" value="${relayState}" />`;
  const body = html`<form method="post" action="${acs}"><input type="hidden" name="SAMLResponse" value="${response}" />${relay}<p>This page goes on by itself. If it does not, press the button.</p><button>Continue</button></form>${submitAtOnce}`;
  return page("Continue to the application", body, { formAction: formActionOf(acs) });
}

async function sealAsked({ ring }: Exchange, asked: Asked): Promise<string> {
  return await seal(ring, "cookie", "saml", JSON.stringify(asked));
}

async function open({ ring, service }: Exchange, sealed: string): Promise<Asked> {
  const text = await unseal(ring, "cookie", "saml", sealed);
  const asked = text === undefined ? undefined : (JSON.parse(text) as Asked);
  if (asked === undefined || service.now() >= asked.expires) throw new Rejection("saml_request_unknown");
  return asked;
}

function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" } });
}
