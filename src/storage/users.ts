import type { Refused } from "./families.ts";
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

/**
 * One object a user: the cutoff and the open families. A login registers its family here before its first token leaves,
 * so that revoking a user reaches every family.
 */
export interface Users {
  /** Registers a family and answers the cutoff, in one turn. */
  register(user: UserKey, family: FamilyId): Promise<Registered | Refused>;
  /** Sets the cutoff to now, then revokes every family. Resolves when all have answered; else it throws and the object's alarm goes on. */
  revoke(user: UserKey): Promise<void>;
}

/** A user of a tenant. */
export interface UserKey {
  readonly tenant: string;
  readonly jurisdiction: string | undefined;
  readonly sub: string;
}

/** The longest that a family can live: the longest refresh lifetime and the grace. Seconds. */
export const FAMILY_LIFE_SECONDS = 15_552_000 + 86_400;
