import type { Reason } from "../protocol/rejection.ts";
import type { EndedSession, EndedSessions, Participant, Revocation, Revoked } from "./family/ending-ask.ts";
import type { Extend, Extended, Refresh } from "./family/exchange-ask.ts";
import type { Opened, OpenFamily, Redeem, RedeemedSso, RedeemSso, SignedOn, SignOn } from "./family/login-ask.ts";
import type { BeginProviderRefresh, EndProviderRefresh, ProviderRefreshTurn, ProviderTokensStatus } from "./family/provider-tokens-ask.ts";
import type { Granted } from "./family/record.ts";
import type { RefusedExchange, Status, StatusQuery, Trace } from "./family/status-ask.ts";
import type { FamilyId, NodeId } from "./lineage.ts";

/**
 * The version of the calls below. An object that is asked with a newer one refuses with `unavailable`: it could miss a rule.
 * Raised with each member that an older object must not ignore. 2: `endSession` asks who took part. 3: the calls of
 * every request are asked and answered in JSON.
 */
export const FAMILY_CALL_VERSION = 3;

/** A refusal travels as a value: error classes do not survive the call. */
export interface Refused {
  readonly ok: false;
  readonly reason: Reason;
  /** For the audit log. */
  readonly note?: string;
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
