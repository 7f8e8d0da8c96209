import { equalInConstantTime } from "../../protocol/bytes.ts";
import { mayRefreshWith } from "../../protocol/confirmation.ts";
import { intersect, isSubset } from "../../protocol/scope.ts";
import type { Refused } from "../families.ts";
import type { Refresh } from "./exchange-ask.ts";
import { recordDeath } from "./liveness.ts";
import { keepUntil, recordLeaves } from "./opening.ts";
import type { Granted, Leaf, NewLeaf, TokenRecord } from "./record.ts";
import { type Chain, type FamilyRow, type FamilyRows, type NodeRow, rootOf } from "./rows.ts";

const LEAVES_KEPT = 20;

/**
 * Presents a refresh token. The current generation is rotated; the one before it, within the window, gets the same
 * successor again; anything older kills the grant (RFC 9700 §4.14.2). A wrong client is refused and changes nothing.
 */
export function refresh(rows: FamilyRows, now: number, ask: Refresh): Granted | Refused {
  const family = rows.family();
  const row = rows.node(ask.parent, ask.grant);
  const chain = row?.chain;
  if (family === undefined || row === undefined || chain === undefined || ask.generation > chain.generation) return { ok: false, reason: "refresh_unknown" };
  if (row.client !== ask.client) return { ok: false, reason: "refresh_client_differs" };
  if (!mayRefreshWith(row.record.cnf, ask.proven, ask.isPublic)) return { ok: false, reason: "refresh_unproven" };
  const death = recordDeath(rows, now, row.record);
  if (death !== undefined) return { ok: false, reason: death === "session_ended" ? "refresh_session_ended" : "refresh_revoked" };
  // A chain that ended by this very operation is given its answer again.
  if (now >= chain.expires && chain.op !== ask.op) return { ok: false, reason: "refresh_expired" };
  if (ask.undone !== undefined) {
    // Taken back before, or used since: then there is nothing to take back.
    if (chain.op === ask.op) rows.renewNode({ ...row, chain: { generation: ask.generation, hash: ask.hash, keyNumber: ask.undone, expires: chain.expires } });
    return { ok: false, reason: "refresh_revoked" };
  }
  const turn = judge(chain, now, ask);
  if (turn === "reuse") {
    rows.revoke(row.id, now);
    return { ok: false, reason: "refresh_reused" };
  }
  if (turn === "unknown") return { ok: false, reason: "refresh_unknown" };
  if (!isSubset(ask.targets ?? [], row.record.audience)) return { ok: false, reason: "target_forbidden" };
  if (ask.scope !== undefined && !isSubset(ask.scope, row.record.scope)) return { ok: false, reason: "scope_exceeds" };
  const isForItself = row.record.audience.every((target) => target === row.client);
  const scope = isForItself ? intersect(ask.scope ?? row.record.scope, ask.allowedScope) : (ask.scope ?? row.record.scope);
  if (scope.length === 0 && row.record.scope.length > 0) return { ok: false, reason: "scope_empty" };
  const isNew = turn === "rotate";
  return renew(rows, now, { family, row, chain: isNew ? rotated(chain, now, ask) : chain, isNew, scope, ask });
}

function judge(chain: Chain, now: number, ask: Refresh): "rotate" | "repeat" | "reuse" | "unknown" {
  if (chain.op === ask.op) return "repeat";
  if (ask.generation === chain.generation) return equalInConstantTime(ask.hash, chain.hash) ? "rotate" : "unknown";
  const inWindow = ask.generation === chain.generation - 1 && chain.rotated !== undefined && now - chain.rotated < ask.window;
  return inWindow ? "repeat" : "reuse";
}

function rotated(chain: Chain, now: number, ask: Refresh): Chain {
  const expires = Math.min(chain.expires, now + (ask.lifetime ?? Number.POSITIVE_INFINITY));
  return { generation: chain.generation + 1, hash: ask.successor.hash, keyNumber: ask.successor.keyNumber, expires, rotated: now, op: ask.op };
}

interface Renewal {
  readonly family: FamilyRow;
  readonly row: NodeRow;
  readonly chain: Chain;
  /** Whether it was rotated for this: a repetition gives what was given before. */
  readonly isNew: boolean;
  readonly scope: readonly string[];
  readonly ask: Refresh;
}

function renew(rows: FamilyRows, now: number, { family, row, chain, isNew, scope, ask }: Renewal): Granted {
  // A client that has begun to prove a key gets bound tokens, though its grant was not.
  const record: TokenRecord = { ...row.record, scope, ...(ask.proven === undefined ? {} : { cnf: ask.proven }) };
  const leaves = recordLeaves(leavesOf(ask, row.record), now, latestOf(rows, row.record));
  const opaque = leaves.filter((leaf) => leaf.hash !== undefined);
  const plain = leaves.filter((leaf) => leaf.hash === undefined);
  const expires = Math.max(chain.expires, ...leaves.map((leaf) => leaf.expires));
  if (isNew) rows.addLeaves(leaves);
  rows.renewNode({ ...row, chain, expires: Math.max(row.expires, expires), leaves: keepLatest([...row.leaves, ...plain], now) });
  for (const leaf of opaque) {
    rows.putNode({ parent: row.id, id: leaf.id, kind: "leaf", client: row.client, issued: now, expires: leaf.expires, record, leaves: [leaf] });
  }
  keepUntil(rows, expires);
  return {
    ok: true,
    now,
    root: rootOf(family, record),
    record,
    leaves,
    chain,
    ...(family.principal === undefined ? {} : { principal: family.principal }),
  };
}

// The format that the client chose at the first issue goes on, unless this request chose another.
function leavesOf({ leaves, otherFormat }: Refresh, { format }: TokenRecord): readonly NewLeaf[] {
  return otherFormat !== undefined && otherFormat.format === format ? [otherFormat.leaf, ...leaves.slice(1)] : leaves;
}

// Nothing outlives the deadline, nor the session that it ends with.
function latestOf(rows: FamilyRows, { deadline, sid }: TokenRecord): number {
  const session = sid === undefined ? undefined : rows.session(sid);
  return Math.min(deadline, session?.expires ?? Number.POSITIVE_INFINITY);
}

// Opaque tokens live by their entry here and are all kept while they live; of the others the last twenty are, for the trace.
function keepLatest(all: readonly Leaf[], now: number): readonly Leaf[] {
  const leaves = [...new Map(all.map((leaf) => [leaf.id, leaf])).values()];
  const opaque = leaves.filter((leaf) => leaf.hash !== undefined && leaf.expires > now);
  return [...opaque, ...leaves.filter((leaf) => leaf.hash === undefined).slice(-LEAVES_KEPT)];
}
