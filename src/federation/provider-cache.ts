import type { JWK } from "jose";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, type VerificationKey } from "../protocol/signature.ts";
import { FETCH_INTERVAL_SECONDS, KEEP_SECONDS, REFRESH_AHEAD_SECONDS, REFRESH_SECONDS } from "./bounds.ts";
import { loadKeys, loadMetadata, type ProviderMetadata } from "./provider-documents.ts";

const PROVIDERS_KEPT = 200;
const LOOK_MILLISECONDS = 25;
const LOOKS = 220;

/** Discovery documents and key sets of corporate IdPs, kept within bounds. */
export interface ProviderCache {
  metadata(issuer: string): Promise<ProviderMetadata>;
  /** The key of an IdP by its id and the algorithm that its record allows; undefined when there is none. Throws while the IdP fails and it may be a new one. */
  verificationKey(issuer: string, keyId: string | undefined, algorithm: string): Promise<VerificationKey | undefined>;
  /** The key at the URL of a key set; undefined when there is none among those that are known. */
  keyAt(url: string, keyId: string | undefined, algorithm: string): Promise<VerificationKey | undefined>;
  /** Fetches what is about to be needed of an IdP, or will soon be old. For after a response; never throws. */
  warm(issuer: string): Promise<void>;
}

// Values, never promises: a request does not wait for another's fetch, and a bad answer never replaces a good one.
interface Kept<T> {
  readonly value: T | undefined;
  readonly fetched: number;
  readonly tried: number;
  readonly pending: boolean;
  /** Why the last try failed. */
  readonly failure?: unknown;
}

/** Keeps what IdPs publish, in this isolate. `now` is in seconds; `ownHosts`: where we answer ourselves, and never ask. */
export function providerCache(now: () => number, ownHosts: ReadonlySet<string>): ProviderCache {
  const documents = new Map<string, Kept<ProviderMetadata>>();
  const keySets = new Map<string, Kept<readonly JWK[]>>();

  async function kept<T>(store: Map<string, Kept<T>>, name: string, load: () => Promise<T>, oldest: number): Promise<T> {
    const known = store.get(name);
    const at = now();
    const usable = usableOf(known, at);
    const mayFetch = known === undefined || at - known.tried >= FETCH_INTERVAL_SECONDS;
    const wantsFetch = usable === undefined || at - (known?.fetched ?? 0) >= oldest;
    if (usable !== undefined && !(mayFetch && wantsFetch)) return usable;
    if (!mayFetch) return await awaited(store, name);
    // The one that was asked for least lately makes room: one tenant's many leave the others' alone as long as may be.
    store.delete(name);
    const [first] = store.keys();
    if (first !== undefined && store.size >= PROVIDERS_KEPT) store.delete(first);
    const before = { value: known?.value, fetched: known?.fetched ?? 0, tried: at };
    store.set(name, { ...before, pending: true });
    try {
      const value = await load();
      store.set(name, { value, fetched: at, tried: at, pending: false });
      return value;
    } catch (cause) {
      store.set(name, { ...before, pending: false, failure: cause });
      if (usable !== undefined) return usable;
      throw cause;
    }
  }

  // Another request is fetching the first answer. Its promise is not ours to wait for; its result is there to be looked at.
  async function awaited<T>(store: Map<string, Kept<T>>, name: string): Promise<T> {
    for (let looks = 0; looks < LOOKS && store.get(name)?.pending === true; looks++) await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    const known = store.get(name);
    const value = usableOf(known, now());
    if (value === undefined) throw known?.failure ?? new Rejection("idp_unreachable", { note: "waiting for another request" });
    return value;
  }

  const metadataOf = (issuer: string, oldest: number) => kept(documents, issuer, () => loadMetadata(issuer, ownHosts), oldest);
  const keysAt = (url: string, oldest: number) => kept(keySets, url, () => loadKeys(url, ownHosts), oldest);
  const metadata = (issuer: string) => metadataOf(issuer, REFRESH_SECONDS);

  const keyAt: ProviderCache["keyAt"] = async (url, keyId, algorithm) => {
    // A key that we do not know may be new: one look, if the interval allows it.
    const jwk = pick(await keysAt(url, REFRESH_SECONDS), keyId, algorithm) ?? pick(await keysAt(url, 0), keyId, algorithm);
    return jwk === undefined ? undefined : await importPublicKey(jwk, algorithm);
  };

  return {
    metadata,
    keyAt,
    verificationKey: async (issuer, keyId, algorithm) => {
      const url = (await metadata(issuer)).jwks_uri;
      const key = await keyAt(url, keyId, algorithm);
      // While the IdP fails nobody can tell whether a key that we do not know is a new one of its own.
      const failure = key === undefined ? keySets.get(url)?.failure : undefined;
      if (failure !== undefined) throw failure;
      return key;
    },
    warm: async (issuer) => {
      try {
        await keysAt((await metadataOf(issuer, REFRESH_AHEAD_SECONDS)).jwks_uri, REFRESH_AHEAD_SECONDS);
      } catch {
        // Whoever needs it is told.
      }
    },
  };
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
