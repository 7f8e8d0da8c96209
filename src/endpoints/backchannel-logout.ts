import { verifyLogoutToken } from "../federation/logout-token.ts";
import { subjectOf } from "../federation/principal.ts";
import { readForm } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { tellApplications } from "./logout-token.ts";
import { empty } from "./response.ts";

/**
 * `POST /oauth2/backchannel-logout/{idp}`: a corporate IdP says that sessions have ended (OpenID Connect Back-Channel Logout
 * 1.0 §2.5). With `sid`, the logins that came of that session; with `sub` alone, all of that user's. 200 once all have ended,
 * with whatever was exchanged from them and is not independent of the session; 503 while they have not, and it goes on.
 */
export async function backchannelLogout(exchange: Exchange, alias: string): Promise<Response> {
  const { request, tenant, service, audit } = exchange;
  const text = (await readForm(request)).require("logout_token");
  const idp = /^[a-z0-9-]{1,32}$/.test(alias) ? await tenant.identityProvider(alias) : undefined;
  if (idp === undefined) throw new Rejection("logout_token_invalid", { note: "idp" });
  audit.note({ idp: alias });
  // An IdP that is switched off may still end what it began.
  const { jti, expires, sub: theirs, sid } = await verifyLogoutToken(service.providers, idp, text, service.now());
  const sub = theirs === undefined ? undefined : await subjectOf(tenant.subjectKey, alias, theirs);
  if (sub !== undefined) audit.note({ subject: sub });
  const place = { tenant: tenant.issuer, jurisdiction: tenant.settings.jurisdiction };
  const of = sid === undefined ? { ...place, sub: sub ?? "" } : { ...place, idp: alias, sid };
  const { isFirst, participants } = await service.users.endSessions(of, { id: JSON.stringify([alias, jti]), expires, ...(sub === undefined ? {} : { sub }) });
  if (!isFirst) throw new Rejection("logout_token_used");
  for (const { family } of participants) service.statuses.forget(family);
  tellApplications(exchange, participants);
  audit.write({ status: 200, issued: sid === undefined ? "logout of a user" : "logout of a session" });
  return empty();
}
