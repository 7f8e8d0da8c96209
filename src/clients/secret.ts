import { equalInConstantTime, sha256 } from "../protocol/bytes.ts";
import type { Client } from "../tenants/client.ts";

const NO_HASH = "A".repeat(43);

/**
 * Whether a secret is one of the client's that are valid now. An unknown client, and one without secrets, costs one hash
 * and one comparison as well, and never matches.
 */
export async function isClientSecret(secret: string, client: Client | undefined, now: number): Promise<boolean> {
  const presented = await sha256(secret);
  const hashes: string[] = [];
  for (const { hash, notBefore = 0, expires = Number.POSITIVE_INFINITY } of client?.secrets ?? []) if (notBefore <= now && now < expires) hashes.push(hash);
  if (client?.developmentSecret !== undefined) hashes.push(await sha256(client.developmentSecret));
  const isKnown = hashes.length > 0;
  let matches = false;
  // Each is compared, whichever matches.
  for (const hash of isKnown ? hashes : [NO_HASH]) matches = equalInConstantTime(presented, hash) || matches;
  return isKnown && matches;
}
