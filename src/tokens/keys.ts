import { importJWK, type JWK } from "jose";
import type { Config, DeployedSigningKey } from "../config.ts";
import { bytesOf, fromBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, type SigningKey, type VerificationKey } from "../protocol/signature.ts";
import type { KeyRoles } from "../tenants/key-roles.ts";
import type { SigningAlgorithm } from "../tenants/token-policy.ts";

/** What a token key is used for; HKDF derives one key for each, so that none can stand for another. */
export type Purpose = "mac" | "seal" | "successor" | "cookie";

const PURPOSES: Readonly<Record<Purpose, { readonly algorithm: HmacImportParams | AesDerivedKeyParams; readonly usages: KeyUsage[] }>> = {
  mac: { algorithm: { name: "HMAC", hash: "SHA-256", length: 256 }, usages: ["sign"] },
  seal: { algorithm: { name: "AES-GCM", length: 256 }, usages: ["encrypt", "decrypt"] },
  successor: { algorithm: { name: "HMAC", hash: "SHA-256", length: 256 }, usages: ["sign"] },
  cookie: { algorithm: { name: "AES-GCM", length: 256 }, usages: ["encrypt", "decrypt"] },
};

type KeyUsage = "sign" | "encrypt" | "decrypt";
interface HmacImportParams {
  readonly name: string;
  readonly hash: string;
  readonly length: number;
}
interface AesDerivedKeyParams {
  readonly name: string;
  readonly length: number;
}

/** The keys of one tenant, in their roles of this moment. */
export interface KeyRing {
  readonly issuer: string;
  /** The key that signs with this algorithm: the current one if this deployment has it, else one still published; else `unavailable`. */
  signingKey(algorithm: SigningAlgorithm): Promise<SigningKey>;
  /** A published key by its id; undefined for any other, and for another algorithm than the key's own. */
  verificationKey(keyId: string, algorithm: string): Promise<VerificationKey | undefined>;
  /** The public keys of this deployment that are not dropped, as JWKs. */
  published(): readonly JWK[];
  /** The algorithms that tokens can be signed with now. */
  algorithms(): readonly SigningAlgorithm[];
  /** The number of the token key that new things are made with. */
  tokenKeyNumber(): number;
  /** One derived token key; undefined when the number is unknown or dropped. */
  tokenKey(number: number, purpose: Purpose): Promise<CryptoKey | undefined>;
}

/** The keys of this isolate, imported when they are first needed and kept. */
export interface KeyStore {
  ringOf(issuer: string, roles: KeyRoles): KeyRing;
}

/** Keeps imported keys for the life of the isolate; whether a key may be used is asked of the roles each time. */
export function keyStore(config: Config): KeyStore {
  const imported = new Map<string, CryptoKey>();

  async function derived(number: number, purpose: Purpose): Promise<CryptoKey | undefined> {
    const name = `${number}/${purpose}`;
    const known = imported.get(name);
    const secret = fromBase64url(config.tokenKeys.get(number) ?? "");
    if (known !== undefined || secret === undefined || secret.length === 0) return known;
    const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const { algorithm, usages } = PURPOSES[purpose];
    const info = bytesOf(`cambio ${purpose}`);
    const key = await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, base, algorithm, false, usages);
    imported.set(name, key);
    return key;
  }

  async function privateKey(key: DeployedSigningKey): Promise<CryptoKey> {
    const known = imported.get(key.keyId);
    if (known !== undefined) return known;
    const { kty, crv, x, y, d, n, e, p, q, dp, dq, qi } = key.jwk;
    const fresh = await importJWK({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi } as JWK, key.algorithm);
    if (!(fresh instanceof CryptoKey)) throw new Error("a signing key is not asymmetric");
    imported.set(key.keyId, fresh);
    return fresh;
  }

  async function publicKey(key: DeployedSigningKey): Promise<VerificationKey | undefined> {
    const name = `public ${key.keyId}`;
    const known = imported.get(name);
    if (known !== undefined) return { key: known, algorithm: key.algorithm };
    const fresh = await importPublicKey(publicJwk(key), key.algorithm);
    if (fresh !== undefined) imported.set(name, fresh.key);
    return fresh;
  }

  return {
    ringOf: (issuer, roles) => {
      const roleOf = (number: number) => roles.signing.find((key) => key.number === number)?.role;
      const usable = config.signingKeys.filter((key) => (key.issuer ?? issuer) === issuer && roleOf(key.number) !== "dropped");
      const isDropped = (number: number) => roles.token.find((key) => key.number === number)?.role === "dropped";
      return {
        issuer,
        signingKey: async (algorithm) => {
          const able = usable.filter((key) => key.algorithm === algorithm);
          const key = able.find(({ number }) => roleOf(number) === "current") ?? able.find(({ number }) => roleOf(number) === "previous");
          if (key === undefined) throw new Rejection("unavailable", { note: `no ${algorithm} key` });
          return { key: await privateKey(key), algorithm, keyId: key.keyId };
        },
        verificationKey: async (keyId, algorithm) => {
          const key = usable.find((candidate) => candidate.keyId === keyId && candidate.algorithm === algorithm);
          return key === undefined ? undefined : await publicKey(key);
        },
        published: () => usable.map((key) => ({ ...publicJwk(key), use: "sig", alg: key.algorithm, kid: key.keyId })),
        algorithms: () => [...new Set(usable.filter(({ number }) => ["current", "previous"].includes(roleOf(number) ?? "")).map((key) => key.algorithm))],
        tokenKeyNumber: () => {
          const held = (role: string) => roles.token.find((key) => key.role === role && config.tokenKeys.has(key.number));
          const key = held("current") ?? held("previous");
          if (key === undefined) throw new Rejection("unavailable", { note: "no token key" });
          return key.number;
        },
        tokenKey: async (number, purpose) => (isDropped(number) ? undefined : await derived(number, purpose)),
      };
    },
  };
}

function publicJwk({ jwk }: DeployedSigningKey): JWK {
  const { kty, crv, x, y, n, e } = jwk;
  return Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined)) as unknown as JWK;
}
