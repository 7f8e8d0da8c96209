import { bytesOf, equalInConstantTime, toBase64url } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import { openIdentityProviderJwt } from "../protocol/jwt-gate.ts";
import { Rejection } from "../protocol/rejection.ts";
import { verifySignature } from "../protocol/signature.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { ProviderCache } from "./provider-cache.ts";

const SKEW_SECONDS = 10;
const LONGEST_LIFETIME_SECONDS = 86_400;

/** What the ID token of a login must agree with. */
export interface ExpectedLogin {
  readonly nonce: string;
  readonly accessToken: string | undefined;
  /** Seconds. */
  readonly now: number;
}

/**
 * Verifies the ID token of a login at a corporate IdP (OpenID Connect Core §3.1.3.7): signature by a key of that IdP and
 * an algorithm of its record, issuer, audience, authorized party, times, nonce, access token hash. Answers its claims.
 */
export async function verifyLoginIdToken(providers: ProviderCache, idp: IdentityProvider, text: string, expected: ExpectedLogin): Promise<JsonObject & { readonly sub: string }> {
  const jwt = openIdentityProviderJwt(text);
  const algorithm = idp.signingAlgorithms.find((allowed) => allowed === jwt?.algorithm);
  if (jwt === undefined || algorithm === undefined) throw invalid("form or algorithm");
  if (jwt.type !== undefined && jwt.type !== "jwt") throw invalid("typ");
  const key = await providers.verificationKey(idp.issuer, jwt.keyId, algorithm);
  if (key === undefined) throw invalid("key");
  if (!(await verifySignature(jwt, key))) throw invalid("signature");
  const { iss, sub, nonce, at_hash } = jwt.payload;
  if (iss !== idp.issuer) throw invalid("iss");
  if (typeof sub !== "string" || sub === "" || sub.length > 255) throw invalid("sub");
  checkAudience(jwt.payload, idp.clientId);
  checkTimes(jwt.payload, expected.now);
  if (typeof nonce !== "string" || !equalInConstantTime(nonce, expected.nonce)) throw new Rejection("idp_nonce_differs");
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
