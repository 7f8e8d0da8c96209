import { equalInConstantTime, sha256 } from "../protocol/bytes.ts";
import type { Client } from "../tenants/client.ts";

const NO_HASH = "A".repeat(43);

/**
 * Whether a secret is one of the client's that are valid now. An unknown client, and one without secrets, costs one hash
 * and one comparison as well, and never matches.
 */
export async function isClientSecret(secret: string, client: Client | undefined, now: number): Promise<boolean> {
  const presented = await sha256(secret);
  const valid = (client?.secrets ?? []).filter(({ notBefore, expires }) => (notBefore ?? 0) <= now && now < (expires ?? Number.POSITIVE_INFINITY));
  const hashes = valid.map(({ hash }) => hash);
  if (client?.developmentSecret !== undefined) hashes.push(await sha256(client.developmentSecret));
  const matches = (hashes.length === 0 ? [NO_HASH] : hashes).map((hash) => equalInConstantTime(presented, hash));
  return hashes.length > 0 && matches.includes(true);
}
