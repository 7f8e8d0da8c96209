import { html } from "hono/html";
import { nodeOf } from "../federation/external-token.ts";
import { subjectOf } from "../federation/principal.ts";
import { samlPrincipal } from "../federation/saml-principal.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import { type Form, readForm } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { VerifiedAssertion } from "../saml/verified.ts";
import type { Exchange } from "../service.ts";
import type { SamlIdentityProvider } from "../tenants/saml-identity-provider.ts";
import { arrive } from "./arrival.ts";
import { applicationNow } from "./authorization-request.ts";
import { answering } from "./authorize.ts";
import { type LoginState, noLoginStateCookie, takeLoginState } from "./login-state.ts";
import { page, submitAtOnce } from "./page.ts";
import { requestIdOf, samlAcsUrl } from "./saml-login.ts";

/**
 * `/saml2/sp/acs`: a corporate SAML IdP posts its Response (SAML profiles §4.1.4). Only one that answers a request of ours,
 * in the browser that it was made in: what nobody asked for is refused.
 */
export async function samlAcs(exchange: Exchange): Promise<Response> {
  const { tenant, request } = exchange;
  const form = await readForm(request);
  // A post from another site brings no cookie: the same, posted by a page of ours, does.
  if (form.get("again") === undefined) return await againPage(form);
  const [alias = "", state = ""] = form.require("RelayState").split(".");
  const login = await takeLoginState(exchange, state, alias);
  exchange.audit.note({ idp: alias, client: login.request.clientId });
  const client = await applicationNow(exchange, login.request);
  const response = await answering(exchange, login.request, async () => {
    const idp = await tenant.samlIdentityProvider(alias);
    if (idp === undefined || idp.disabled) throw new Rejection("idp_disabled");
    const assertion = await assertionOf(exchange, form.require("SAMLResponse"), idp, login);
    const principal = samlPrincipal(await subjectOf(tenant.subjectKey, alias, assertion.nameId), alias, idp, assertion);
    // Kept where the IdP may ask for a logout.
    const sid = idp.slo && assertion.sessionIndex;
    const samlSession = idp.logout ? assertion : undefined;
    return await arrive(exchange, { login, client, principal, authTime: assertion.authnInstant, sid, samlSession, ends: assertion.sessionNotOnOrAfter });
  });
  response.headers.append("set-cookie", await noLoginStateCookie(exchange, login));
  return response;
}

async function assertionOf({ service, tenant }: Exchange, text: string, idp: SamlIdentityProvider, login: LoginState): Promise<VerifiedAssertion> {
  const refused = (note: string) => new Rejection("idp_response_invalid", { note });
  const document = fromBase64(text);
  if (document === undefined) throw refused("base64");
  const [acs, inResponseTo] = [samlAcsUrl(tenant.issuer), requestIdOf(login.secrets)];
  const expected = { audience: tenant.issuer, recipient: acs, now: service.now(), inResponseTo };
  const verified = await service.saml.verify(document, "response", idp.certificates, expected);
  if (!verified.ok) throw refused(`${verified.fault}: ${verified.note}`);
  const { assertion, response = {}, until = 0 } = verified;
  if (assertion.issuer !== idp.entityId) throw refused("issuer");
  if ((response.destination ?? acs) !== acs) throw refused("destination");
  if ((response.inResponseTo ?? inResponseTo) !== inResponseTo) throw refused("in response to");
  // The same name of it as where it is a grant: it is used once in all.
  const once = await service.singleUse.use({ tenant: tenant.issuer, issuer: login.idp, kind: "saml_assertion" }, await nodeOf(assertion.id, false), until);
  if (!once) throw refused("used");
  return assertion;
}

function againPage(form: Form): Promise<Response> {
  const fields = ["SAMLResponse", "RelayState"].map((name) => html`<input type="hidden" name="${name}" value="${form.require(name)}" />`);
  const body = html`<form method="post" action="/saml2/sp/acs">${fields}<input type="hidden" name="again" value="1" /><p>This page goes on by itself. If it does not, press the button.</p><button>Continue</button></form>${submitAtOnce}`;
  return page("Signing in", body);
}
