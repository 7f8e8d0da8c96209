import { subjectOf } from "../federation/principal.ts";
import { readForm, readQuery } from "../protocol/form.ts";
import type { Exchange } from "../service.ts";
import { leave } from "./logout.ts";
import { samlBack, samlLogout } from "./saml-logout.ts";
import { WINDOW_SECONDS } from "./saml-request.ts";

/** Where corporate SAML IdPs send the browser of a user who signs out there. */
export function samlSpSloUrl(issuer: string): string {
  return `${new URL(issuer).origin}/saml2/sp/slo`;
}

/**
 * `/saml2/sp/slo`, SAML single logout (SAML profiles §4.4): a signed LogoutRequest of a corporate IdP ends the logins of the
 * user that came of its sessions, or all where it names none; the browser goes back with a signed answer once they have ended.
 * Or the answer to a LogoutRequest of ours: the browser goes on to where it was going.
 */
export async function samlSpSlo(exchange: Exchange): Promise<Response> {
  const { service, tenant, audit, request } = exchange;
  const form = request.method === "POST" ? await readForm(request) : readQuery(request.url);
  const back = await samlBack(exchange, form, samlSpSloUrl(tenant.issuer));
  if (back !== undefined) return back;
  const senderOf = async (entityId: string) => {
    const alias = (await tenant.asserter(entityId)) ?? "";
    // An IdP that is switched off may still end what it began.
    const idp = await tenant.samlIdentityProvider(alias);
    return idp && { alias, certificates: idp.certificates, slo: idp.slo, hash: "SHA-256" as const };
  };
  const { from, asked, answer } = await samlLogout(exchange, form, { destination: samlSpSloUrl(tenant.issuer), senderOf });
  const { alias: idp } = from;
  const sub = await subjectOf(tenant.subjectKey, idp, asked.nameId);
  audit.note({ idp, subject: sub });
  const place = { tenant: tenant.issuer, jurisdiction: tenant.settings.jurisdiction };
  const sessions = asked.sessionIndexes.length === 0 ? [{ ...place, sub }] : asked.sessionIndexes.map((sid) => ({ ...place, idp, sid }));
  const logout = { id: JSON.stringify([idp, asked.id]), expires: asked.issued + WINDOW_SECONDS + 1, sub };
  const participants = (await Promise.all(sessions.map((of) => service.users.endSessions(of, logout)))).flatMap((ended) => ended.participants);
  for (const { family } of participants) service.statuses.forget(family);
  const response = await leave(exchange, participants, await answer(true));
  audit.write({ status: 303, issued: asked.sessionIndexes.length === 0 ? "logout of a user" : "logout of a session" });
  return response;
}
