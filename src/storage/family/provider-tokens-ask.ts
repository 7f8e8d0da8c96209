import type { Principal } from "../../tenants/principal.ts";
import type { NodeId } from "../lineage.ts";
import type { Status } from "./status-ask.ts";

/** The IdP's own tokens of one login session, as the Worker sealed them. */
export interface HeldProviderTokens {
  readonly session: NodeId;
  readonly idp: string;
  readonly sealed: string;
}

/** What is known of a token, and the IdP's tokens of the session that it ends with, where there are any. */
export interface ProviderTokensStatus {
  readonly ok: true;
  readonly status: Status;
  readonly held?: HeldProviderTokens;
}

/** Asks to be the one who refreshes the IdP's tokens. `seen`: those that the caller found to be of no use any more. */
export interface BeginProviderRefresh {
  readonly session: NodeId;
  /** Drawn before the call. */
  readonly lease: NodeId;
  readonly seen: string;
}

/** The caller's turn, or what somebody else has brought since. */
export type ProviderRefreshTurn = { readonly ok: true; readonly isHolder: true } | { readonly ok: true; readonly isHolder: false; readonly sealed: string };

/** What the holder of a lease brought, sealed anew. */
export interface EndProviderRefresh {
  readonly session: NodeId;
  readonly lease: NodeId;
  readonly sealed: string;
  /** The user, as the IdP has it now; left out where it was not asked. */
  readonly principal?: Principal;
}
