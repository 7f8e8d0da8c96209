import { readForm, readQuery } from "../protocol/form.ts";
import { samlHashOf } from "../saml/signature.ts";
import type { LogoutRequest } from "../saml/verified.ts";
import type { Exchange } from "../service.ts";
import { readOpaque } from "../tokens/opaque.ts";
import { currentPlace, done, goOn, type Place } from "./logout.ts";
import { tellEnded } from "./logout-token.ts";
import { samlBack, samlLogout } from "./saml-logout.ts";
import { samlApplication } from "./saml-request.ts";

/** Where SAML applications send the browser of a user who signs out. */
export function samlSloUrl(issuer: string): string {
  return `${new URL(issuer).origin}/saml2/idp/slo`;
}

/**
 * `/saml2/idp/slo`, SAML single logout (SAML profiles §4.4): a signed LogoutRequest of an application ends the login sessions
 * that it took part in, as any logout does; the browser goes back to it with a signed answer. The same again changes nothing.
 * Or the answer to a LogoutRequest of ours: the browser goes on to where it was going.
 */
export async function samlSlo(exchange: Exchange): Promise<Response> {
  const { service, tenant, audit, request } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const back = await samlBack(exchange, form, samlSloUrl(tenant.issuer));
  if (back !== undefined) return back;
  const senderOf = async (entityId: string) => {
    const application = await samlApplication(exchange, entityId);
    const { certificates = [], slo, signature } = application?.saml ?? {};
    return application && { ...application, certificates, slo, hash: samlHashOf(signature) };
  };
  const { from, asked, answer } = await samlLogout(exchange, form, { destination: samlSloUrl(tenant.issuer), senderOf });
  const by = { client: from.clientId, subject: asked.nameId };
  const end = async (place: Place) => ({ place, ended: await service.families.endSession(place.family, place.session, by) });
  const [first, ...others] = (await Promise.all((await placesOf(exchange, asked)).map(end))).filter(({ ended }) => ended.ok);
  for (const { place, ended } of others) tellEnded(exchange, place.family, ended);
  if (first !== undefined) return await goOn(exchange, first.place, first.ended, await answer(true), from.clientId);
  audit.write({ status: 303, reason: "login_required" });
  return await done(await answer(false));
}

// The sessions that it names; else that of the browser, which a post from another site does not bring.
async function placesOf(exchange: Exchange, { sessionIndexes }: LogoutRequest): Promise<readonly Place[]> {
  if (sessionIndexes.length === 0) {
    const current = await currentPlace(exchange);
    return current === undefined ? [] : [current];
  }
  const sessions = await Promise.all(sessionIndexes.map((index) => readOpaque(exchange.ring, "sid", index)));
  return sessions.flatMap((session) => (session === undefined ? [] : [{ family: session.family, session: session.node }]));
}
