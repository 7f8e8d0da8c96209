import type { Exchange } from "../service.ts";
import { KEY_SET_MAX_AGE_SECONDS } from "../tenants/key-roles.ts";
import { publicJson } from "./response.ts";

/** `/oauth2/certs`: the public keys that tokens may be signed with (RFC 7517). */
export async function certs({ ring }: Exchange): Promise<Response> {
  return publicJson({ keys: ring.published() }, KEY_SET_MAX_AGE_SECONDS);
}
