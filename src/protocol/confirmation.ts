import { isObject } from "./json.ts";

/** What a token is bound to (RFC 7800 §3.1): the thumbprint of a DPoP key (RFC 9449 §6) or of a client certificate (RFC 8705 §3.1). */
export interface Confirmation {
  readonly jkt?: string;
  readonly "x5t#S256"?: string;
}

/** Whether what was proven with a request is everything that a token is bound to. An unbound token needs nothing. */
export function isConfirmed(bound: Confirmation | undefined, proven: Confirmation | undefined): boolean {
  if (bound === undefined) return true;
  return bound.jkt === (bound.jkt === undefined ? undefined : proven?.jkt) && bound["x5t#S256"] === (bound["x5t#S256"] === undefined ? undefined : proven?.["x5t#S256"]);
}

/**
 * Whether a refresh token may be used with what was proven. A public client's is bound to its very key; a confidential
 * client is bound by its authentication and may have changed its key or certificate (RFC 8705 §4, RFC 9449 §5), but not
 * left it out: a binding is never dropped in silence.
 */
export function mayRefreshWith(bound: Confirmation | undefined, proven: Confirmation | undefined, isPublic: boolean): boolean {
  if (isPublic || bound === undefined) return isConfirmed(bound, proven);
  return (bound.jkt === undefined || proven?.jkt !== undefined) && (bound["x5t#S256"] === undefined || proven?.["x5t#S256"] !== undefined);
}

/** Reads a `cnf` claim whose signature has been verified. A confirmation of another kind is kept as one that nothing can prove. */
export function readConfirmation(value: unknown): Confirmation | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) return UNPROVABLE;
  const { jkt, "x5t#S256": thumbprint } = value;
  if (typeof jkt !== "string" && typeof thumbprint !== "string") return UNPROVABLE;
  return { ...(typeof jkt === "string" ? { jkt } : {}), ...(typeof thumbprint === "string" ? { "x5t#S256": thumbprint } : {}) };
}

const UNPROVABLE: Confirmation = { jkt: "" };
