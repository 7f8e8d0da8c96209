import type { Exchange } from "../service.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import { type OpaqueToken, readOpaque, writeOpaque } from "../tokens/opaque.ts";
import { readCookie, writeCookie } from "./cookies.ts";

const NAME = "session";

/** The login session that a browser's cookie stands for; undefined when there is no cookie of ours. Not asked whether it lives. */
export async function readSession({ tenant, ring, request }: Exchange): Promise<OpaqueToken | undefined> {
  const cookie = readCookie(tenant.issuer, request.headers, NAME);
  return cookie === undefined ? undefined : await readOpaque(ring, "session", cookie);
}

/** The `Set-Cookie` of a new session. `lifetime` in seconds. */
export async function sessionCookie(
  { tenant, ring }: Exchange,
  session: { readonly family: FamilyId; readonly id: NodeId; readonly secret: string },
  lifetime: number,
): Promise<string> {
  const value = await writeOpaque(ring, {
    kind: "session",
    keyNumber: ring.tokenKeyNumber(),
    family: session.family,
    parent: "",
    node: session.id,
    generation: 0,
    secret: session.secret,
  });
  return writeCookie(tenant.issuer, NAME, value, lifetime);
}

/** The `Set-Cookie` that ends a session in the browser. */
export function noSessionCookie({ tenant }: Exchange): string {
  return writeCookie(tenant.issuer, NAME, "", 0);
}
