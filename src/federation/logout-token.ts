import type { JsonObject } from "../protocol/json.ts";
import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { verifySignature } from "../protocol/signature.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { ProviderCache } from "./provider-cache.ts";

/** The member of `events` that makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). */
export const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";

const SKEW_SECONDS = 10;
// Where an IdP sets no expiry of its own, and at most. §2.4 advises two minutes, older IdPs set none.
const LONGEST_LIFETIME_SECONDS = 600;
const TEXT_LIMIT = 255;

/** What an IdP says has ended: one of its sessions, or, without `sid`, all of a user's. */
export interface VerifiedLogout {
  readonly jti: string;
  /** Seconds; when it is too old to be said again. */
  readonly expires: number;
  readonly sub?: string;
  readonly sid?: string;
}

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0 §2.6): signature by a key of that IdP and an algorithm of
 * its record, `typ`, issuer, audience, times, the event, no nonce, `sub` or `sid` or both. Whether it was said before is the
 * caller's to find out. Throws `logout_token_invalid`, or what it throws when the IdP's keys cannot be had.
 */
export async function verifyLogoutToken(providers: ProviderCache, idp: IdentityProvider, text: string, now: number): Promise<VerifiedLogout> {
  const jwt = openIdentityProviderJwt(text);
  const algorithm = idp.signingAlgorithms.find((allowed) => allowed === jwt?.algorithm);
  if (jwt === undefined || algorithm === undefined) throw invalid("form or algorithm");
  // §2.4 recommends the explicit type. Without it, the event that must be there and the nonce that must not tell it from an ID token.
  if (jwt.type !== undefined && jwt.type !== JWT_TYPE.logout && jwt.type !== "jwt") throw invalid("typ");
  const key = await providers.verificationKey(idp.issuer, jwt.keyId, algorithm);
  if (key === undefined) throw invalid("key");
  if (!(await verifySignature(jwt, key))) throw invalid("signature");
  const { iss, aud, nonce, events, jti, sub, sid } = jwt.payload;
  if (iss !== idp.issuer) throw invalid("iss");
  if (![aud].flat().includes(idp.clientId)) throw invalid("aud");
  if (nonce !== undefined) throw invalid("nonce");
  if (!isEvent(events)) throw invalid("events");
  if (!isText(jti)) throw invalid("jti");
  if ((sub === undefined && sid === undefined) || !isOptionalText(sub) || !isOptionalText(sid)) throw invalid("sub or sid");
  return { jti, expires: expiryOf(jwt.payload, now), ...(sub === undefined ? {} : { sub }), ...(sid === undefined ? {} : { sid }) };
}

function expiryOf({ iat, exp, nbf }: JsonObject, now: number): number {
  if (typeof iat !== "number" || !Number.isFinite(iat) || iat > now + SKEW_SECONDS) throw invalid("iat");
  if (exp !== undefined && (typeof exp !== "number" || !Number.isFinite(exp))) throw invalid("exp");
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > now + SKEW_SECONDS)) throw invalid("nbf");
  const expires = Math.ceil(Math.min(exp ?? Number.POSITIVE_INFINITY, iat + LONGEST_LIFETIME_SECONDS)) + SKEW_SECONDS;
  if (expires <= now) throw invalid("exp");
  return expires;
}

function isEvent(events: unknown): boolean {
  const event = typeof events === "object" && events !== null && Object.hasOwn(events, LOGOUT_EVENT) ? (events as JsonObject)[LOGOUT_EVENT] : undefined;
  return typeof event === "object" && event !== null && !Array.isArray(event);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT;
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || isText(value);
}

function invalid(note: string): Rejection {
  return new Rejection("logout_token_invalid", { note });
}
