import * as z from "zod/mini";
import { FamilyLookup, FamilyRevocation } from "../../../tenants/family-ask.ts";
import { Seconds } from "../../../tenants/primitives.ts";
import type { Named, Operation, Parameter } from "./operation.ts";

const NodeId = z.string();
const RootKind = z.enum(["login", "client_credentials", "external"]);

/** One grant in the tree of a family, with the tokens that it gave. */
export const NodeAnswer = z.object({
  /** What it hangs below: a grant, or a token of one; empty at the root. */
  parent: NodeId,
  id: NodeId,
  client: z.string(),
  audience: z.array(z.string()),
  scope: z.array(z.string()),
  /** How many exchanges lie behind it. */
  hops: z.int(),
  /** Its ancestors from the root, itself last. */
  path: z.array(NodeId),
  /** The actors of a delegation, the newest outermost. */
  act: z.optional(z.looseObject({ sub: z.string(), client_id: z.string() })),
  issued: Seconds,
  expires: Seconds,
  leaves: z.array(z.object({ id: NodeId, type: z.enum(["access_token", "id_token", "saml2"]), issued: Seconds, expires: Seconds })),
  refresh: z.optional(z.object({ expires: Seconds, generation: z.int() })),
  /** Why it is dead; left out while it lives. */
  dead: z.optional(z.string()),
});
export type NodeAnswer = z.output<typeof NodeAnswer>;

/** The tree of a family. */
export const FamilyAnswer = z.object({
  family: z.string(),
  kind: RootKind,
  /** When it began, and when nothing of it can be alive any more. */
  root: Seconds,
  closes: Seconds,
  principal: z.optional(z.object({ sub: z.string(), idp: z.string(), loginName: z.string() })),
  revoked: z.optional(Seconds),
  sessions: z.array(z.object({ id: NodeId, created: Seconds, expires: Seconds, idp: z.string(), ended: z.optional(Seconds) })),
  /** Oldest first. */
  nodes: z.array(NodeAnswer),
  /** Nodes and tokens that were revoked themselves, not by what they came from. */
  revokedNodes: z.array(NodeId),
  truncated: z.boolean(),
  /** The last ten. */
  refusals: z.array(z.object({ at: Seconds, client: z.string(), reason: z.string(), targets: z.array(z.string()) })),
});
export type FamilyAnswer = z.output<typeof FamilyAnswer>;

/** Where a token stands. */
export const FoundAnswer = z.object({
  family: z.string(),
  token: z.object({
    kind: z.enum(["access_token", "id_token", "refresh_token", "sso_token"]),
    format: z.enum(["jwt", "opaque"]),
    client: z.optional(z.string()),
    grant: NodeId,
    node: z.optional(NodeId),
    alive: z.boolean(),
    dead: z.optional(z.string()),
  }),
  /** Left out while nothing of the family is on record, or nothing any more. */
  trace: z.optional(FamilyAnswer),
});
export type FoundAnswer = z.output<typeof FoundAnswer>;

const family: Named = { name: "Family", schema: FamilyAnswer };
const id: Parameter = { name: "id", in: "path", description: "The id of the family", schema: z.string().check(z.regex(/^[0-9a-f]{64}$/)) };

/** Token families: whatever came of one login. */
export const FAMILY_OPERATIONS: readonly Operation[] = [
  {
    method: "post",
    path: "/api/v1/families/lookup",
    id: "lookUpFamily",
    summary: "Which family a token belongs to, also an expired one, whether it is alive, and the tree around it.",
    who: ["operator"],
    body: { name: "FamilyLookup", schema: FamilyLookup },
    answer: { name: "FoundToken", schema: FoundAnswer, members: { trace: "Family" } },
    refusals: [404],
  },
  {
    method: "get",
    path: "/api/v1/families/{id}",
    id: "readFamily",
    summary: "The tree of a family: who exchanged what for whom, when, at which depth, alive or why not, and the last refusals.",
    who: ["operator"],
    parameters: [id],
    answer: family,
    refusals: [404],
  },
  {
    method: "post",
    path: "/api/v1/families/{id}/revoke",
    id: "revokeFamily",
    summary: "Kills a node with everything that came of it; without a node, the whole family.",
    who: ["operator"],
    parameters: [id],
    body: { name: "FamilyRevocation", schema: FamilyRevocation },
    answer: family,
    refusals: [404],
  },
];
