import type { JWK } from "jose";
import { forgetOldest } from "../protocol/bounded.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, type VerificationKey } from "../protocol/signature.ts";
import { FETCH_INTERVAL_SECONDS, KEEP_SECONDS, REFRESH_AHEAD_SECONDS, REFRESH_SECONDS } from "./bounds.ts";
import { deadline } from "./outbound.ts";
import { loadKeys, loadMetadata, type ProviderMetadata } from "./provider-documents.ts";

const PROVIDERS_KEPT = 200;
const LOOK_MILLISECONDS = 25;
const LOOKS = 220;

/** Discovery documents and key sets of corporate IdPs, kept within bounds. */
export interface ProviderCache {
  metadata(issuer: string): Promise<ProviderMetadata>;
  /** The key of an IdP by its id and the algorithm that its record allows; as below. */
  verificationKey(issuer: string, keyId: string | undefined, algorithm: string): Promise<VerificationKey | undefined>;
  /** The key at the URL of a key set; undefined when there is none. Throws while its host fails and it may be a new one. */
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

/** How old a document may be (seconds), and when whoever asks for it began to wait (milliseconds); now, if left out. */
interface Look {
  readonly oldest: number;
  readonly began?: number;
}

/** Keeps what IdPs publish, in this isolate. `now` is in seconds; `ownHosts`: where we answer ourselves, and never ask. */
export function providerCache(now: () => number, ownHosts: ReadonlySet<string>): ProviderCache {
  const documents = new Map<string, Kept<ProviderMetadata>>();
  const keySets = new Map<string, Kept<readonly JWK[]>>();

  async function kept<T>(store: Map<string, Kept<T>>, name: string, load: () => Promise<T>, { oldest, began = Date.now() }: Look): Promise<T> {
    const known = store.get(name);
    const at = now();
    const usable = usableOf(known, at);
    const mayFetch = known === undefined || at - known.tried >= FETCH_INTERVAL_SECONDS;
    const wantsFetch = usable === undefined || at - (known?.fetched ?? 0) >= oldest;
    // A new look that is under way is one for whoever needs it.
    if (usable !== undefined && !(mayFetch && wantsFetch) && !(oldest === 0 && known?.pending)) return usable;
    if (!mayFetch) return await awaited(store, name, began);
    // The one that was asked for least lately makes room: one tenant's many leave the others' alone as long as may be.
    store.delete(name);
    const before = { value: known?.value, fetched: known?.fetched ?? 0, tried: at };
    store.set(name, { ...before, pending: true });
    forgetOldest(store, PROVIDERS_KEPT);
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
  async function awaited<T>(store: Map<string, Kept<T>>, name: string, began: number): Promise<T> {
    const isPending = () => store.get(name)?.pending === true && Date.now() < began + LOOKS * LOOK_MILLISECONDS;
    for (let looks = 0; looks < LOOKS && isPending(); looks++) await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    const known = store.get(name);
    const value = usableOf(known, now());
    if (value === undefined) throw known?.failure ?? new Rejection("idp_unreachable", { note: "waiting for another request" });
    return value;
  }

  const metadataOf = (issuer: string, look: Look) => kept(documents, issuer, () => loadMetadata(issuer, ownHosts, deadline(look.began)), look);
  const keysAt = (url: string, look: Look) => kept(keySets, url, () => loadKeys(url, ownHosts, deadline(look.began)), look);
  const metadata = (issuer: string) => metadataOf(issuer, { oldest: REFRESH_SECONDS });

  const keyAt = async (url: string, keyId: string | undefined, algorithm: string, began = Date.now()) => {
    // A key that we do not know may be new: one look, if the interval allows it.
    const jwk = pick(await keysAt(url, { oldest: REFRESH_SECONDS, began }), keyId, algorithm) ?? pick(await keysAt(url, { oldest: 0, began }), keyId, algorithm);
    // While its host fails nobody can tell whether a key that we do not know is a new one.
    const failure = jwk === undefined ? keySets.get(url)?.failure : undefined;
    if (failure !== undefined) throw failure;
    return jwk === undefined ? undefined : await importPublicKey(jwk, algorithm);
  };

  return {
    metadata,
    keyAt,
    verificationKey: async (issuer, keyId, algorithm) => {
      // Discovery and keys together: who waits for a slow IdP waits five seconds, and not twice.
      const began = Date.now();
      return await keyAt((await metadataOf(issuer, { oldest: REFRESH_SECONDS, began })).jwks_uri, keyId, algorithm, began);
    },
    warm: async (issuer) => {
      try {
        const ahead = { oldest: REFRESH_AHEAD_SECONDS };
        await keysAt((await metadataOf(issuer, ahead)).jwks_uri, ahead);
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
