import { html } from "hono/html";
import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { Client } from "../tenants/client.ts";
import type { SamlIdentityProvider } from "../tenants/saml-identity-provider.ts";
import { seal, unseal } from "../tokens/seal.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { page } from "./page.ts";

const CHOICE_SECONDS = 600;

/** An IdP that the user may choose. */
export interface Offer {
  readonly alias: string;
  readonly name: string;
}

/**
 * Where a login goes. The parameter `idp` decides; else the domain of an e-mail address in `login_hint`; else the user does,
 * where more than one IdP is offered; else the application's or the tenant's default. Undefined: there is none.
 */
export async function identityProviderOf({ tenant }: Exchange, request: AuthorizationRequest, client: Client): Promise<string | readonly Offer[] | undefined> {
  const { idps, loginHint, idp: otherwise } = request;
  if (idps?.length === 1) return idps[0];
  const offered = (client.offeredIdentityProviders ?? tenant.settings.offeredIdentityProviders ?? []).filter((alias) => idps?.includes(alias) !== false);
  const domain = domainOf(loginHint);
  const offers: Offer[] = [];
  for (const alias of new Set([...offered, ...(idps ?? []), ...(otherwise === undefined ? [] : [otherwise])])) {
    const idp = (await tenant.identityProvider(alias)) ?? (await samlIdentityProvider(tenant, alias));
    if (idp === undefined || idp.disabled) continue;
    if (domain !== undefined && idp.emailDomains?.includes(domain) === true) return alias;
    if (offered.includes(alias)) offers.push({ alias, name: idp.displayName ?? alias });
  }
  return offers.length > 1 ? offers : (offers[0]?.alias ?? otherwise);
}

/** Lets the user choose: one plain form with a button for each IdP, which brings the sealed request back. */
export async function choicePage({ ring, service }: Exchange, request: AuthorizationRequest, client: Client, offers: readonly Offer[]): Promise<Response> {
  const choice: Choice = { request, aliases: offers.map(({ alias }) => alias), expires: service.now() + CHOICE_SECONDS };
  const sealed = await seal(ring, "cookie", "choice", JSON.stringify(choice));
  const body = html`<p id="question">Where do you have your account?</p>
    <form method="post" action="/oauth2/authorize" aria-labelledby="question">
      <input type="hidden" name="choice" value="${sealed}" />${offers.map(({ alias, name }) => html`<p><button name="idp" value="${alias}">${name}</button></p>`)}
    </form>`;
  const application = client.displayName ?? request.clientId;
  return await page(`Sign in to ${application}`, body, { formAction: "'self' http: https:" });
}

/** What the user chose, with the request that it is for. Throws when the page is old, or the choice was not on it. */
export async function readChoice({ ring, service }: Exchange, form: Form, sealed: string): Promise<{ readonly request: AuthorizationRequest; readonly alias: string }> {
  const opened = await unseal(ring, "cookie", "choice", sealed);
  if (opened === undefined) throw new Rejection("login_state_unknown");
  // We sealed it, so it has the shape that we gave it.
  const { request, aliases, expires } = JSON.parse(opened) as Choice;
  if (service.now() >= expires) throw new Rejection("login_state_expired");
  const alias = form.require("idp");
  if (!aliases.includes(alias)) throw new Rejection("login_idp_differs");
  return { request, alias };
}

interface Choice {
  readonly request: AuthorizationRequest;
  readonly aliases: readonly string[];
  /** Seconds. */
  readonly expires: number;
}

// One that nobody is sent to, as its assertions come by other ways, is no choice.
async function samlIdentityProvider(tenant: Exchange["tenant"], alias: string): Promise<SamlIdentityProvider | undefined> {
  const idp = await tenant.samlIdentityProvider(alias);
  return idp?.ssoUrl === undefined ? undefined : idp;
}

function domainOf(loginHint: string | undefined): string | undefined {
  const at = loginHint?.lastIndexOf("@") ?? -1;
  return at < 1 ? undefined : loginHint?.slice(at + 1).toLowerCase();
}
