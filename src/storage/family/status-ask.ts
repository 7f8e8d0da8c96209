import type { Act } from "../../protocol/actor.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, Root, RootKind } from "../lineage.ts";
import type { Leaf, RowKey, SsoRecord, TokenRecord } from "./record.ts";

/** One question about a token. `began`: the time of its root, for families in which that is not their own (seconds). */
export type StatusQuery = (
  | { readonly kind: "path"; readonly path: readonly NodeId[]; readonly node: NodeId; readonly sid?: NodeId; readonly lazy: boolean; readonly began?: number }
  | (RowKey & { readonly kind: "opaque"; readonly hash: string })
  | (RowKey & { readonly kind: "refresh"; readonly generation: number; readonly hash: string; readonly window: number })
) & {
  /** Asks how many exchanges the token has behind it, counted up to this. */
  readonly budget?: number;
};

/** Why a token is dead; for the audit log, never for the wire. */
export type DeathReason = "family_unknown" | "family_closed" | "family_revoked" | "node_revoked" | "session_ended" | "record_unknown" | "expired" | "rotated" | "redeemed";

export type Status =
  | {
      readonly alive: true;
      readonly now: number;
      /** When and how the family began; none while it is a lazy root that nobody has opened. */
      readonly root?: Root;
      readonly record?: TokenRecord;
      readonly leaf?: Leaf;
      readonly sso?: SsoRecord;
      readonly refreshExpires?: number;
      readonly principal?: Principal;
      /** Where it was asked for. */
      readonly exchanges?: number;
    }
  | { readonly alive: false; readonly now: number; readonly reason: DeathReason };

/** One refusal of an exchange, as the family remembers it. */
export interface RefusedExchange {
  /** Seconds. */
  readonly at: number;
  readonly client: string;
  readonly reason: string;
  readonly targets: readonly string[];
}

/** One grant in the tree of a family. */
export interface TracedNode {
  /** The node that it hangs below; empty at the root. */
  readonly parent: NodeId;
  readonly id: NodeId;
  readonly client: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  readonly hops: number;
  readonly path: readonly NodeId[];
  readonly act?: Act;
  /** Seconds, as is `expires`. */
  readonly issued: number;
  readonly expires: number;
  readonly leaves: readonly Omit<Leaf, "hash">[];
  /** Until when it may be refreshed, and how often it was. */
  readonly refresh?: { readonly expires: number; readonly generation: number };
  /** Why it is dead; left out while it lives. */
  readonly dead?: DeathReason;
}

/** Everything that a family knows of itself, for those who may see it. */
export interface Trace {
  readonly ok: true;
  /** The issuer that it belongs to. */
  readonly tenant: string;
  readonly kind: RootKind;
  readonly root: number;
  readonly closes: number;
  readonly principal?: Principal;
  readonly revoked?: number;
  readonly sessions: readonly { readonly id: NodeId; readonly created: number; readonly expires: number; readonly idp: string; readonly ended?: number }[];
  readonly nodes: readonly TracedNode[];
  /** Ids of nodes and leaves that were revoked themselves. */
  readonly revokedNodes: readonly NodeId[];
  /** True when there are more nodes than are listed. */
  readonly truncated: boolean;
  /** The last ten. */
  readonly refusals: readonly RefusedExchange[];
}
