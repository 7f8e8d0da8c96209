import type { NodeId } from "../lineage.ts";
import type { CodeRow, FamilyRow, FamilyRows, NodeRow, SessionRow } from "./rows.ts";
import type { RefusedExchange } from "./status-ask.ts";

/** The memory twin of a family's rows: what the rules are tested against by the thousand. */
export function memoryRows(): FamilyRows {
  let family: FamilyRow | undefined;
  const sessions = new Map<NodeId, SessionRow>();
  const codes = new Map<NodeId, CodeRow>();
  const nodes = new Map<string, NodeRow>();
  const revoked = new Map<NodeId, number>();
  let refusals: readonly RefusedExchange[] = [];
  const byId = (a: NodeRow, b: NodeRow) => (a.id < b.id ? -1 : 1);
  const byAge = (a: NodeRow, b: NodeRow) => a.issued - b.issued || byId(a, b);
  return {
    family: () => family,
    putFamily: (row) => {
      family = row;
    },
    session: (id) => sessions.get(id),
    putSession: (row) => void sessions.set(row.id, row),
    code: (id) => codes.get(id),
    putCode: (row) => void codes.set(row.id, row),
    node: (parent, id) => nodes.get(`${parent}/${id}`),
    putNode: (row) => void nodes.set(`${row.parent}/${row.id}`, row),
    addNode: (row) => {
      const key = `${row.parent}/${row.id}`;
      const standing = nodes.get(key) ?? row;
      nodes.set(key, standing);
      return standing;
    },
    renewNode: (row) => void nodes.set(`${row.parent}/${row.id}`, row),
    addLeaves: () => undefined,
    children: (parent, limit) =>
      [...nodes.values()]
        .filter((row) => row.parent === parent)
        .sort(byId)
        .slice(0, limit),
    exchanges: (parent, limit) => Math.min(limit, [...nodes.values()].filter((row) => row.parent === parent && row.kind === undefined).length),
    nodesOf: (client) => [...nodes.values()].filter((row) => row.client === client).toSorted(byAge),
    nodes: (limit) => [...nodes.values()].toSorted((a, b) => a.issued - b.issued || byId(a, b)).slice(0, limit),
    sessions: () => [...sessions.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    revokedNodes: (limit) => [...revoked.keys()].toSorted().slice(0, limit),
    refusals: () => refusals,
    putRefusals: (all) => {
      refusals = all;
    },
    anyRevoked: (ids) => ids.some((id) => revoked.has(id)),
    revoke: (id, at) => {
      if (!revoked.has(id)) revoked.set(id, at);
    },
  };
}
