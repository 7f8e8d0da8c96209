import type { ExchangeRequest, Permit, Subject } from "../../policy.ts";
import type { Confirmation } from "../../protocol/confirmation.ts";
import type { SubjectNameIdentifier } from "../../tenants/client.ts";
import type { Principal } from "../../tenants/principal.ts";
import type { NodeId, Origin, Root } from "../lineage.ts";
import type { Granted, NewChain, NewLeaf, RowKey, SsoRecord } from "./record.ts";

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
  readonly permit: Pick<Permit, "givesIdToken" | "isCoupled">;
  /** The client that the subject token was issued to. */
  readonly subjectClient: string;
  /** How many exchanges the subject token has behind it by now, this one included; counted up to the budget. */
  readonly exchanges: number;
}
