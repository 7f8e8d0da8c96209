import type { ExchangeRequest, Permit, Subject } from "../policy.ts";
import type { Act, MayAct } from "../protocol/actor.ts";
import type { Confirmation } from "../protocol/confirmation.ts";
import type { Reason } from "../protocol/rejection.ts";
import type { SubjectNameIdentifier } from "../tenants/client.ts";
import type { Principal } from "../tenants/principal.ts";
import type { FamilyId, NodeId, Origin, Root, RootKind } from "./lineage.ts";

/**
 * The version of the calls below. An object that is asked with a newer one refuses with `unavailable`: it could miss a rule.
 * Raised with each member that an older object must not ignore. 2: `endSession` asks who took part.
 */
export const FAMILY_CALL_VERSION = 2;

/** A refusal travels as a value: error classes do not survive the call. */
export interface Refused {
  readonly ok: false;
  readonly reason: Reason;
  /** For the audit log. */
  readonly note?: string;
}

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

/** Presents a refresh token. Its MAC has been verified; client and generation are judged here. */
export interface Refresh {
  readonly op: NodeId;
  readonly parent: NodeId;
  readonly grant: NodeId;
  readonly generation: number;
  readonly hash: string;
  readonly client: string;
  /** Seconds during which the generation before may be presented again. */
  readonly window: number;
  /** The successor, derived from the presented token before the call. */
  readonly successor: { readonly hash: string; readonly keyNumber: number };
  /** The access token first. */
  readonly leaves: readonly NewLeaf[];
  /** The access token in the other format: taken where the client chose that format at the first issue. */
  readonly otherFormat?: { readonly format: "jwt" | "opaque"; readonly leaf: NewLeaf };
  /** Seconds; only ever shortens what is left of the chain. */
  readonly lifetime?: number;
  readonly proven?: Confirmation;
  readonly isPublic: boolean;
  /** What the request narrows to, if it does. */
  readonly scope?: readonly string[];
  /** The targets that the request names, as they stand in an audience: all of them must be the grant's. */
  readonly targets?: readonly string[];
  /** What the client may have for itself today; what it has for a target is the target's to say. */
  readonly allowedScope: readonly string[];
  /** Takes the rotation by this very operation back, as nothing was given for it: the number of the key that the presented token was derived with. */
  readonly undone?: number;
}

/** The subject of an exchange: a JWT whose claims have been verified, or an opaque token whose record lies in the family. */
export type ExchangeSubject =
  | {
      readonly kind: "jwt";
      readonly facts: Omit<Subject, "grantExpires">;
      readonly path: readonly NodeId[];
      readonly node: NodeId;
      readonly sid?: NodeId;
      readonly root: Root;
      readonly branches: readonly Origin[];
      /** What a token of another issuer says of its user: taken over where it is newer than what is known. */
      readonly says?: Principal;
    }
  | (RowKey & { readonly kind: "opaque"; readonly hash: string })
  /** What the requester, a SAML application, was last told of a login session. */
  | { readonly kind: "session"; readonly session: NodeId }
  | (RowKey & { readonly kind: "refresh"; readonly generation: number; readonly hash: string; readonly window: number });

/** One exchange: is the subject alive, does policy permit, is there budget; then it is recorded. All in one turn. */
export interface Extend {
  /** The new grant, drawn before the call: also the id of the operation. */
  readonly grant: NodeId;
  readonly tenant: string;
  readonly subject: ExchangeSubject;
  readonly request: ExchangeRequest;
  /** How many exchanges one token may have behind it. */
  readonly budget: number;
  readonly accessToken: NewLeaf;
  readonly idToken: NewLeaf;
  readonly chain?: NewChain;
  readonly format?: "jwt" | "opaque";
  readonly identifier: SubjectNameIdentifier;
  readonly apis: readonly string[];
  /** The actor's own place, where there is an actor. */
  readonly actor?: Origin;
  readonly sso?: SsoRecord;
}

/** What an exchange gives: what tokens are made from, and what policy permitted. */
export interface Extended extends Granted {
  readonly permit: Permit;
  /** The client that the subject token was issued to. */
  readonly subjectClient: string;
  /** How many exchanges the subject token has behind it by now, this one included; counted up to the budget. */
  readonly exchanges: number;
}

/** Where an opaque token's record lies: a row's key. */
export interface RowKey {
  readonly parent: NodeId;
  readonly node: NodeId;
}

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

/**
 * The token families: one authority each. Every call is one synchronous decision; a call that is repeated with the same
 * operation id answers as the first time. Throws `Rejection("unavailable")` when the authority cannot be asked.
 */
export interface Families {
  /** Draws the id of a new family. Nothing is stored yet. */
  create(jurisdiction: string | undefined): FamilyId;
  /** The id of the family of this name: always the same. */
  named(jurisdiction: string | undefined, name: string): FamilyId;
  open(family: FamilyId, ask: OpenFamily): Promise<Opened | Refused>;
  signOn(family: FamilyId, ask: SignOn): Promise<SignedOn | Refused>;
  redeem(family: FamilyId, ask: Redeem): Promise<Granted | Refused>;
  refresh(family: FamilyId, ask: Refresh): Promise<Granted | Refused>;
  extend(family: FamilyId, ask: Extend): Promise<Extended | Refused>;
  /** Records exchanges that were decided at the edge. False when the family would have refused one of them. */
  record(family: FamilyId, asks: readonly Extend[]): Promise<boolean>;
  status(family: FamilyId, query: StatusQuery): Promise<Status>;
  revoke(family: FamilyId, ask: Revocation): Promise<Revoked>;
  trace(family: FamilyId): Promise<Trace | Refused>;
  /** Remembers a refusal; called after the response. */
  noteRefusal(family: FamilyId, refusal: Omit<RefusedExchange, "at">): Promise<void>;
  redeemSso(family: FamilyId, ask: RedeemSso): Promise<RedeemedSso | Refused>;
  /** Ends a login session; with `by`, only if that application took part in it, for that user, and then nobody is told twice. */
  endSession(family: FamilyId, session: NodeId, by?: Omit<Participant, "session">): Promise<EndedSession | Refused>;
  /** Ends the login's session and all that hang by it. A family that is only about to be opened never is. */
  endSessions(family: FamilyId): Promise<EndedSessions>;
  providerTokens(family: FamilyId, query: StatusQuery): Promise<ProviderTokensStatus>;
  beginProviderRefresh(family: FamilyId, ask: BeginProviderRefresh): Promise<ProviderRefreshTurn | Refused>;
  endProviderRefresh(family: FamilyId, ask: EndProviderRefresh): Promise<{ readonly ok: true } | Refused>;
}
