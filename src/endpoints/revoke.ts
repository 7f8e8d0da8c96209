import { dialectOf } from "../dialects/index.ts";
import { recodeBase64url } from "../protocol/bytes.ts";
import type { ClientRequest, Exchange } from "../service.ts";
import type { Revocation } from "../storage/family/ending-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { removeCopiesLater } from "../tokens/copies.ts";
import { isUnreadable, readToken, type Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { clientRequest } from "./client-request.ts";
import { forOrigin } from "./cors.ts";
import { empty } from "./response.ts";

/**
 * `POST /oauth2/revoke`, RFC 7009: an access or ID token with all that was exchanged from it, a refresh token with its
 * grant. 200 for whatever there is nothing to do about, another client's token included; never before the durable write.
 */
export async function revoke(exchange: Exchange): Promise<Response> {
  const request = await clientRequest(exchange, "with bearer");
  const { form, ring, service, audit } = request;
  const token = await readSpelled(form.require("token"), async (text) => await readToken(ring, text, service.now()));
  const ask = isUnreadable(token) ? undefined : revocationOf(request, token);
  if (ask === undefined) audit.write({ status: 200, reason: isUnreadable(token) ? token.reason : "client_differs" });
  else audit.write({ status: 200, family: ask.family, ...((await carryOut(request, ask)) ? { issued: "revocation" } : { reason: "nothing_revoked" }) });
  return forOrigin(exchange.request, request.client, empty());
}

// What another encoder made of a token is the token still: answering 200 and leaving the real one alive would be a lie.
async function readSpelled(text: string, read: (text: string) => Promise<VerifiedToken | Unreadable>): Promise<VerifiedToken | Unreadable> {
  const token = await read(text);
  const again = isUnreadable(token) ? respelled(text) : text;
  return again === text ? token : await read(again);
}

function respelled(text: string): string {
  const [, prefix = "", body = ""] = /^(cambio_[a-z]+_)?(.*)$/.exec(text.trim()) ?? [];
  return prefix + body.split(".").map(recodeBase64url).join(".");
}

interface Ask {
  readonly family: FamilyId;
  readonly revocation: Revocation;
}

function revocationOf({ clientId, client, tenant }: ClientRequest, token: VerifiedToken): Ask | undefined {
  const everyGrant = dialectOf(client).revokesSession;
  if (token.format === "opaque") {
    const { family, parent, node } = token.token;
    const place = { parent, node, client: clientId, everyGrant };
    return { family, revocation: token.kind === "refresh_token" ? { kind: "refresh", ...place } : { kind: "opaque", ...place, hash: token.hash } };
  }
  if (token.client !== clientId) return undefined;
  const { family, path, node, root } = token.lineage;
  if (everyGrant && !root.lazy) return { family, revocation: { kind: "client", client: clientId, grant: path.at(-1) ?? node } };
  return { family, revocation: { kind: "node", node, tenant: tenant.issuer, expires: token.expires, lazy: root.lazy } };
}

// Whose an opaque token is stands in its family alone, which leaves another client's as it is.
async function carryOut(request: ClientRequest, { family, revocation }: Ask): Promise<boolean> {
  const { service } = request;
  const { found, hashes } = await service.families.revoke(family, revocation);
  service.statuses.forget(family);
  removeCopiesLater(request, hashes);
  return found;
}
