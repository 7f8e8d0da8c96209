import type { Act, MayAct } from "../../protocol/actor.ts";
import type { Confirmation } from "../../protocol/confirmation.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, Origin, Root } from "../lineage.ts";

/** What a token says that was recorded when it was granted. */
export interface TokenRecord {
  readonly client: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  /** Ancestors of the grant's leaves: everything above the grant, and the grant. */
  readonly path: readonly NodeId[];
  readonly hops: number;
  /** Seconds; see Lineage. */
  readonly deadline: number;
  /** When what it came from was issued (seconds), where its family is older or younger: by a token of another issuer. */
  readonly root?: number;
  readonly sid?: NodeId;
  /** Seconds; when the user logged in. */
  readonly authTime?: number;
  /** `sub`, where it is not the user's own id. */
  readonly subject?: string;
  readonly act?: Act;
  readonly mayAct?: MayAct;
  /** What its tokens are bound to. */
  readonly cnf?: Confirmation;
  /** One for each actor from another login. */
  readonly branches?: readonly Origin[];
  /** API permission groups of the provider (`ias_apis`). */
  readonly apis?: readonly string[];
  /** The access token format that the client chose at the first issue, for later refreshes. */
  readonly format?: "jwt" | "opaque";
}

/** What only an SSO token has: who may look at it, and where its redemption may lead. */
export interface SsoRecord {
  readonly applications: readonly string[];
  readonly redirectUris: readonly string[];
  /** How many hops the session may have behind it. */
  readonly maxHops: number;
}

/** One issued token under a grant. `hash` is that of an opaque token's secret. */
export interface Leaf {
  readonly id: NodeId;
  readonly type: "access_token" | "id_token" | "saml2";
  /** Seconds, as is `expires`. */
  readonly issued: number;
  readonly expires: number;
  readonly hash?: string;
}

/** A token that is about to be issued: its leaf was drawn before the call, its lifetime is counted by the object. */
export interface NewLeaf {
  readonly id: NodeId;
  readonly type: "access_token" | "id_token" | "saml2";
  /** Seconds. */
  readonly lifetime: number;
  readonly hash?: string;
}

/** The first refresh token of a grant. */
export interface NewChain {
  readonly hash: string;
  readonly keyNumber: number;
  /** Seconds. */
  readonly lifetime: number;
}

/** What a redemption or a refresh gives: everything the tokens are made from. */
export interface Granted {
  readonly ok: true;
  /** Seconds, by the object's clock: the `iat` of the tokens. */
  readonly now: number;
  readonly root: Root;
  readonly record: TokenRecord;
  readonly principal?: Principal;
  readonly leaves: readonly Leaf[];
  readonly chain?: { readonly generation: number; readonly keyNumber: number; readonly expires: number };
  readonly nonce?: string;
}

/** Where an opaque token's record lies: a row's key. */
export interface RowKey {
  readonly parent: NodeId;
  readonly node: NodeId;
}
