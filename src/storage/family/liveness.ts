import { equalInConstantTime } from "../../protocol/bytes.ts";
import type { NodeId } from "../lineage.ts";
import type { Leaf, SsoRecord, TokenRecord } from "./record.ts";
import { type FamilyRow, type FamilyRows, type NodeRow, rootOf, type SessionRow } from "./rows.ts";
import type { DeathReason, Status, StatusQuery } from "./status-ask.ts";

interface Place {
  readonly nodes: readonly NodeId[];
  readonly sid?: NodeId | undefined;
  readonly lazy?: boolean;
  /** When the token of another issuer that it came from was issued; that of the family itself is its own. Seconds. */
  readonly began?: number | undefined;
}

/**
 * Whether a place in the family is alive: the family is known and open, no node on the path is revoked, and its session,
 * if it has one, has not ended. An unknown family is alive for one token only: the lazy root that never needed a record.
 */
export function deathOf(rows: FamilyRows, now: number, place: Place): DeathReason | undefined {
  const family = rows.family();
  if (family === undefined) return place.lazy === true && place.nodes.length === 1 && place.sid === undefined ? undefined : "family_unknown";
  const dead = familyDeath(family, now, place.began);
  if (dead !== undefined) return dead;
  if (rows.anyRevoked(place.nodes)) return "node_revoked";
  if (place.sid !== undefined && !isLive(rows.session(place.sid), now)) return "session_ended";
  return undefined;
}

/** Why what a record says is dead, or one leaf of it. */
export function recordDeath(rows: FamilyRows, now: number, { path, sid, root }: TokenRecord, leaf?: NodeId): DeathReason | undefined {
  return deathOf(rows, now, { nodes: leaf === undefined ? path : [...path, leaf], began: root, sid });
}

/**
 * Whether the family as a whole is dead. That of an external user begins with each token: what began after it was revoked
 * (`began`, seconds) finds it closed, until it is opened anew; what began before stays dead in it.
 */
export function familyDeath({ kind, root, closes, revoked }: FamilyRow, now: number, began = 0): DeathReason | undefined {
  if (now >= closes) return "family_closed";
  if (revoked === undefined) return undefined;
  if (kind !== "external" || began <= revoked) return "family_revoked";
  return root > revoked ? undefined : "family_closed";
}

/** Whether a session goes on. */
export function isLive(session: SessionRow | undefined, now: number): boolean {
  return session !== undefined && session.ended === undefined && now < session.expires;
}

/** Answers one question about a token. */
export function statusOf(rows: FamilyRows, now: number, query: StatusQuery): Status {
  const status = placeStatus(rows, now, query);
  return status.alive && query.budget !== undefined ? { ...status, exchanges: rows.exchanges(status.leaf?.id ?? query.node, query.budget) } : status;
}

function placeStatus(rows: FamilyRows, now: number, query: StatusQuery): Status {
  switch (query.kind) {
    case "path":
      return answer(rows, now, { nodes: [...query.path, query.node], sid: query.sid, lazy: query.lazy, began: query.began }, {});
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
  return answer(
    rows,
    now,
    { nodes: [...row.record.path, leaf.id], sid: row.record.sid, began: row.record.root },
    { record: row.record, leaf, ...(row.sso === undefined ? {} : { sso: row.sso }) },
  );
}

function refreshStatus(rows: FamilyRows, now: number, row: NodeRow | undefined, query: Extract<StatusQuery, { kind: "refresh" }>): Status {
  const chain = row?.chain;
  if (row === undefined || chain === undefined) return { alive: false, now, reason: rows.family() === undefined ? "family_unknown" : "record_unknown" };
  if (now >= chain.expires) return { alive: false, now, reason: "expired" };
  const current = query.generation === chain.generation && equalInConstantTime(query.hash, chain.hash);
  const previous = query.generation === chain.generation - 1 && now - (chain.rotated ?? 0) < query.window;
  if (!current && !previous) return { alive: false, now, reason: "rotated" };
  return answer(rows, now, { nodes: row.record.path, sid: row.record.sid, began: row.record.root }, { record: row.record, refreshExpires: chain.expires });
}

function answer(
  rows: FamilyRows,
  now: number,
  place: Place,
  found: { readonly record?: TokenRecord; readonly leaf?: Leaf; readonly sso?: SsoRecord; readonly refreshExpires?: number },
): Status {
  const reason = deathOf(rows, now, place);
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
