import type { FamilyAnswer, NodeAnswer } from "../src/endpoints/api/contract/families.ts";

/** What of a family is drawn, and how. */
export interface Drawing {
  /** Seconds; what has expired by then is dead. */
  readonly now: number;
  /** The grant of the token that was looked up. */
  readonly grant?: string;
  /** Whether every token is named, with its id. */
  readonly tokens?: boolean;
}

const DEATHS: Readonly<Record<string, string>> = {
  family_revoked: "the family is revoked",
  family_closed: "the family is closed",
  session_ended: "its session has ended",
  tenant_cut_off: "the tenant is disabled or cut off",
  client_cut_off: "its client is disabled or cut off",
  idp_cut_off: "the identity provider is disabled or cut off",
  permission_cut_off: "the target's owner has cut it off",
};

/** Draws the tree of a family: who exchanged what for whom, when, at which depth, alive or why not; then the last refusals. */
export function drawFamily(family: FamilyAnswer, drawing: Drawing): readonly string[] {
  const parents = parentsOf(family.nodes);
  const below = Map.groupBy(family.nodes, ({ id }) => parents.get(id));
  const branch = (node: NodeAnswer, first: string, rest: string): string[] => {
    const children = below.get(node.id) ?? [];
    const bar = children.length === 0 ? "   " : "│  ";
    const tokens = drawing.tokens === true ? node.leaves.map((leaf) => `${rest}${bar}${tokenLine(family, leaf, drawing.now)}`) : [];
    const lines = children.flatMap((child, index) => (index === children.length - 1 ? branch(child, `${rest}└─ `, `${rest}   `) : branch(child, `${rest}├─ `, `${rest}│  `)));
    return [`${first}${nodeLine(family, node, drawing)}`, ...tokens, ...lines];
  };
  const roots = below.get(undefined) ?? [];
  const drawn = [...heading(family), "", ...roots.flatMap((root) => branch(root, "", "")), ...(family.truncated ? ["… and more, which are not listed"] : []), ...refusals(family)];
  return drawn.map(plain);
}

function heading({ family, kind, root, closes, principal, revoked, sessions }: FamilyAnswer): readonly string[] {
  const whose = principal === undefined ? kind : `${kind} of ${principal.idp}/${principal.loginName} (${principal.sub})`;
  return [
    `family ${family}`,
    `${whose}, began ${time(root)}, closes ${time(closes)}${revoked === undefined ? "" : `, revoked ${time(revoked)}`}`,
    ...sessions.map(({ id, idp, expires, ended }) => `session ${id} at ${idp}, ${ended === undefined ? `until ${time(expires)}` : `ended ${time(ended)}`}`),
  ];
}

function nodeLine({ revokedNodes }: FamilyAnswer, node: NodeAnswer, { now, grant }: Drawing): string {
  const { id, client, audience, scope, hops, issued, refresh } = node;
  return [
    `${client} → ${audience.join(" ")}`,
    scope.length === 0 ? "no scope" : scope.join(" "),
    `depth ${hops}`,
    time(issued),
    stateOf(node, revokedNodes, now),
    ...actorsOf(node.act).map((actor) => `acted for by ${actor}`),
    ...(refresh === undefined ? [] : [`refreshed ${refresh.generation}×, until ${time(refresh.expires)}`]),
    `[${id}]${id === grant ? "  ← this token" : ""}`,
  ].join(" · ");
}

function stateOf({ id, dead, expires }: NodeAnswer, revoked: readonly string[], now: number): string {
  if (dead === undefined && now < expires) return `alive until ${time(expires)}`;
  if (dead === "node_revoked") return `dead: ${revoked.includes(id) ? "revoked" : "what it came from is revoked"}`;
  return dead === undefined || dead === "expired" ? `dead: expired ${time(expires)}` : `dead: ${DEATHS[dead] ?? dead}`;
}

function tokenLine({ revokedNodes }: FamilyAnswer, { id, type, expires }: NodeAnswer["leaves"][number], now: number): string {
  const state = revokedNodes.includes(id) ? "revoked" : `${now < expires ? "until" : "expired"} ${time(expires)}`;
  return `• ${type} ${state} [${id}]`;
}

function actorsOf(act: NodeAnswer["act"]): readonly string[] {
  if (act === undefined) return [];
  const { act: earlier } = act;
  return [`${act.sub} at ${act.client_id}`, ...(typeof earlier === "object" && earlier !== null ? actorsOf(earlier as NodeAnswer["act"]) : [])];
}

function refusals({ refusals: all }: FamilyAnswer): readonly string[] {
  if (all.length === 0) return [];
  return ["", "refused:", ...all.map(({ at, client, reason, targets }) => `  ${time(at)} ${client} → ${targets.join(" ")}: ${reason}`)];
}

// A node hangs below the nearest grant on its path; what lies between is the token that was exchanged.
function parentsOf(nodes: readonly NodeAnswer[]): ReadonlyMap<string, string | undefined> {
  const grants = new Map(nodes.flatMap(({ id, leaves }) => [[id, id] as const, ...leaves.map((leaf) => [leaf.id, id] as const)]));
  return new Map(
    nodes
      .map(({ id, path }) => [id, path.toReversed().find((ancestor) => ancestor !== id && grants.has(ancestor))] as const)
      .map(([id, near]) => [id, near === undefined ? undefined : grants.get(near)]),
  );
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

// What an identity provider calls its users is not for the terminal to carry out.
function plain(line: string): string {
  return line.replace(/\p{Cc}|\p{Cf}/gu, "?");
}
