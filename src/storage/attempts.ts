/** The version of the calls to an object of attempts. One that is asked with a newer one refuses with `unavailable`. */
export const ATTEMPT_CALL_VERSION = 1;

/** How many failures lock, and for how long. */
export interface LockPolicy {
  /** Zero: nothing is ever locked. */
  readonly failures: number;
  /** Seconds; also how long a failure is remembered. */
  readonly seconds: number;
}

/** Who fails: a client, as it was named, from an address. Locking both together keeps an attacker from locking the real client out. */
export interface Attempt {
  readonly tenant: string;
  readonly clientId: string;
  readonly address: string;
}

/** Failed client authentications, counted across the world; what is locked is remembered in the isolate. */
export interface Attempts {
  /** Until when (seconds) this isolate knows the attempt to be locked; asks nobody. */
  lockedUntil(attempt: Attempt): number | undefined;
  /** Counts a failure. Answers until when the attempt is locked, if it is now. */
  fail(attempt: Attempt, policy: LockPolicy): Promise<number | undefined>;
}
