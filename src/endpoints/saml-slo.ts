import { readForm, readQuery } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import { logoutResponseUrl } from "../saml/logout.ts";
import type { LogoutRequest } from "../saml/verified.ts";
import type { Exchange } from "../service.ts";
import { readOpaque } from "../tokens/opaque.ts";
import { currentPlace, done, goOn, type Place } from "./logout.ts";
import { relayStateOf, samlRequest } from "./saml-request.ts";

/** Where SAML applications send the browser of a user who signs out. */
export function samlSloUrl(issuer: string): string {
  return `${new URL(issuer).origin}/saml2/idp/slo`;
}

/**
 * `/saml2/idp/slo`, SAML single logout (SAML profiles §4.4): a signed LogoutRequest of an application ends the login session
 * that it took part in, as any logout does; the browser goes back to it with a signed answer. The same again changes nothing.
 */
export async function samlSlo(exchange: Exchange): Promise<Response> {
  const { request, service, tenant, ring, audit } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const relayState = relayStateOf(form);
  const { clientId, saml, request: asked } = await samlRequest(exchange, form, { read: service.saml.logoutRequest, destination: samlSloUrl(tenant.issuer), isSigned: () => true });
  const now = service.now();
  if (saml.slo === undefined) throw new Rejection("saml_request_refused", { note: "no slo" });
  if (now >= (asked.notOnOrAfter ?? now + 1)) throw new Rejection("saml_request_refused", { note: "expired" });
  const key = await ring.samlKey(saml.signature === "RSA-SHA512" ? "SHA-512" : "SHA-256");
  const facts = { issuer: tenant.issuer, destination: saml.slo.responseLocation ?? saml.slo.location, now };
  const answer = async (ended: boolean) => ({ redirectUri: await logoutResponseUrl(facts, { inResponseTo: asked.id, ended, relayState }, key), state: undefined });
  const place = await placeOf(exchange, asked);
  const ended = place && (await service.families.endSession(place.family, place.session, { client: clientId, subject: asked.nameId }));
  if (place !== undefined && ended?.ok === true) return await goOn(exchange, place, ended, await answer(true));
  audit.write({ status: 303, reason: "login_required" });
  return await done(await answer(false));
}

// The session that it names; else that of the browser, which a post from another site does not bring.
async function placeOf(exchange: Exchange, { sessionIndex }: LogoutRequest): Promise<Place | undefined> {
  if (sessionIndex === undefined) return await currentPlace(exchange);
  const session = await readOpaque(exchange.ring, "sid", sessionIndex);
  return session === undefined ? undefined : { family: session.family, session: session.node };
}
