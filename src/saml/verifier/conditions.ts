import type { Expected, VerifiedAssertion } from "../verified.ts";
import { Fault } from "./fault.ts";

const SKEW_SECONDS = 10;
/** An assertion is for the moment: one that says it may be presented for longer is refused. */
const LONGEST_SECONDS = 3600;
const BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/** Until when an assertion may be presented (seconds), as RFC 7522 §3 and SAML profiles §4.1.4.3 have it; a fault where it may not. */
export function presentableUntil(assertion: VerifiedAssertion, { audience, recipient, now, inResponseTo }: Expected): number {
  const { audiences, notBefore, notOnOrAfter = Number.POSITIVE_INFINITY } = assertion;
  if (audiences.length === 0 || !audiences.every((restriction) => restriction.includes(audience))) throw new Fault("conditions", "audience");
  if (notBefore !== undefined && notBefore > now + SKEW_SECONDS) throw new Fault("conditions", "not before");
  const ends = assertion.confirmations
    .filter(({ method, notBefore: early }) => method === BEARER && early === undefined)
    .filter((confirmation) => confirmation.recipient === recipient && confirmation.inResponseTo === inResponseTo)
    .map((confirmation) => Math.min(confirmation.notOnOrAfter ?? 0, notOnOrAfter));
  if (ends.length === 0) throw new Fault("conditions", "confirmation");
  const until = Math.max(...ends) + SKEW_SECONDS;
  if (until <= now) throw new Fault("conditions", "expired");
  if (until > now + LONGEST_SECONDS + SKEW_SECONDS) throw new Fault("conditions", "too long");
  // A name that is another each time names nobody.
  if (assertion.nameId === "" || assertion.nameId.length > 255 || assertion.nameIdFormat === TRANSIENT) throw new Fault("conditions", "name id");
  if ((assertion.nameIdFor ?? audience) !== audience) throw new Fault("conditions", "name id");
  // SAML profiles §4.1.4.2: the answer to a login says that there was one.
  if (inResponseTo !== undefined && assertion.authnInstant === undefined) throw new Fault("conditions", "AuthnStatement");
  if ((assertion.sessionNotOnOrAfter ?? now + 1) <= now) throw new Fault("conditions", "session");
  return until;
}
