import type { Refused } from "../families.ts";
import type { NodeId } from "../lineage.ts";
import { deathOf, statusOf } from "./liveness.ts";
import type { BeginProviderRefresh, EndProviderRefresh, ProviderRefreshTurn, ProviderTokensStatus } from "./provider-tokens-ask.ts";
import type { FamilyRows, SessionRow } from "./rows.ts";
import type { StatusQuery } from "./status-ask.ts";

// Longer than a Worker asks an IdP for an answer, its keys included, and then tells us: five seconds each, and eight.
const LEASE_SECONDS = 20;

/** Answers the question about a token, and with it the IdP's own tokens of the live session that the token ends with. */
export function providerTokens(rows: FamilyRows, now: number, query: StatusQuery): ProviderTokensStatus {
  const status = statusOf(rows, now, query);
  if (!status.alive) return { ok: true, status };
  const sid = query.kind === "path" ? query.sid : status.record?.sid;
  const session = sid === undefined ? undefined : rows.session(sid);
  if (session?.idpTokens === undefined) return { ok: true, status };
  return { ok: true, status, held: { session: session.id, idp: session.idp, sealed: session.idpTokens } };
}

/**
 * Makes the caller the only one who refreshes the IdP's tokens, until it is done or its lease has ended by time. Who has
 * seen older tokens than these gets these instead: somebody else was faster.
 */
export function beginProviderRefresh(rows: FamilyRows, now: number, { session: id, lease, seen }: BeginProviderRefresh): ProviderRefreshTurn | Refused {
  const session = liveSession(rows, now, id);
  if (session?.idpTokens === undefined) return { ok: false, reason: "idp_session_absent" };
  if (session.idpTokens !== seen) return { ok: true, isHolder: false, sealed: session.idpTokens };
  const { idpLease } = session;
  if (idpLease !== undefined && idpLease.id !== lease && now < idpLease.ends) return { ok: false, reason: "idp_refresh_pending" };
  rows.putSession({ ...session, idpLease: { id: lease, ends: now + LEASE_SECONDS } });
  return { ok: true, isHolder: true };
}

/** Puts what the holder of the lease brought in the place of the IdP's tokens, and ends the lease. Nobody else can. */
export function endProviderRefresh(rows: FamilyRows, now: number, { session: id, lease, sealed, principal }: EndProviderRefresh): { readonly ok: true } | Refused {
  const session = liveSession(rows, now, id);
  if (session === undefined) return { ok: false, reason: "idp_session_absent" };
  if (session.idpTokens === sealed) return { ok: true };
  const { idpLease, ...rest } = session;
  if (idpLease?.id !== lease) return { ok: false, reason: "idp_refresh_pending" };
  rows.putSession({ ...rest, idpTokens: sealed });
  const family = rows.family();
  if (family !== undefined && principal !== undefined) rows.putFamily({ ...family, principal });
  return { ok: true };
}

function liveSession(rows: FamilyRows, now: number, sid: NodeId): SessionRow | undefined {
  return deathOf(rows, now, { nodes: [], sid }) === undefined ? rows.session(sid) : undefined;
}
