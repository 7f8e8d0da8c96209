import type { VerifiedAssertion } from "./verified.ts";

/** What an assertion must fulfil to be good here, now. */
export interface Expected {
  /** Who it is for: an audience of every restriction. */
  readonly audience: string;
  /** Where it is presented. */
  readonly recipient: string;
  /** Seconds. */
  readonly now: number;
  /** The id of the AuthnRequest that it answers; left out where it answers none. */
  readonly inResponseTo?: string;
}

const SKEW_SECONDS = 10;
/** An assertion is for the moment: one that says it may be presented for longer is refused. */
const LONGEST_SECONDS = 3600;
const BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/** Until when an assertion may be presented (seconds), or why it may not (RFC 7522 §3, SAML profiles §4.1.4.3). */
export function presentableUntil(assertion: VerifiedAssertion, { audience, recipient, now, inResponseTo }: Expected): number | string {
  const { audiences, notBefore, notOnOrAfter = Number.POSITIVE_INFINITY } = assertion;
  if (audiences.length === 0 || !audiences.every((restriction) => restriction.includes(audience))) return "audience";
  if (notBefore !== undefined && notBefore > now + SKEW_SECONDS) return "not before";
  const ends = assertion.confirmations
    .filter(({ method, notBefore: early }) => method === BEARER && early === undefined)
    .filter((confirmation) => confirmation.recipient === recipient && confirmation.inResponseTo === inResponseTo)
    .map((confirmation) => Math.min(confirmation.notOnOrAfter ?? 0, notOnOrAfter));
  if (ends.length === 0) return "confirmation";
  const until = Math.max(...ends) + SKEW_SECONDS;
  if (until <= now) return "expired";
  if (until > now + LONGEST_SECONDS + SKEW_SECONDS) return "too long";
  // A name that is another each time names nobody.
  return assertion.nameId === "" || assertion.nameId.length > 255 || assertion.nameIdFormat === TRANSIENT ? "name id" : until;
}
