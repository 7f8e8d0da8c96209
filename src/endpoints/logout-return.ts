import { randomId } from "../protocol/bytes.ts";
import { logoutRequestUrl, type SamlSession } from "../saml/logout.ts";
import type { SamlHash } from "../saml/signature.ts";
import type { Exchange } from "../service.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { readCookie, writeCookie } from "./cookies.ts";

const RETURN_SECONDS = 600;

/** Where the browser goes when all is done. */
export interface Destination {
  readonly redirectUri: string | undefined;
  readonly state: string | undefined;
}

/** Where the browser goes on the way there. */
export interface Onward {
  readonly redirectUri: string;
  /** A `Set-Cookie`: where it goes afterwards, where the protocol has no room for that. */
  readonly cookie?: string;
}

const NOWHERE: Destination = { redirectUri: undefined, state: undefined };
const cookieName = (reference: string) => `logout_${reference}`;

/** Seals where the browser goes afterwards, for ten minutes. */
export async function sealReturn({ ring, service }: Exchange, label: string, destination: Destination): Promise<string> {
  return await seal(ring, "cookie", label, JSON.stringify({ ...destination, expires: service.now() + RETURN_SECONDS }));
}

/** Opens what `sealReturn` made for the same label; undefined for anything else, and nowhere once it is too old. */
export async function openReturn({ ring, service }: Exchange, label: string, sealed: string): Promise<Destination | undefined> {
  const opened = await unseal(ring, "cookie", label, sealed);
  if (opened === undefined) return undefined;
  const { redirectUri, state, expires } = JSON.parse(opened) as Destination & { readonly expires: number };
  return service.now() < expires ? { redirectUri, state } : NOWHERE;
}

/** On the way to `destination` by a single logout service. A RelayState has at most 80 bytes (SAML bindings §3.4.3): it names the cookie that says where to go afterwards. */
export async function samlOnward(exchange: Exchange, location: string, session: SamlSession, hash: SamlHash, destination: Destination): Promise<Onward> {
  const { tenant, ring, service } = exchange;
  const reference = randomId();
  const facts = { issuer: tenant.issuer, destination: location, now: service.now() };
  const redirectUri = await logoutRequestUrl(facts, session, reference, await ring.samlKey(hash));
  const name = cookieName(reference);
  return { redirectUri, cookie: writeCookie(tenant.issuer, name, await sealReturn(exchange, name, destination), RETURN_SECONDS) };
}

/** Where to, when the browser is back from there, and the `Set-Cookie` that forgets it. What the answer says changes nothing: the session here has ended. */
export async function samlReturned(exchange: Exchange, relayState: string): Promise<{ readonly destination: Destination; readonly cookie?: string }> {
  const { tenant, request } = exchange;
  const name = cookieName(relayState);
  const cookie = readCookie(tenant.issuer, request.headers, name);
  if (cookie === undefined) return { destination: NOWHERE };
  return { destination: (await openReturn(exchange, name, cookie)) ?? NOWHERE, cookie: writeCookie(tenant.issuer, name, "", 0) };
}
