import type { Dialect } from "../dialects/dialect.ts";
import type { Granted, NewLeaf } from "../storage/families.ts";
import type { FamilyId, Lineage, NodeId } from "../storage/lineage.ts";
import type { Client } from "../tenants/client.ts";
import type { ResolvedTokenPolicy } from "../tenants/token-policy.ts";
import type { KeyRing } from "./keys.ts";

/** For whom tokens are being issued, and by which rules. */
export interface Issuing {
  readonly ring: KeyRing;
  readonly family: FamilyId;
  readonly clientId: string;
  readonly client: Client;
  readonly dialect: Dialect;
  readonly policy: ResolvedTokenPolicy;
}

/** A token that is ready to be made: its leaf goes into the record first, then it is signed or sealed. */
export interface PreparedToken {
  readonly leaf: NewLeaf;
  /** Makes the token from what was recorded. */
  mint(granted: Granted): Promise<string>;
}

/** One type of issued token: a row of the table in `index.ts`. */
export interface IssuedTokenType {
  /** Draws the leaf and whatever secret there is. `grant`: the node that it will hang under. */
  prepare(issuing: Issuing, grant: { readonly parent: NodeId; readonly id: NodeId; readonly ownRow: boolean }): Promise<PreparedToken>;
}

/** The lineage of a leaf of a grant. */
export function lineageOf(family: FamilyId, node: NodeId, { record, root }: Granted): Lineage {
  return { family, path: record.path, node, root, hops: record.hops, deadline: record.deadline, branches: [], ...(record.sid === undefined ? {} : { sid: record.sid }) };
}

/** When a leaf that was recorded expires. Seconds. */
export function expiryOf({ leaves }: Granted, id: NodeId): number {
  const leaf = leaves.find((candidate) => candidate.id === id);
  if (leaf === undefined) throw new Error("a token was prepared that is not recorded");
  return leaf.expires;
}
