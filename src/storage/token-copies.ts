import { inTime } from "./call.ts";
import type { Status } from "./family/status-ask.ts";

/** What a copy holds: the answer that the family gave when the token was issued, and until when it may be read. */
export interface TokenCopy {
  readonly status: Extract<Status, { readonly alive: true }>;
  /** Seconds. */
  readonly expires: number;
}

/**
 * Sealed copies of opaque tokens, by the hash of their secret. Never a verdict but where `eventual` is asked for: a miss,
 * an error and a copy that does not open all mean "ask the family".
 */
export interface TokenCopies {
  read(hash: string): Promise<string | undefined>;
  write(hash: string, sealed: string, expires: number): Promise<void>;
  remove(hash: string): Promise<void>;
}

const LEAST_TTL_SECONDS = 60;
/** A copy that takes longer than the family would is no gain. */
const READ_MILLISECONDS = 1000;

/** The copies in Workers KV, under `at/<hash>`. What lives less than a minute is not copied: KV takes no shorter life. */
export function kvTokenCopies(namespace: KVNamespace, now: () => number): TokenCopies {
  return {
    read: async (hash) => {
      try {
        return (await inTime(namespace.get(keyOf(hash)), READ_MILLISECONDS)) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write: async (hash, sealed, expires) => {
      const ttl = expires - now();
      if (ttl >= LEAST_TTL_SECONDS) await namespace.put(keyOf(hash), sealed, { expirationTtl: ttl });
    },
    remove: (hash) => namespace.delete(keyOf(hash)),
  };
}

/** The memory twin of the copies. */
export function memoryTokenCopies(now: () => number): TokenCopies {
  const copies = new Map<string, { readonly sealed: string; readonly expires: number }>();
  return {
    read: async (hash) => {
      const copy = copies.get(hash);
      return copy !== undefined && copy.expires > now() ? copy.sealed : undefined;
    },
    write: async (hash, sealed, expires) => {
      if (expires - now() >= LEAST_TTL_SECONDS) copies.set(hash, { sealed, expires });
    },
    remove: async (hash) => void copies.delete(hash),
  };
}

function keyOf(hash: string): string {
  return `at/${hash}`;
}
