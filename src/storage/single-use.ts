/** The version of the calls to a single-use object. One that is asked with a newer one refuses with `unavailable`. */
export const SINGLE_USE_CALL_VERSION = 1;

/** A namespace of things that may be used once: never one flat table, so that a code can not stand for a state. */
export interface SingleUseKind {
  readonly tenant: string;
  /** Who issued it: a client, an IdP, an operator. */
  readonly issuer: string;
  readonly kind: "login_state" | "operator_token" | "client_assertion" | "dpop_proof" | "saml_assertion" | "id_jag";
}

/** Things that may be used once: exactly one caller of `use` is told true, wherever and whenever the others ask. */
export interface SingleUse {
  /** `expires` (seconds): when the thing would be refused anyway; the record is kept until then. */
  use(kind: SingleUseKind, id: string, expires: number): Promise<boolean>;
}

/** How long a record outlives its thing, for clocks that disagree. Seconds. */
export const SINGLE_USE_GRACE_SECONDS = 120;
