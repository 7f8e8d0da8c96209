import { Rejection } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { LoggedIn } from "../../storage/users.ts";
import { readOpaque } from "../../tokens/opaque.ts";
import { tellApplications } from "../logout-token.ts";
import { json } from "../response.ts";
import { problemsAnswer, readJson } from "./body.ts";
import { operatorOnly } from "./operator-only.ts";

/**
 * `POST /api/v1/users/{id}/revoke`: everything of a user is dead, what is independent of sessions included; or only one
 * client's grants, or one session. 200 when every family has answered, else 503, and it goes on. Operators only.
 */
export async function revokeUser(exchange: Exchange, id: string): Promise<Response> {
  const { service, tenant, audit } = exchange;
  const { body } = await operatorOnly(exchange);
  // An id that nobody has had yet may be revoked: whoever logs in with it was there before, or is not.
  if (!/^[A-Za-z0-9_-]{22}$/.test(id)) throw new Rejection("user_unknown");
  const asked = await readJson(exchange, body, "userRevocation");
  if (!asked.ok) return problemsAnswer(audit, asked.problems);
  const { client, session } = asked.value;
  audit.note({ subject: id, ...(client === undefined ? {} : { client }) });
  const user = { tenant: tenant.issuer, jurisdiction: tenant.settings.jurisdiction, sub: id };
  if (client !== undefined) await service.users.revokeClient(user, client);
  const participants = client !== undefined ? [] : session !== undefined ? await endSession(exchange, id, session) : await service.users.revoke(user);
  for (const { family } of participants) service.statuses.forget(family);
  tellApplications(exchange, participants);
  const revoked = client !== undefined ? "client" : session !== undefined ? "session" : "everything";
  audit.write({ status: 200, issued: `revocation of ${revoked}` });
  return json({ user: id, revoked });
}

// A session of this user at this tenant; any other is none.
async function endSession({ service, ring, audit }: Exchange, user: string, sid: string): Promise<readonly LoggedIn[]> {
  const place = await readOpaque(ring, "sid", sid);
  const trace = place === undefined ? undefined : await service.families.trace(place.family);
  if (place === undefined || trace === undefined || !trace.ok || trace.principal?.sub !== user) throw new Rejection("session_unknown");
  audit.note({ family: place.family });
  const ended = await service.families.endSession(place.family, place.node);
  if (!ended.ok) throw new Rejection("session_unknown");
  return ended.participants.map((participant) => ({ family: place.family, ...participant }));
}
