import type { Refused } from "../families.ts";
import { recordDeath } from "./liveness.ts";
import type { FamilyRows, NodeRow } from "./rows.ts";
import type { RefusedExchange, Trace, TracedNode } from "./status-ask.ts";

const NODES_LISTED = 1000;
const REFUSALS_KEPT = 10;

/** The whole tree of a family: who exchanged what for whom, when, at which depth, alive or dead. Hashes and IdP tokens stay inside. */
export function trace(rows: FamilyRows, now: number): Trace | Refused {
  const family = rows.family();
  if (family === undefined) return { ok: false, reason: "family_unknown" };
  const nodes = rows.nodes(NODES_LISTED + 1);
  const listed = nodes.slice(0, NODES_LISTED);
  // What a refresh gave in opaque form has a row of its own, and is a leaf of its grant as all others.
  const given = Map.groupBy(
    listed.filter(({ kind }) => kind === "leaf"),
    ({ parent }) => parent,
  );
  return {
    ok: true,
    tenant: family.tenant,
    kind: family.kind,
    root: family.root,
    closes: family.closes,
    ...(family.principal === undefined ? {} : { principal: family.principal }),
    ...(family.revoked === undefined ? {} : { revoked: family.revoked }),
    sessions: rows.sessions().map(({ id, created, expires, idp, ended }) => ({ id, created, expires, idp, ...(ended === undefined ? {} : { ended }) })),
    nodes: listed.filter(({ kind }) => kind !== "leaf").map((row) => traced(rows, now, row, given.get(row.id) ?? [])),
    revokedNodes: rows.revokedNodes(NODES_LISTED),
    truncated: nodes.length > NODES_LISTED,
    refusals: rows.refusals(),
  };
}

/** Remembers a refusal, the last ten of them; nothing for a family that was never opened. */
export function noteRefusal(rows: FamilyRows, now: number, refusal: Omit<RefusedExchange, "at">): void {
  if (rows.family() === undefined) return;
  rows.putRefusals([...rows.refusals(), { at: now, ...refusal }].slice(-REFUSALS_KEPT));
}

function traced(rows: FamilyRows, now: number, row: NodeRow, given: readonly NodeRow[]): TracedNode {
  const { record, chain } = row;
  const leaves = [row, ...given].flatMap((one) => one.leaves);
  const death = now >= row.expires ? "expired" : recordDeath(rows, now, record);
  return {
    ...{ parent: row.parent, id: row.id, client: row.client, issued: row.issued, expires: row.expires },
    ...{ audience: record.audience, scope: record.scope, hops: record.hops, path: record.path },
    leaves: leaves.map(({ hash: _hash, ...leaf }) => leaf),
    ...(record.act === undefined ? {} : { act: record.act }),
    ...(chain === undefined ? {} : { refresh: { expires: chain.expires, generation: chain.generation } }),
    ...(death === undefined ? {} : { dead: death }),
  };
}
