import type { NodeId } from "../lineage.ts";
import type { RowKey } from "./record.ts";

/** What to revoke. The caller has verified the token; `client` must be the one it belongs to. */
export type Revocation =
  | { readonly kind: "node"; readonly node: NodeId; readonly tenant: string; readonly expires: number; readonly lazy: boolean }
  | (RowKey & { readonly kind: "opaque"; readonly hash: string; readonly client: string; readonly everyGrant: boolean })
  | (RowKey & { readonly kind: "refresh"; readonly client: string; readonly everyGrant: boolean })
  /** Every grant of a client. `grant`: one that the family may not have been told of, issued in `edge`. */
  | { readonly kind: "client"; readonly client: string; readonly grant?: NodeId }
  | { readonly kind: "family" };

/** What a revocation did. */
export interface Revoked {
  readonly ok: true;
  /** Whether there was anything of the caller's to revoke. */
  readonly found: boolean;
  /** Hashes of opaque tokens that it killed directly, so that their copies can be deleted. */
  readonly hashes: readonly string[];
}

/** An application that was logged in by a session, and what its tokens say of the user. */
export interface Participant {
  readonly session: NodeId;
  readonly client: string;
  /** Its `sub`. */
  readonly subject: string;
}

/** A session that has ended, and what a logout at the IdP needs. */
export interface EndedSession {
  readonly ok: true;
  readonly idp: string;
  readonly idpTokens?: string;
  readonly idpSubject?: string;
  /** Who is to be told; the same again when it is ended again, but by an application. */
  readonly participants: readonly Participant[];
}

/** All sessions of a family have ended. */
export interface EndedSessions {
  readonly ok: true;
  readonly participants: readonly Participant[];
}
