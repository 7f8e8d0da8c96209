import { equalInConstantTime } from "../../protocol/bytes.ts";
import type { Refused } from "../families.ts";
import type { NodeId } from "../lineage.ts";
import type { EndedSession, EndedSessions, Participant, Revocation, Revoked } from "./ending-ask.ts";
import { GRACE_SECONDS, keepUntil } from "./opening.ts";
import { type FamilyRows, type NodeRow, ROOT, type SessionRow } from "./rows.ts";

const CHILDREN_NAMED = 1000;

/**
 * Revokes a node, a refresh token's grant, every grant of a client, or the whole family. What does not belong to the
 * caller is left alone.
 */
export function revoke(rows: FamilyRows, now: number, ask: Revocation): Revoked {
  const hashes = killed(rows, now, ask);
  return { ok: true, found: hashes !== undefined, hashes: hashes ?? [] };
}

// The hashes of the opaque tokens that it killed directly; undefined where there was nothing of the caller's to kill.
function killed(rows: FamilyRows, now: number, ask: Revocation): readonly string[] | undefined {
  switch (ask.kind) {
    case "node":
      return revokeNode(rows, now, ask) ? [] : undefined;
    case "opaque": {
      const row = rows.node(ask.parent, ask.node);
      const leaf = row?.leaves.find((candidate) => candidate.hash !== undefined && equalInConstantTime(candidate.hash, ask.hash));
      if (row === undefined || leaf === undefined || row.client !== ask.client) return undefined;
      if (ask.everyGrant) return revokeClient(rows, now, ask.client);
      rows.revoke(leaf.id, now);
      return [ask.hash];
    }
    case "refresh": {
      const row = rows.node(ask.parent, ask.node);
      if (row?.chain === undefined || row.client !== ask.client) return undefined;
      return ask.everyGrant ? revokeClient(rows, now, ask.client) : revokeGrant(rows, now, row);
    }
    case "client":
      if (rows.family() === undefined) return undefined;
      if (ask.grant !== undefined) rows.revoke(ask.grant, now);
      return revokeClient(rows, now, ask.client);
    case "family": {
      // A family that is only about to be opened is marked too: the login that is under way must not slip through.
      const family = rows.family() ?? { op: "", tenant: "", kind: "login", root: now, closes: now + GRACE_SECONDS };
      if ((family.revoked ?? 0) < family.root) rows.putFamily({ ...family, revoked: now });
      return [];
    }
  }
}

/**
 * Ends a login session: every token that carries it is dead, and so is a session that hangs by one. Ended twice is ended once.
 * `by`: only if this application took part in it, for this user; ended before, nobody is told again.
 */
export function endSession(rows: FamilyRows, now: number, id: NodeId, by?: Omit<Participant, "session">): EndedSession | Refused {
  const session = rows.session(id);
  if (session === undefined) return { ok: false, reason: "login_required" };
  if (by !== undefined && !participantsOf(rows, session).some(({ client, subject }) => client === by.client && subject === by.subject))
    return { ok: false, reason: "login_required" };
  if (by !== undefined && session.ended !== undefined) return { ok: true, idp: session.idp, participants: [] };
  if (session.ended === undefined) rows.putSession({ ...session, ended: now });
  const below = rows.sessions().filter(({ limits }) => limits?.sid === id);
  const participants = [...participantsOf(rows, session), ...below.flatMap((one) => participantsIn(endSession(rows, now, one.id)))];
  const { idp, idpTokens, idpSubject } = session;
  return { ok: true, idp, ...(idpTokens === undefined ? {} : { idpTokens }), ...(idpSubject === undefined ? {} : { idpSubject }), participants };
}

/** Ends the session of the login and all that hang by it; what a policy made independent of it goes on. */
export function endSessions(rows: FamilyRows, now: number): EndedSessions {
  // A login that is under way must not slip through: nothing of it can be independent yet.
  if (rows.family() === undefined) revoke(rows, now, { kind: "family" });
  const logins = rows.sessions().filter(({ limits }) => limits === undefined);
  return { ok: true, participants: logins.flatMap(({ id }) => participantsIn(endSession(rows, now, id))) };
}

function participantsIn(ended: EndedSession | Refused): readonly Participant[] {
  return ended.ok ? ended.participants : [];
}

// Who redeemed a code of this session: its grants are for itself, right below where the session hangs.
function participantsOf(rows: FamilyRows, { id: session, limits }: SessionRow): readonly Participant[] {
  const grants = rows.children(limits?.path.at(-1) ?? ROOT, CHILDREN_NAMED).filter(({ client, record: { audience } }) => audience.length === 1 && audience[0] === client);
  const subjects = new Map(grants.map(({ client, record }) => [client, record.subject ?? rows.family()?.principal?.sub ?? ""]));
  return [...subjects].map(([client, subject]) => ({ session, client, subject }));
}

function revokeNode(rows: FamilyRows, now: number, ask: Extract<Revocation, { kind: "node" }>): boolean {
  if (rows.family() === undefined) {
    // A lazy root is opened by its revocation; anything else without a family is dead already.
    if (!ask.lazy || ask.expires <= now) return false;
    rows.putFamily({ op: ask.node, tenant: ask.tenant, kind: "client_credentials", root: now, closes: ask.expires + GRACE_SECONDS });
  }
  rows.revoke(ask.node, now);
  keepUntil(rows, ask.expires);
  return true;
}

function revokeClient(rows: FamilyRows, now: number, client: string): readonly string[] {
  const live = rows.nodesOf(client).filter((row) => row.expires > now);
  return live.flatMap((row) => revokeGrant(rows, now, row));
}

function revokeGrant(rows: FamilyRows, now: number, row: NodeRow): readonly string[] {
  rows.revoke(row.id, now);
  const below = rows.children(row.id, CHILDREN_NAMED);
  return [row, ...below].flatMap(({ leaves }) => leaves.flatMap((leaf) => leaf.hash ?? []));
}
