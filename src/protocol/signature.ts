import { CompactSign, compactVerify, importJWK, type JWK } from "jose";
import { bytesOf } from "./bytes.ts";
import type { UnverifiedJwt } from "./jwt-gate.ts";

const RSA_MODULUS_CHARACTERS = 342; // 2048 bit in base64url

/** A public key that may verify signatures of one algorithm, and no other. */
export interface VerificationKey {
  readonly key: CryptoKey;
  readonly algorithm: string;
}

const KEY_TYPES: ReadonlyMap<string, { readonly kty: string; readonly crv?: readonly string[] }> = new Map([
  ["ES256", { kty: "EC", crv: ["P-256"] }],
  ["ES384", { kty: "EC", crv: ["P-384"] }],
  ["RS256", { kty: "RSA" }],
  ["PS256", { kty: "RSA" }],
  ["EdDSA", { kty: "OKP", crv: ["Ed25519"] }],
]);

/** Imports a public JWK for one algorithm. Undefined for a key of another type, an RSA key below 2048 bit, private or symmetric material. */
export async function importPublicKey(jwk: JWK, algorithm: string): Promise<VerificationKey | undefined> {
  const type = KEY_TYPES.get(algorithm);
  if (type === undefined || jwk.kty !== type.kty || jwk.d !== undefined || jwk.k !== undefined) return undefined;
  if (type.crv !== undefined && !type.crv.includes(jwk.crv ?? "")) return undefined;
  if (jwk.kty === "RSA" && (jwk.n?.length ?? 0) < RSA_MODULUS_CHARACTERS) return undefined;
  const { kty, crv, x, y, n, e } = jwk;
  try {
    const key = await importJWK({ kty, crv, x, y, n, e } as JWK, algorithm);
    return key instanceof CryptoKey ? { key, algorithm } : undefined;
  } catch {
    return undefined;
  }
}

/** True when the signature of a gated JWT holds. The key fixes the algorithm (RFC 8725 §3.1); the token has no say. */
export async function verifySignature(jwt: UnverifiedJwt, { key, algorithm }: VerificationKey): Promise<boolean> {
  if (jwt.algorithm !== algorithm) return false;
  try {
    await compactVerify(jwt.text, key, { algorithms: [algorithm] });
    return true;
  } catch {
    return false;
  }
}

/** A private key with its public identity. */
export interface SigningKey {
  readonly key: CryptoKey;
  readonly algorithm: string;
  readonly keyId: string;
}

/** Signs claims as a compact JWS with an explicit `typ` (RFC 8725 §3.11). */
export async function signJwt(claims: object, type: string, { key, algorithm, keyId }: SigningKey): Promise<string> {
  return await new CompactSign(bytesOf(JSON.stringify(claims))).setProtectedHeader({ alg: algorithm, kid: keyId, typ: type }).sign(key);
}
