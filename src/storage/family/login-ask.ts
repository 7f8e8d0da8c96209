import type { MayAct } from "../../protocol/actor.ts";
import type { Confirmation } from "../../protocol/confirmation.ts";
import type { SubjectNameIdentifier } from "../../tenants/client.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, Root, RootKind } from "../lineage.ts";
import type { NewChain, NewLeaf, RowKey, TokenRecord } from "./record.ts";

/** A login session in a browser. */
export interface NewSession {
  readonly id: NodeId;
  /** Of the secret in the browser's cookie. */
  readonly hash: string;
  /** Seconds. */
  readonly lifetime: number;
  /** Seconds; when the IdP says the user logged in. */
  readonly authTime: number;
  readonly idp: string;
  readonly idpSid?: string;
  /** The IdP's own tokens, sealed by the Worker. */
  readonly idpTokens?: string;
  /** What a SAML IdP calls the user and the session, sealed by the Worker. */
  readonly idpSubject?: string;
}

/** What a session may do that an SSO token opened: no more than the token, for the applications that it names. */
export interface SessionLimits {
  /** The token's place: every grant of the session hangs below it. */
  readonly path: readonly NodeId[];
  readonly hops: number;
  readonly deadline: number;
  readonly applications: readonly string[];
  readonly scope: readonly string[];
  /** The session that the token ends with: this one ends with it too. */
  readonly sid?: NodeId;
}

/** Redeems an SSO token: once, for a session as narrow as the token. */
export interface RedeemSso extends RowKey {
  readonly hash: string;
  /** Where the browser wants to go. */
  readonly redirectUri: string;
  readonly session: Pick<NewSession, "id" | "hash" | "lifetime">;
  /** The user of the browser's present session, if it has one. */
  readonly present?: string;
  readonly isConfirmed: boolean;
}

/** An SSO token that was redeemed. */
export interface RedeemedSso {
  readonly ok: true;
  readonly now: number;
  readonly principal: Principal;
  /** The client that the token was issued to, and the root that it came from. */
  readonly client: string;
  readonly root: Root;
  /** The present session is another user's: nothing was done, the user must click. */
  readonly needsClick: boolean;
}

/** An authorization code and everything it is bound to. */
export interface NewCode {
  readonly id: NodeId;
  readonly hash: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly client: string;
  readonly redirectUri: string;
  /** The PKCE S256 challenge. */
  readonly challenge: string;
  /** The DPoP key that must redeem it (RFC 9449 §10). */
  readonly jkt?: string;
  readonly scope: readonly string[];
  readonly nonce?: string;
  /** Whether the tokens end with the session. */
  readonly coupled: boolean;
}

/** Opens a family: after this call it exists, and what was opened with it is recorded. */
export interface OpenFamily {
  readonly op: NodeId;
  readonly tenant: string;
  readonly kind: RootKind;
  /** The id of the user object that keeps this family, told when the family is emptied. */
  readonly user?: string;
  readonly principal?: Principal;
  readonly session?: NewSession;
  readonly code?: NewCode;
  readonly grant?: NewGrant;
  /** Kept until then at least (seconds). Such a family is opened anew once all of it has expired, or been revoked. */
  readonly until?: number;
  /** When the token was issued that opens it (seconds): a revocation before that does not concern it. */
  readonly since?: number;
}

/** A grant without a code: what a client is given for itself. */
export interface NewGrant {
  readonly id: NodeId;
  readonly record: Omit<TokenRecord, "path" | "deadline">;
  readonly leaves: readonly NewLeaf[];
}

export interface Opened {
  readonly ok: true;
  /** Seconds, by the object's clock; also the root time. */
  readonly now: number;
}

/** Asks for a code on the strength of a browser's session. */
export interface SignOn {
  readonly session: NodeId;
  readonly hash: string;
  /** The application that asks; left out to look at the session only. */
  readonly client?: string;
  /** Seconds since the login, at most. */
  readonly maxAge?: number;
  /** The IdPs that will do; left out for any. */
  readonly idps?: readonly string[];
  /** Left out to look at the session only. */
  readonly code?: NewCode;
}

export interface SignedOn {
  readonly ok: true;
  readonly now: number;
  readonly root: Root;
  readonly principal: Principal;
  readonly authTime: number;
}

/** Redeems a code: the grant's id was drawn before the call and is the operation's id. */
export interface Redeem {
  readonly code: NodeId;
  readonly hash: string;
  readonly client: string;
  readonly redirectUri: string;
  /** S256 of the verifier that was presented. */
  readonly challenge: string;
  readonly grant: NodeId;
  readonly leaves: readonly NewLeaf[];
  readonly chain?: NewChain;
  readonly format?: "jwt" | "opaque";
  /** What stands in `sub` for this client. */
  readonly identifier: SubjectNameIdentifier;
  readonly mayAct?: MayAct;
  readonly proven?: Confirmation;
  /** Seconds from the login to the deadline. */
  readonly exchangePeriod: number;
  /** How many live grants of this client the session may have; the oldest leaves. */
  readonly parallel?: number;
}
