import type { Exchange } from "../service.ts";
import type { Status } from "../storage/family/status-ask.ts";
import type { TokenCopy } from "../storage/token-copies.ts";
import { seal, unseal } from "./seal.ts";

const COPY_VERSION = 1;
/** How long a copy says anything: the bound of `eventual`, whatever ended the token since. Seconds. */
const COPY_SECONDS = 60;

type Alive = Extract<Status, { readonly alive: true }>;

/**
 * Writes the copy of an opaque token after the response, where someone could read it: a KV write is the dearest thing we
 * do. The hash is bound to it: a copy opens under its own key only.
 */
export function copyLater(exchange: Exchange, hash: string, status: Alive): void {
  const { tenant, after } = exchange;
  const { tokenCopies, consistency } = tenant.settings;
  if (!tokenCopies || consistency !== "eventual" || status.leaf === undefined) return;
  const copy: TokenCopy = { status, expires: Math.min(status.leaf.expires, status.now + COPY_SECONDS) };
  after(write(exchange, hash, copy).catch(() => undefined));
}

/** The copy of a token, if there is one that opens, of this version, and not older than the bound. */
export async function readCopy({ service, ring }: Exchange, hash: string): Promise<TokenCopy | undefined> {
  const sealed = await service.copies.read(hash);
  const text = sealed === undefined ? undefined : await unseal(ring, "seal", `copy ${hash}`, sealed);
  // We sealed it, so it has the shape that its version of us gave it. Another version's copy is a miss.
  const prefix = `[${COPY_VERSION},`;
  if (text === undefined || !text.startsWith(prefix)) return undefined;
  const [, copy] = JSON.parse(text) as readonly [number, TokenCopy];
  return copy.expires > service.now() ? copy : undefined;
}

/** Deletes copies after the response, where there can be any. */
export function removeCopiesLater({ service, tenant, after }: Exchange, hashes: readonly string[]): void {
  if (!tenant.settings.tokenCopies || tenant.settings.consistency !== "eventual" || hashes.length === 0) return;
  after(Promise.allSettled(hashes.map((hash) => service.copies.remove(hash))));
}

async function write({ service, ring }: Exchange, hash: string, copy: TokenCopy): Promise<void> {
  await service.copies.write(hash, await seal(ring, "seal", `copy ${hash}`, JSON.stringify([COPY_VERSION, copy])), copy.expires);
}
