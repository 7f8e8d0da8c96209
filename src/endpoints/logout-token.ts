import { tokenPolicyOf } from "../dialects/index.ts";
import { LOGOUT_EVENT } from "../federation/logout-token.ts";
import { randomId } from "../protocol/bytes.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { signJwt } from "../protocol/signature.ts";
import { isOutboundUrl } from "../protocol/uri.ts";
import type { Exchange } from "../service.ts";
import type { Refused } from "../storage/families.ts";
import type { EndedSession } from "../storage/family/ending-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { LoggedIn } from "../storage/users.ts";
import type { Client } from "../tenants/client.ts";
import type { OpaqueToken } from "../tokens/opaque.ts";
import { sessionReference } from "../tokens/session-reference.ts";

const LIFETIME_SECONDS = 120;
const DEADLINE_MILLISECONDS = 5000;
/** How many applications are told at the same time: no more connections than a request may have. */
const AT_ONCE = 6;

/**
 * Tells the applications that took part in sessions that these have ended (OpenID Connect Back-Channel Logout 1.0): a
 * logout token each, after the response, once, five seconds each. One that could not be told is a line in the audit log.
 */
export function tellApplications(exchange: Exchange, participants: readonly LoggedIn[]): void {
  if (participants.length > 0) exchange.after(tellAll(exchange, participants));
}

/** Ends a session that another takes the place of, and tells the applications that took part in it. */
export async function endReplaced(exchange: Exchange, { family, node }: Pick<OpaqueToken, "family" | "node">): Promise<void> {
  tellEnded(exchange, family, await exchange.service.families.endSession(family, node));
}

/** Tells the applications that took part in a session, which has ended or was refused to. */
export function tellEnded(exchange: Exchange, family: FamilyId, ended: EndedSession | Refused): void {
  exchange.service.statuses.forget(family);
  if (ended.ok) {
    tellApplications(
      exchange,
      ended.participants.map((participant) => ({ family, ...participant })),
    );
  }
}

/** What a browser loads to tell the applications that hear of it there (OpenID Connect Front-Channel Logout 1.0 §2). */
export async function logoutFrames({ ring, tenant }: Exchange, participants: readonly LoggedIn[]): Promise<readonly string[]> {
  const frames = participants.map(async ({ client: id, family, session }) => {
    const client = await tenant.client(id);
    if (client === undefined || client.disabled || client.frontchannelLogoutUri === undefined) return [];
    const url = new URL(client.frontchannelLogoutUri);
    if (client.frontchannelLogoutSessionRequired) {
      url.searchParams.set("iss", tenant.issuer);
      url.searchParams.set("sid", (await sessionReference(ring, family, session)) ?? "");
    }
    return [url.href];
  });
  return (await Promise.all(frames)).flat();
}

async function tellAll(exchange: Exchange, participants: readonly LoggedIn[]): Promise<void> {
  for (let start = 0; start < participants.length; start += AT_ONCE) {
    await Promise.all(participants.slice(start, start + AT_ONCE).map((participant) => tell(exchange, participant)));
  }
}

async function tell(exchange: Exchange, participant: LoggedIn): Promise<void> {
  const { tenant, audit } = exchange;
  try {
    const client = await tenant.client(participant.client);
    const url = client?.backchannelLogoutUri;
    if (client === undefined || client.disabled || url === undefined) return;
    if (!isOutboundUrl(url)) throw new Error("address");
    const body = new URLSearchParams({ logout_token: await logoutToken(exchange, client, participant) }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const response = await fetch(url, { method: "POST", body, headers, redirect: "manual", signal: AbortSignal.timeout(DEADLINE_MILLISECONDS) });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`status ${response.status}`);
  } catch (cause) {
    const note = cause instanceof Error && cause.message.startsWith("status") ? cause.message : "unreachable";
    audit.write({ client: participant.client, family: participant.family, alert: "backchannel_logout_failed", note });
  }
}

async function logoutToken({ ring, tenant, service }: Exchange, client: Client, { client: aud, family, session, subject }: LoggedIn): Promise<string> {
  const now = service.now();
  const sid = await sessionReference(ring, family, session);
  const claims = { iss: ring.issuer, aud, sub: subject, sid, iat: now, exp: now + LIFETIME_SECONDS, jti: randomId(), events: { [LOGOUT_EVENT]: {} } };
  return await signJwt(claims, JWT_TYPE.logout, await ring.signingKey(tokenPolicyOf(client, tenant.settings).signingAlgorithm));
}
