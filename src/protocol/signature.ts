import type { JWK } from "jose";
import { bytesOf, sha256, toBase64url } from "./bytes.ts";
import type { UnverifiedJwt } from "./jwt-gate.ts";

const RSA_MODULUS_BITS = 2048;
/** A longer one only makes each verification dearer: for whoever chose it, at our cost. */
const RSA_MODULUS_LIMIT = 8192;

/** A public key that may verify signatures of one algorithm, and no other. */
export interface VerificationKey {
  readonly key: CryptoKey;
  readonly algorithm: string;
}

interface SignatureAlgorithm {
  readonly kty: string;
  readonly crv?: string;
  /** The same in the words of WebCrypto. */
  readonly parameters: { readonly name: string; readonly hash?: string; readonly namedCurve?: string; readonly saltLength?: number };
}

/** The algorithms that we know (RFC 7518 §3.1, RFC 8037 §3.1), each with the one type of key that it takes. */
const ALGORITHMS: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
  ["ES256", { kty: "EC", crv: "P-256", parameters: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } }],
  ["ES384", { kty: "EC", crv: "P-384", parameters: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" } }],
  ["RS256", { kty: "RSA", parameters: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } }],
  ["PS256", { kty: "RSA", parameters: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 } }],
  ["EdDSA", { kty: "OKP", crv: "Ed25519", parameters: { name: "Ed25519" } }],
]);

/** Imports a public JWK for one algorithm. Undefined for a key of another type, an RSA key below 2048 bit or above 8192, private or symmetric material. */
export async function importPublicKey(jwk: JWK, algorithm: string): Promise<VerificationKey | undefined> {
  if (jwk.d !== undefined || jwk.k !== undefined) return undefined;
  const { kty, crv, x, y, n, e } = jwk;
  const key = await importJwk({ kty, crv, x, y, n, e }, algorithm, "verify").catch(() => undefined);
  return key === undefined ? undefined : { key, algorithm };
}

/** Imports a private JWK for one algorithm. Undefined for a key of another type, and an RSA key below 2048 bit or above 8192. */
export async function importPrivateKey({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi }: JWK, algorithm: string): Promise<CryptoKey | undefined> {
  return await importJwk({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi }, algorithm, "sign");
}

async function importJwk(jwk: { readonly [Name in keyof JWK]: JWK[Name] | undefined }, algorithm: string, usage: "sign" | "verify"): Promise<CryptoKey | undefined> {
  const known = ALGORITHMS.get(algorithm);
  if (known === undefined || jwk.kty !== known.kty || jwk.crv !== known.crv) return undefined;
  const members = Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined));
  // WebCrypto would make text of whatever stands there.
  if (!Object.values(members).every((member) => typeof member === "string")) return undefined;
  const key = await crypto.subtle.importKey("jwk", members as unknown as JsonWebKey, known.parameters, false, [usage]);
  const { modulusLength = RSA_MODULUS_BITS } = key.algorithm as { readonly modulusLength?: number };
  return modulusLength < RSA_MODULUS_BITS || modulusLength > RSA_MODULUS_LIMIT ? undefined : key;
}

/** The thumbprint of a public key, RFC 7638: SHA-256 of its required members in the order of their names. */
export async function thumbprint({ kty, crv, x, y, n, e }: JWK): Promise<string> {
  const members = kty === "EC" ? { crv, kty, x, y } : kty === "RSA" ? { e, kty, n } : { crv, kty, x };
  if (!Object.values(members).every((member) => typeof member === "string")) throw new TypeError("not a public key");
  return await sha256(JSON.stringify(members));
}

/** True when the signature of a gated JWT holds. The key fixes the algorithm (RFC 8725 §3.1); the token has no say. */
export async function verifySignature(jwt: UnverifiedJwt, { key, algorithm }: VerificationKey): Promise<boolean> {
  const known = ALGORITHMS.get(algorithm);
  if (jwt.algorithm !== algorithm || known === undefined) return false;
  try {
    return await crypto.subtle.verify(known.parameters, key, jwt.signature, bytesOf(jwt.text.slice(0, jwt.text.lastIndexOf("."))));
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

// A key signs few types, and each with the same header for as long as the key is held.
const headers = new WeakMap<CryptoKey, Map<string, string>>();

function headerOf(type: string, { key, algorithm, keyId }: SigningKey): string {
  const known = headers.get(key)?.get(type);
  if (known !== undefined) return known;
  const header = `${encoded({ alg: algorithm, kid: keyId, typ: type })}.`;
  headers.set(key, (headers.get(key) ?? new Map<string, string>()).set(type, header));
  return header;
}

function encoded(part: object): string {
  return toBase64url(bytesOf(JSON.stringify(part)));
}

/** Signs claims as a compact JWS with an explicit `typ` (RFC 8725 §3.11); members without a value are left out. */
export async function signJwt(claims: object, type: string, { key, algorithm, keyId }: SigningKey): Promise<string> {
  const known = ALGORITHMS.get(algorithm);
  if (known === undefined) throw new TypeError(`cannot sign with ${algorithm}`);
  const input = headerOf(type, { key, algorithm, keyId }) + encoded(claims);
  return `${input}.${toBase64url(new Uint8Array(await crypto.subtle.sign(known.parameters, key, bytesOf(input))))}`;
}
