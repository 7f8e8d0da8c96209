import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, Root, RootKind } from "../lineage.ts";
import type { SessionLimits } from "./login-ask.ts";
import type { Leaf, SsoRecord, TokenRecord } from "./record.ts";
import type { RefusedExchange } from "./status-ask.ts";

/** The family itself. Seconds throughout. */
export interface FamilyRow {
  readonly op: NodeId;
  readonly tenant: string;
  readonly kind: RootKind;
  readonly root: number;
  /** The latest expiry of anything recorded, plus the grace after it. Only grows. */
  readonly closes: number;
  readonly user?: string;
  readonly principal?: Principal;
  readonly revoked?: number;
}

export interface SessionRow {
  readonly id: NodeId;
  readonly hash: string;
  readonly created: number;
  readonly expires: number;
  readonly authTime: number;
  readonly idp: string;
  readonly idpSid?: string;
  readonly idpTokens?: string;
  readonly idpSubject?: string;
  /** Who is refreshing the IdP's tokens, and until when nobody else may. */
  readonly idpLease?: { readonly id: NodeId; readonly ends: number };
  readonly ended?: number;
  /** Set on a session that an SSO token opened. */
  readonly limits?: SessionLimits;
}

export interface CodeRow {
  readonly id: NodeId;
  readonly hash: string;
  readonly expires: number;
  readonly client: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly jkt?: string;
  readonly scope: readonly string[];
  readonly nonce?: string;
  readonly session: NodeId;
  readonly coupled: boolean;
  /** The grant it was redeemed for, once it was. */
  readonly grant?: NodeId;
}

/** The refresh chain of a grant: one number that only grows. */
export interface Chain {
  readonly generation: number;
  /** Of the current generation's secret. */
  readonly hash: string;
  /** The key that derived the current generation. */
  readonly keyNumber: number;
  /** Absolute; set at the first issue. */
  readonly expires: number;
  readonly rotated?: number;
  readonly op?: NodeId;
}

/** A grant, or the leaf of a refresh that gave an opaque token. */
export interface NodeRow {
  readonly parent: NodeId;
  readonly id: NodeId;
  /** Set on the row of an opaque token that a refresh gave; a grant has none. */
  readonly kind?: "leaf";
  readonly client: string;
  readonly issued: number;
  readonly expires: number;
  readonly record: TokenRecord;
  readonly leaves: readonly Leaf[];
  readonly chain?: Chain;
  readonly sso?: SsoRecord;
  /** The session that an SSO token was redeemed for, once it was. */
  readonly redeemed?: NodeId;
}

/** How the family began, as its tokens say it; each token of another issuer begins anew. */
export function rootOf(family: FamilyRow, record?: Pick<TokenRecord, "root">): Root {
  return { kind: family.kind, time: record?.root ?? family.root, lazy: false, ...(family.principal === undefined ? {} : { idp: family.principal.idp }) };
}

/** The parent of a grant that has no node above it. */
export const ROOT: NodeId = "";

/**
 * The rows of one family. Synchronous on purpose: whatever is decided over it is one turn, nothing can come between the
 * check and the write.
 */
export interface FamilyRows {
  family(): FamilyRow | undefined;
  putFamily(row: FamilyRow): void;
  session(id: NodeId): SessionRow | undefined;
  putSession(row: SessionRow): void;
  code(id: NodeId): CodeRow | undefined;
  putCode(row: CodeRow): void;
  node(parent: NodeId, id: NodeId): NodeRow | undefined;
  putNode(row: NodeRow): void;
  /** Adds a node, unless its id stands below this parent already; gives the one that stands. */
  addNode(row: NodeRow): NodeRow;
  /** Writes what a refresh changes of a node that is there: its leaves, its chain, its expiry. */
  renewNode(row: NodeRow): void;
  /** These leaves have just been drawn and recorded: nothing hangs below them yet. */
  addLeaves(leaves: readonly Leaf[]): void;
  /** The children of a node, at most `limit`, in the order of their ids. */
  children(parent: NodeId, limit: number): readonly NodeRow[];
  /** How many exchanges hang below a node, counted up to `limit`. */
  exchanges(parent: NodeId, limit: number): number;
  /** Every grant of one client, oldest first; a scan, for rare use. */
  nodesOf(client: string): readonly NodeRow[];
  /** Every node, oldest first, at most `limit`; for those who look at a family. */
  nodes(limit: number): readonly NodeRow[];
  sessions(): readonly SessionRow[];
  revokedNodes(limit: number): readonly NodeId[];
  refusals(): readonly RefusedExchange[];
  putRefusals(refusals: readonly RefusedExchange[]): void;
  /** True when any of these nodes is revoked. */
  anyRevoked(ids: readonly NodeId[]): boolean;
  revoke(id: NodeId, at: number): void;
}
