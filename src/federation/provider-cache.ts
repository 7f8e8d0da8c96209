import type { JWK } from "jose";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, type VerificationKey } from "../protocol/signature.ts";
import type { ProviderMetadata } from "./provider-documents.ts";

/** A failed or a successful fetch is not repeated within this time, whatever asks for it. */
const FETCH_INTERVAL_SECONDS = 30;
/** How long the last good answer serves while newer ones fail. */
const KEEP_SECONDS = 3600;
/** After this long a good answer is asked for again. */
const REFRESH_SECONDS = 600;
const PROVIDERS_KEPT = 200;
const LOOK_MILLISECONDS = 25;
const LOOKS = 220;

/** Discovery documents and key sets of corporate IdPs, kept within bounds. */
export interface ProviderCache {
  metadata(issuer: string): Promise<ProviderMetadata>;
  /** The key of an IdP by its id and the algorithm that its record allows; undefined when there is none. */
  verificationKey(issuer: string, keyId: string | undefined, algorithm: string): Promise<VerificationKey | undefined>;
  /** The same at the URL of a key set. */
  keyAt(url: string, keyId: string | undefined, algorithm: string): Promise<VerificationKey | undefined>;
}

// Values, never promises: a request does not wait for another's fetch, and a bad answer never replaces a good one.
interface Kept<T> {
  readonly value: T | undefined;
  readonly fetched: number;
  readonly tried: number;
  readonly pending: boolean;
}

// The schemas of what IdPs publish are evaluated with the first login, not with the isolate.
const loadMetadata = async (issuer: string) => await (await import("./provider-documents.ts")).loadMetadata(issuer);
const loadKeys = async (url: string) => await (await import("./provider-documents.ts")).loadKeys(url);

/** Keeps what IdPs publish, in this isolate. `now` is in seconds. */
export function providerCache(now: () => number): ProviderCache {
  const documents = new Map<string, Kept<ProviderMetadata>>();
  const keySets = new Map<string, Kept<readonly JWK[]>>();

  async function kept<T>(store: Map<string, Kept<T>>, name: string, load: () => Promise<T>, refresh: boolean): Promise<T> {
    const known = store.get(name);
    const at = now();
    const usable = usableOf(known, at);
    const mayFetch = known === undefined || at - known.tried >= FETCH_INTERVAL_SECONDS;
    const wantsFetch = usable === undefined || refresh || at - (known?.fetched ?? 0) >= REFRESH_SECONDS;
    if (usable !== undefined && !(mayFetch && wantsFetch)) return usable;
    if (!mayFetch) return await awaited(store, name);
    if (store.size >= PROVIDERS_KEPT) store.clear();
    const before = { value: known?.value, fetched: known?.fetched ?? 0, tried: at };
    store.set(name, { ...before, pending: true });
    try {
      const value = await load();
      store.set(name, { value, fetched: at, tried: at, pending: false });
      return value;
    } catch (cause) {
      store.set(name, { ...before, pending: false });
      if (usable !== undefined) return usable;
      throw cause;
    }
  }

  // Another request is fetching the first answer. Its promise is not ours to wait for; its result is there to be looked at.
  async function awaited<T>(store: Map<string, Kept<T>>, name: string): Promise<T> {
    for (let looks = 0; looks < LOOKS && store.get(name)?.pending === true; looks++) await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    const value = usableOf(store.get(name), now());
    if (value === undefined) throw new Rejection("idp_unreachable", { note: "waiting after a failure" });
    return value;
  }

  const metadata = (issuer: string) => kept(documents, issuer, () => loadMetadata(issuer), false);

  const keyAt: ProviderCache["keyAt"] = async (url, keyId, algorithm) => {
    const known = pick(await kept(keySets, url, () => loadKeys(url), false), keyId, algorithm);
    // A key that we do not know may be new: one look, if the interval allows it.
    const jwk = known ?? pick(await kept(keySets, url, () => loadKeys(url), true), keyId, algorithm);
    return jwk === undefined ? undefined : await importPublicKey(jwk, algorithm);
  };

  return { metadata, keyAt, verificationKey: async (issuer, keyId, algorithm) => await keyAt((await metadata(issuer)).jwks_uri, keyId, algorithm) };
}

function usableOf<T>(kept: Kept<T> | undefined, at: number): T | undefined {
  return kept !== undefined && at - kept.fetched < KEEP_SECONDS ? kept.value : undefined;
}

// Without a kid there must be exactly one key that fits (OpenID Connect Core §10.1).
function pick(keys: readonly JWK[], keyId: string | undefined, algorithm: string): JWK | undefined {
  const fitting = keys.filter((key) => (key.use ?? "sig") === "sig" && (key.alg ?? algorithm) === algorithm && key.kty === keyType(algorithm));
  const named = keyId === undefined ? fitting : fitting.filter((key) => key.kid === keyId);
  return named.length === 1 ? named[0] : undefined;
}

function keyType(algorithm: string): string {
  return algorithm.startsWith("ES") ? "EC" : algorithm === "EdDSA" ? "OKP" : "RSA";
}
