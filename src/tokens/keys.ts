import type { JWK } from "jose";
import type { Config, DeployedSigningKey } from "../config.ts";
import { bytesOf, fromBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPrivateKey, importPublicKey, type SigningKey, type VerificationKey } from "../protocol/signature.ts";
import type { SamlHash, SamlKey } from "../saml/signature.ts";
import type { KeyRole, KeyRoles, SigningPublicJwk } from "../tenants/key-roles.ts";
import type { KeyAlgorithm, SigningAlgorithm } from "../tenants/token-policy.ts";
import { type VerifiedTokens, verifiedTokens } from "./verified-tokens.ts";

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
  /** Tokens that these keys have verified, by their whole text. A change of any key's role makes a new ring, which knows none. */
  readonly verified: VerifiedTokens;
  /** The key that signs with this algorithm: the current one if this deployment has it, else one still published; else `unavailable`. */
  signingKey(algorithm: SigningAlgorithm): Promise<SigningKey>;
  /** The key that signs SAML, chosen likewise; else `unavailable`. */
  samlKey(hash: SamlHash): Promise<SamlKey>;
  /** The certificates that SAML may be signed with, base64: the current one first. */
  samlCertificates(): readonly string[];
  /** A published key by its id; undefined for any other, and for another algorithm than the key's own. */
  verificationKey(keyId: string, algorithm: string): Promise<VerificationKey | undefined>;
  /** The public keys that are not dropped, as JWKs: those of the record, the same in every version of the Worker, and those of this deployment. */
  published(): readonly JWK[];
  /** The algorithms that tokens can be signed with now. */
  algorithms(): readonly SigningAlgorithm[];
  /** The number of the token key that new things are made with. */
  tokenKeyNumber(): number;
  /** One derived token key; undefined when the number is unknown or dropped; `unavailable` when only another version of the Worker holds it. */
  tokenKey(number: number, purpose: Purpose): Promise<CryptoKey | undefined>;
}

/** The keys of this isolate, imported when they are first needed and kept. */
export interface KeyStore {
  ringOf(issuer: string, roles: KeyRoles): KeyRing;
}

/**
 * Keeps imported keys for the life of the isolate; whether a key may be used is asked of the roles. A ring is kept while
 * its tenant's roles are the very record that it was made of.
 */
export function keyStore(config: Config): KeyStore {
  const imported = new Map<string, CryptoKey>();
  const tokenKeys: Readonly<Record<Purpose, Map<number, CryptoKey>>> = { mac: new Map(), seal: new Map(), successor: new Map(), cookie: new Map() };
  const rings = new Map<string, { readonly roles: KeyRoles; readonly ring: KeyRing }>();

  async function derived(number: number, purpose: Purpose): Promise<CryptoKey | undefined> {
    const known = tokenKeys[purpose].get(number);
    if (known !== undefined) return known;
    const secret = fromBase64url(config.tokenKeys.get(number) ?? "");
    if (secret === undefined || secret.length === 0) return undefined;
    const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const { algorithm, usages } = PURPOSES[purpose];
    const info = bytesOf(`cambio ${purpose}`);
    const key = await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info }, base, algorithm, false, usages);
    tokenKeys[purpose].set(number, key);
    return key;
  }

  async function privateKey(key: DeployedSigningKey): Promise<CryptoKey> {
    const known = imported.get(key.keyId);
    if (known !== undefined) return known;
    const fresh = await importPrivateKey(key.jwk, key.algorithm);
    if (fresh === undefined) throw new Error("a signing key does not fit its algorithm");
    imported.set(key.keyId, fresh);
    return fresh;
  }

  async function samlPrivateKey({ keyId, jwk }: DeployedSigningKey, hash: SamlHash): Promise<CryptoKey> {
    const name = `${hash} ${keyId}`;
    const { alg: _alg, x5c: _x5c, ...members } = jwk;
    const key = imported.get(name) ?? (await crypto.subtle.importKey("jwk", members as JsonWebKey, { name: "RSASSA-PKCS1-v1_5", hash }, false, ["sign"]));
    imported.set(name, key);
    return key;
  }

  async function publicKey(key: PublishedKey): Promise<VerificationKey | undefined> {
    const name = `public ${key.keyId}`;
    const known = imported.get(name);
    if (known !== undefined) return { key: known, algorithm: key.algorithm };
    const fresh = await importPublicKey(key.publicJwk, key.algorithm);
    if (fresh !== undefined) imported.set(name, fresh.key);
    return fresh;
  }

  function newRing(issuer: string, roles: KeyRoles): KeyRing {
    const usable = publishedKeys(config, issuer, roles);
    const signers = new Map<SigningAlgorithm, SigningKey>();
    const verifiers = new Map<string, VerificationKey>();
    const held = (role: string) => roles.token.find((key) => key.role === role && config.tokenKeys.has(key.number))?.number;
    const current = held("current") ?? held("previous");
    return {
      issuer,
      verified: verifiedTokens(config.verifiedTokensKept),
      signingKey: async (algorithm) => {
        const known = signers.get(algorithm);
        if (known !== undefined) return known;
        const held = signerOf(usable, algorithm);
        const signer = { key: await privateKey(held), algorithm, keyId: held.keyId };
        signers.set(algorithm, signer);
        return signer;
      },
      samlKey: async (hash) => {
        const held = signerOf(usable, SAML);
        return { key: await samlPrivateKey(held, hash), hash, certificate: held.publicJwk.x5c?.[0] ?? "" };
      },
      samlCertificates: () => {
        const rank = ({ role = "next" }: PublishedKey) => ["current", "next", "previous"].indexOf(role);
        const own = usable.filter(({ algorithm }) => algorithm === SAML).toSorted((a, b) => rank(a) - rank(b));
        return own.flatMap(({ publicJwk }) => publicJwk.x5c?.[0] ?? []);
      },
      verificationKey: async (keyId, algorithm) => {
        const known = verifiers.get(keyId);
        if (known?.algorithm === algorithm) return known;
        const key = usable.find((candidate) => candidate.keyId === keyId && candidate.algorithm === algorithm);
        const verifier = key === undefined ? undefined : await publicKey(key);
        if (verifier !== undefined) verifiers.set(keyId, verifier);
        return verifier;
      },
      published: () => usable.filter(isForTokens).map(({ publicJwk, algorithm, keyId }) => ({ ...publicJwk, use: "sig", alg: algorithm, kid: keyId })),
      algorithms: () => [
        ...new Set(usable.filter(isForTokens).flatMap(({ role, held, algorithm }) => (held !== undefined && (role === "current" || role === "previous") ? [algorithm] : []))),
      ],
      tokenKeyNumber: () => {
        if (current === undefined) throw new Rejection("unavailable", { note: "no token key" });
        return current;
      },
      tokenKey: async (number, purpose) => {
        const known = roles.token.find((key) => key.number === number);
        if (known?.role === "dropped") return undefined;
        // What another version of the Worker has made cannot be judged here.
        if (known !== undefined && !config.tokenKeys.has(number)) throw new Rejection("unavailable", { note: "token key of another version" });
        return await derived(number, purpose);
      },
    };
  }

  return {
    ringOf: (issuer, roles) => {
      const known = rings.get(issuer);
      if (known?.roles === roles) return known.ring;
      const ring = newRing(issuer, roles);
      rings.set(issuer, { roles, ring });
      return ring;
    },
  };
}

const SAML = "SAML";

function isForTokens<Key extends { readonly algorithm: KeyAlgorithm }>(key: Key): key is Key & { readonly algorithm: SigningAlgorithm } {
  return key.algorithm !== SAML;
}

function signerOf(usable: readonly PublishedKey[], algorithm: KeyAlgorithm): DeployedSigningKey {
  const able = usable.filter((key) => key.algorithm === algorithm);
  const { held } = able.find(({ role, held }) => role === "current" && held) ?? able.find(({ role, held }) => role === "previous" && held) ?? {};
  if (held === undefined) throw new Rejection("unavailable", { note: `no ${algorithm} key` });
  return held;
}

/** A public key, its role, and the private half where this deployment holds it. A key that was never registered has no role, and does not sign. */
interface PublishedKey {
  readonly keyId: string;
  readonly algorithm: KeyAlgorithm;
  readonly publicJwk: SigningPublicJwk;
  readonly role: KeyRole | undefined;
  readonly held: DeployedSigningKey | undefined;
}

// A key that was dropped stays so under whatever number it is deployed, and so does a number whatever key is deployed under it.
function publishedKeys(config: Config, issuer: string, roles: KeyRoles): readonly PublishedKey[] {
  const own = config.signingKeys.filter((key) => (key.issuer ?? issuer) === issuer);
  const recorded = roles.signing.flatMap(({ number, keyId, algorithm, role, publicJwk }): PublishedKey[] => {
    const held = own.find((key) => key.number === number && key.keyId === keyId);
    const half = held?.publicJwk ?? publicJwk;
    return role === "dropped" || half === undefined ? [] : [{ keyId, algorithm, publicJwk: half, role, held }];
  });
  const isKnown = ({ number, keyId }: DeployedSigningKey) => roles.signing.some((key) => key.number === number || key.keyId === keyId);
  const fresh = own.filter((key) => !isKnown(key)).map((held): PublishedKey => ({ ...held, role: undefined, held }));
  return [...recorded, ...fresh];
}
