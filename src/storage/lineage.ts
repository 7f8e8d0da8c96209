/** An id of 128 random bits in base64url: a node, grant, leaf, code or session. It is also the id of the operation that made it. */
export type NodeId = string;

/** A token family: the id of its Durable Object in hexadecimal, which holds the tenant's jurisdiction where it has one. */
export type FamilyId = string;

/** How a family began. */
export type RootKind = "login" | "client_credentials" | "external";

/** When and how a family began. `lazy`: no object has been written yet, the first token is all there is. */
export interface Root {
  readonly kind: RootKind;
  /** Seconds. What every cutoff is compared with. */
  readonly time: number;
  readonly lazy: boolean;
  /** Alias of the IdP of a login. */
  readonly idp?: string;
}

/** What decides whether a token is alive: a place in a family. */
export interface Origin {
  readonly family: FamilyId;
  /** Every ancestor from the root, at most sixteen, without the node itself. */
  readonly path: readonly NodeId[];
  /** The token's own leaf. */
  readonly node: NodeId;
  /** The login session that it ends with, if it ends with one. */
  readonly sid?: NodeId;
  readonly root: Root;
}

/** What every token of ours carries about where it came from. */
export interface Lineage extends Origin {
  /** How many exchanges lie behind it. */
  readonly hops: number;
  /** Until when (seconds) this branch may be exchanged or refreshed. Only ever lowered. */
  readonly deadline: number;
  /** One for each actor from another family, four at most. */
  readonly branches: readonly Origin[];
}
