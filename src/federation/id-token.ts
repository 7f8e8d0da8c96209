import { bytesOf, equalInConstantTime, toBase64url } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { Rejection } from "../protocol/rejection.ts";
import { verifySignature } from "../protocol/signature.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { ProviderCache } from "./provider-cache.ts";

const SKEW_SECONDS = 10;
const LONGEST_LIFETIME_SECONDS = 86_400;

/** What every ID token that came with an answer of the IdP must agree with. */
interface Expected {
  readonly accessToken: string | undefined;
  /** Seconds. */
  readonly now: number;
}

/** What the ID token of a login must agree with. */
export interface ExpectedLogin extends Expected {
  readonly nonce: string;
}

/** What the ID token of a refresh must agree with: the claims of the one before. */
export interface ExpectedRefresh extends Expected {
  readonly former: JsonObject;
}

type IdTokenClaims = JsonObject & { readonly sub: string };

/**
 * Verifies the ID token of a login at a corporate IdP (OpenID Connect Core §3.1.3.7): signature by a key of that IdP and
 * an algorithm of its record, issuer, audience, authorized party, times, nonce, access token hash. Answers its claims.
 */
export async function verifyLoginIdToken(providers: ProviderCache, idp: IdentityProvider, text: string, expected: ExpectedLogin): Promise<IdTokenClaims> {
  const claims = await verify(providers, idp, text, expected);
  if (typeof claims.nonce !== "string" || !equalInConstantTime(claims.nonce, expected.nonce)) throw new Rejection("idp_nonce_differs");
  return claims;
}

/**
 * Verifies the ID token of a refresh (OpenID Connect Core §12.2): as that of a login, and it is about the same user and the
 * same login. A nonce need not be there.
 */
export async function verifyRefreshedIdToken(providers: ProviderCache, idp: IdentityProvider, text: string, expected: ExpectedRefresh): Promise<IdTokenClaims> {
  const claims = await verify(providers, idp, text, expected);
  const { former } = expected;
  if (claims.sub !== former.sub) throw new Rejection("idp_subject_differs");
  if (claims.nonce !== undefined && claims.nonce !== former.nonce) throw new Rejection("idp_nonce_differs");
  if (claims.auth_time !== undefined && former.auth_time !== undefined && claims.auth_time !== former.auth_time) throw invalid("auth_time");
  return claims;
}

async function verify(providers: ProviderCache, idp: IdentityProvider, text: string, expected: Expected): Promise<IdTokenClaims> {
  const jwt = openIdentityProviderJwt(text);
  const algorithm = idp.signingAlgorithms.find((allowed) => allowed === jwt?.algorithm);
  if (jwt === undefined || algorithm === undefined) throw invalid("form or algorithm");
  if (jwt.type !== undefined && jwt.type !== "jwt") throw invalid("typ");
  const key = await providers.verificationKey(idp.issuer, jwt.keyId, algorithm);
  if (key === undefined) throw invalid("key");
  if (!(await verifySignature(jwt, key))) throw invalid("signature");
  const { iss, sub, at_hash } = jwt.payload;
  if (iss !== idp.issuer) throw invalid("iss");
  if (typeof sub !== "string" || sub === "" || sub.length > 255) throw invalid("sub");
  checkAudience(jwt.payload, idp.clientId);
  checkTimes(jwt.payload, expected.now);
  if (at_hash !== undefined && expected.accessToken !== undefined && at_hash !== (await leftHalf(expected.accessToken, algorithm))) throw invalid("at_hash");
  return { ...jwt.payload, sub };
}

function checkAudience({ aud, azp }: JsonObject, clientId: string): void {
  const audience = typeof aud === "string" ? [aud] : aud;
  if (!Array.isArray(audience) || !audience.includes(clientId)) throw invalid("aud");
  if ((audience.length > 1 || azp !== undefined) && azp !== clientId) throw invalid("azp");
}

function checkTimes({ exp, iat, nbf }: JsonObject, now: number): void {
  if (typeof exp !== "number" || typeof iat !== "number" || exp <= now - SKEW_SECONDS) throw invalid("exp");
  if (iat > now + SKEW_SECONDS || exp - iat > LONGEST_LIFETIME_SECONDS) throw invalid("iat");
  if (nbf !== undefined && (typeof nbf !== "number" || nbf > now + SKEW_SECONDS)) throw invalid("nbf");
}

// OpenID Connect Core §3.1.3.6: the hash is that of the signature's algorithm. Ed25519 signs with SHA-512.
async function leftHalf(accessToken: string, algorithm: string): Promise<string> {
  const name = algorithm === "EdDSA" ? "SHA-512" : `SHA-${algorithm.slice(2)}`;
  const hash = new Uint8Array(await crypto.subtle.digest(name, bytesOf(accessToken)));
  return toBase64url(hash.subarray(0, hash.length / 2));
}

function invalid(note: string): Rejection {
  return new Rejection("idp_id_token_invalid", { note });
}
