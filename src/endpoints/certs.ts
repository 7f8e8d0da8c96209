import type { Exchange } from "../service.ts";
import { publicJson } from "./response.ts";

/** How long a verifier may keep the key set. Seconds; a key is published at least this long before it signs. */
export const KEY_SET_MAX_AGE_SECONDS = 300;

/** `/oauth2/certs`: the public keys that tokens may be signed with (RFC 7517). */
export async function certs({ ring }: Exchange): Promise<Response> {
  return publicJson({ keys: ring.published() }, KEY_SET_MAX_AGE_SECONDS);
}
