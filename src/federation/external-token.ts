import { bytesOf, toBase64url } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { UnverifiedJwt } from "../protocol/jwt-gate.ts";
import { verifySignature } from "../protocol/signature.ts";
import type { IdentityProvider, SubjectTokens } from "../tenants/identity-provider.ts";
import { claimAt } from "./principal.ts";
import type { ProviderCache } from "./provider-cache.ts";

/** How far the clock of an IdP may be ahead of ours, or behind it. Seconds. */
export const SKEW_SECONDS = 10;
const LONGEST_LIFETIME_SECONDS = 86_400;

/** What a token of another issuer says, once it is known to be good here and now. Seconds. */
export interface ExternalClaims {
  readonly claims: JsonObject;
  /** The user, as the IdP's record names one. */
  readonly subject: string;
  readonly issued: number;
  readonly expires: number;
}

/** True when the audience of a token names what the IdP's record agreed upon. */
export function isForUs({ audiences }: SubjectTokens, { aud }: JsonObject): boolean {
  const named = audienceOf(aud);
  return named.length > 0 && named.every((one) => typeof one === "string") && named.some((one) => audiences.includes(String(one)));
}

function audienceOf(aud: unknown): readonly unknown[] {
  return Array.isArray(aud) ? aud : typeof aud === "string" ? [aud] : [];
}

/** Whether the signature is that of a key of this IdP, by an algorithm of its record. The header names a key and no more. */
export async function isSignedBy(providers: ProviderCache, idp: IdentityProvider, jwt: UnverifiedJwt): Promise<boolean> {
  const algorithm = idp.signingAlgorithms.find((allowed) => allowed === jwt.algorithm);
  const key = algorithm === undefined ? undefined : await providers.verificationKey(idp.issuer, jwt.keyId, algorithm);
  return key !== undefined && (await verifySignature(jwt, key));
}

/** Judges claims by the rules of the IdP's record: audience, required claims, subject, times. Answers a note for the audit log where they fail. */
export function judgeClaims(rules: SubjectTokens, claims: JsonObject, now: number): ExternalClaims | string {
  if (!isForUs(rules, claims)) return "aud";
  const lacking = lackingClaim(rules.requiredClaims, claims);
  if (lacking !== undefined) return `required claim ${lacking}`;
  // What another has delegated, or says of a logout, is no login.
  if (claims.act !== undefined || claims.may_act !== undefined || claims.events !== undefined) return "act or events";
  const subject = claimAt(claims, rules.subject);
  if (typeof claims.sub !== "string" || typeof subject !== "string" || subject === "" || subject.length > 255) return "sub";
  const { exp, iat, nbf } = claims;
  if (!isTime(exp) || exp <= now - SKEW_SECONDS) return "exp";
  if (!isTime(iat) || iat > now + SKEW_SECONDS || iat < now - rules.maxAge - SKEW_SECONDS || exp - iat > LONGEST_LIFETIME_SECONDS) return "iat";
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + SKEW_SECONDS)) return "nbf";
  return { claims, subject, issued: iat, expires: exp };
}

/** The first claim that is required of logins too and that this one lacks. For whom a token was made is a rule of logins anyway. */
export function lackingAtLogin({ subjectTokens }: IdentityProvider, claims: JsonObject): string | undefined {
  const { azp: _ours, ...required } = subjectTokens?.requiredClaims ?? {};
  return lackingClaim(required, claims);
}

// The first claim that does not have one of the values that the IdP's record requires; undefined where all have.
function lackingClaim(required: SubjectTokens["requiredClaims"], claims: JsonObject): string | undefined {
  const said = (path: string) => {
    const claim = claimAt(claims, path);
    return typeof claim === "boolean" ? String(claim) : claim;
  };
  return Object.keys(required).find((path) => !required[path]?.some((value) => value === said(path)));
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** The node of a token in its family: of its signed bytes, so that another signature over the same makes no other token. 128 bit, as all nodes have. */
export async function nodeOf(text: string, isJwt: boolean): Promise<string> {
  const signed = isJwt ? text.slice(0, text.lastIndexOf(".")) : text;
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(signed)), 0, 16));
}
