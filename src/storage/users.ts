import type { Refused } from "./families.ts";
import type { Participant } from "./family/ending-ask.ts";
import type { FamilyId } from "./lineage.ts";

/** The version of the calls to a user object. One that is asked with a newer one refuses with `unavailable`. */
export const USER_CALL_VERSION = 1;

/** What a user object answers when a family is registered with it. */
export interface Registered {
  readonly ok: true;
  /** The id of the user object, for the family to say goodbye to. */
  readonly id: string;
  /** Seconds; a family whose root is not younger is dead. Undefined: none was ever set. */
  readonly cutoff?: number;
}

/** A user of a tenant. */
export interface UserKey {
  readonly tenant: string;
  readonly jurisdiction: string | undefined;
  readonly sub: string;
}

/** A session at a corporate IdP, as the IdP names it. */
export interface ProviderSessionKey {
  readonly tenant: string;
  readonly jurisdiction: string | undefined;
  readonly idp: string;
  readonly sid: string;
}

/** A login that came of a session at the IdP. */
export interface ProviderSessionLogin {
  readonly family: FamilyId;
  /** Our id of the user. */
  readonly sub: string;
  /** How long the session here may last. Seconds. */
  readonly lifetime: number;
}

/** An IdP's word that sessions have ended. */
export interface ProviderLogout {
  /** What it is told apart by: the same word counts once. */
  readonly id: string;
  /** Seconds; when it would be refused anyway. */
  readonly expires: number;
  /** Our id of the user that it is about, where it says so: another's sessions go on. */
  readonly sub?: string;
}

/** An application that was logged in, in one of the user's families. */
export interface LoggedIn extends Participant {
  readonly family: FamilyId;
}

/** What came of a logout at the IdP. `isFirst`: false when this very word has been carried out before, and nothing was done. */
export interface LoggedOut {
  readonly isFirst: boolean;
  /** Who is to be told. */
  readonly participants: readonly LoggedIn[];
}

/**
 * One object a user: the cutoff and the open families. A login registers its family here before its first token leaves,
 * so that revoking a user reaches every family. One more for each session at an IdP, which knows the families by it. What
 * cannot be carried out at once throws `unavailable`, and the object's alarm goes on.
 */
export interface Users {
  /** Registers a family and answers the cutoff, in one turn. */
  register(user: UserKey, family: FamilyId): Promise<Registered | Refused>;
  /** Registers a login with the session at the IdP that it came of. `ended`: the IdP has ended that one. */
  registerSession(session: ProviderSessionKey, login: ProviderSessionLogin): Promise<{ readonly ok: true; readonly ended: boolean } | Refused>;
  /** Sets the cutoff to now, then revokes every family. Resolves when all have answered. */
  revoke(user: UserKey): Promise<readonly LoggedIn[]>;
  /** Revokes every grant of one client in every family of the user. */
  revokeClient(user: UserKey, client: string): Promise<void>;
  /** Ends every login session of a user, or those that came of one session at the IdP, with all that ends with them. */
  endSessions(of: UserKey | ProviderSessionKey, logout: ProviderLogout): Promise<LoggedOut>;
}

/** The longest that a family can live: the longest refresh lifetime and the grace. Seconds. */
export const FAMILY_LIFE_SECONDS = 15_552_000 + 86_400;
