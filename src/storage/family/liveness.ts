import { equalInConstantTime } from "../../protocol/bytes.ts";
import type { DeathReason, Leaf, SsoRecord, Status, StatusQuery, TokenRecord } from "../families.ts";
import type { NodeId } from "../lineage.ts";
import { type FamilyRow, type FamilyRows, type NodeRow, rootOf, type SessionRow } from "./rows.ts";

/**
 * Whether a place in the family is alive: the family is known and open, no node on the path is revoked, and its session,
 * if it has one, has not ended. An unknown family is alive for one token only: the lazy root that never needed a record.
 */
export function deathOf(rows: FamilyRows, now: number, place: { readonly nodes: readonly NodeId[]; readonly sid?: NodeId; readonly lazy?: boolean }): DeathReason | undefined {
  const family = rows.family();
  if (family === undefined) return place.lazy === true && place.nodes.length === 1 && place.sid === undefined ? undefined : "family_unknown";
  const dead = familyDeath(family, now);
  if (dead !== undefined) return dead;
  if (rows.anyRevoked(place.nodes)) return "node_revoked";
  if (place.sid !== undefined && !isLive(rows.session(place.sid), now)) return "session_ended";
  return undefined;
}

/** Whether the family as a whole is dead. */
export function familyDeath(family: FamilyRow, now: number): DeathReason | undefined {
  if (now >= family.closes) return "family_closed";
  return family.revoked === undefined ? undefined : "family_revoked";
}

/** Whether a session goes on. */
export function isLive(session: SessionRow | undefined, now: number): boolean {
  return session !== undefined && session.ended === undefined && now < session.expires;
}

/** Answers one question about a token. */
export function statusOf(rows: FamilyRows, now: number, query: StatusQuery): Status {
  switch (query.kind) {
    case "path":
      return answer(rows, now, { nodes: [...query.path, query.node], sid: query.sid, lazy: query.lazy }, {});
    case "opaque":
      return opaqueStatus(rows, now, rows.node(query.parent, query.node), query.hash);
    case "refresh":
      return refreshStatus(rows, now, rows.node(query.parent, query.node), query);
  }
}

function opaqueStatus(rows: FamilyRows, now: number, row: NodeRow | undefined, hash: string): Status {
  const leaf = row?.leaves.find((candidate) => candidate.hash !== undefined && equalInConstantTime(candidate.hash, hash));
  if (row === undefined || leaf === undefined) return { alive: false, now, reason: rows.family() === undefined ? "family_unknown" : "record_unknown" };
  if (now >= leaf.expires || row.redeemed !== undefined) return { alive: false, now, reason: row.redeemed === undefined ? "expired" : "redeemed" };
  return answer(rows, now, { nodes: [...row.record.path, leaf.id], sid: row.record.sid }, { record: row.record, leaf, ...(row.sso === undefined ? {} : { sso: row.sso }) });
}

function refreshStatus(rows: FamilyRows, now: number, row: NodeRow | undefined, query: Extract<StatusQuery, { kind: "refresh" }>): Status {
  const chain = row?.chain;
  if (row === undefined || chain === undefined) return { alive: false, now, reason: rows.family() === undefined ? "family_unknown" : "record_unknown" };
  if (now >= chain.expires) return { alive: false, now, reason: "expired" };
  const current = query.generation === chain.generation && equalInConstantTime(query.hash, chain.hash);
  const previous = query.generation === chain.generation - 1 && now - (chain.rotated ?? 0) < query.window;
  if (!current && !previous) return { alive: false, now, reason: "rotated" };
  return answer(rows, now, { nodes: row.record.path, sid: row.record.sid }, { record: row.record, refreshExpires: chain.expires });
}

function answer(
  rows: FamilyRows,
  now: number,
  place: { readonly nodes: readonly NodeId[]; readonly sid: NodeId | undefined; readonly lazy?: boolean },
  found: { readonly record?: TokenRecord; readonly leaf?: Leaf; readonly sso?: SsoRecord; readonly refreshExpires?: number },
): Status {
  const reason = deathOf(rows, now, { nodes: place.nodes, lazy: place.lazy ?? false, ...(place.sid === undefined ? {} : { sid: place.sid }) });
  if (reason !== undefined) return { alive: false, now, reason };
  const family = rows.family();
  return {
    alive: true,
    now,
    ...(family === undefined ? {} : { root: rootOf(family, found.record) }),
    ...(family?.principal === undefined ? {} : { principal: family.principal }),
    ...found,
  };
}
