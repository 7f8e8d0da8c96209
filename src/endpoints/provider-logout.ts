import { unsealProviderTokens } from "../grants/sealed-provider-tokens.ts";
import { randomId } from "../protocol/bytes.ts";
import { logoutRequestUrl, type SamlSession } from "../saml/logout.ts";
import type { Exchange } from "../service.ts";
import type { EndedSession } from "../storage/families.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { readCookie, writeCookie } from "./cookies.ts";

const RETURN_SECONDS = 600;

/** Where the browser goes when all is done. */
export interface Destination {
  readonly redirectUri: string | undefined;
  readonly state: string | undefined;
}

/** Where the browser goes on to, so that the session at the IdP ends too. */
export interface Onward {
  readonly redirectUri: string;
  /** A `Set-Cookie`: where it goes afterwards, where the IdP's protocol has no room for that. */
  readonly cookie?: string;
}

const NOWHERE: Destination = { redirectUri: undefined, state: undefined };
const subjectLabel = (family: FamilyId) => `idp-subject ${family}`;
const cookieName = (reference: string) => `logout_${reference}`;

/** Where the session at the IdP ends, if its record says that it does: by the IdP's tokens of the login, or by what a SAML IdP calls it. */
export async function providerLogout(exchange: Exchange, family: FamilyId, ended: EndedSession, destination: Destination): Promise<Onward | undefined> {
  const { service, tenant, ring } = exchange;
  if (ended.idpSubject !== undefined) return await samlProviderLogout(exchange, family, ended.idp, ended.idpSubject, destination);
  if (ended.idpTokens === undefined) return undefined;
  const idp = await tenant.identityProvider(ended.idp);
  const tokens = await unsealProviderTokens(ring, family, ended.idpTokens);
  if (idp?.logout !== true || idp.disabled || tokens === undefined) return undefined;
  const { end_session_endpoint } = await service.providers.metadata(idp.issuer);
  if (end_session_endpoint === undefined) return undefined;
  const url = new URL(end_session_endpoint);
  url.searchParams.set("id_token_hint", tokens.idToken);
  url.searchParams.set("post_logout_redirect_uri", `${new URL(tenant.issuer).origin}/oauth2/logout`);
  url.searchParams.set("state", await sealReturn(exchange, "logout-return", destination));
  return { redirectUri: url.href };
}

/** Where to, when the IdP sends the browser back with the state that we sealed; anything else in `state` is the application's own. */
export async function returned(exchange: Exchange, state: string | undefined): Promise<Destination | undefined> {
  return state === undefined ? undefined : await openReturn(exchange, "logout-return", state);
}

/** Seals what a SAML IdP calls a user and the session, for the login's family. */
export async function sealSamlSession({ ring }: Exchange, family: FamilyId, session: SamlSession): Promise<string> {
  const { nameId, nameIdFormat, nameQualifier, spNameQualifier, sessionIndex } = session;
  return await seal(ring, "seal", subjectLabel(family), JSON.stringify({ nameId, nameIdFormat, nameQualifier, spNameQualifier, sessionIndex }));
}

// A RelayState has at most 80 bytes (SAML bindings §3.4.3): it names the cookie that says where to go afterwards.
async function samlProviderLogout(exchange: Exchange, family: FamilyId, alias: string, sealed: string, destination: Destination): Promise<Onward | undefined> {
  const { tenant, ring, service } = exchange;
  const idp = await tenant.samlIdentityProvider(alias);
  const session = await unseal(ring, "seal", subjectLabel(family), sealed);
  if (idp?.slo === undefined || !idp.logout || idp.disabled || session === undefined) return undefined;
  const [reference, facts] = [randomId(), { issuer: tenant.issuer, destination: idp.slo.location, now: service.now() }];
  const redirectUri = await logoutRequestUrl(facts, JSON.parse(session) as SamlSession, reference, await ring.samlKey("SHA-256"));
  const name = cookieName(reference);
  return { redirectUri, cookie: writeCookie(tenant.issuer, name, await sealReturn(exchange, name, destination), RETURN_SECONDS) };
}

/** Where to, when a SAML IdP sends the browser back, and the `Set-Cookie` that forgets it. What the IdP says changes nothing: the session here has ended. */
export async function samlReturned(exchange: Exchange, relayState: string): Promise<{ readonly destination: Destination; readonly cookie?: string }> {
  const { tenant, request } = exchange;
  const name = cookieName(relayState);
  const cookie = readCookie(tenant.issuer, request.headers, name);
  if (cookie === undefined) return { destination: NOWHERE };
  return { destination: (await openReturn(exchange, name, cookie)) ?? NOWHERE, cookie: writeCookie(tenant.issuer, name, "", 0) };
}

async function sealReturn({ ring, service }: Exchange, label: string, destination: Destination): Promise<string> {
  return await seal(ring, "cookie", label, JSON.stringify({ ...destination, expires: service.now() + RETURN_SECONDS }));
}

async function openReturn({ ring, service }: Exchange, label: string, sealed: string): Promise<Destination | undefined> {
  const opened = await unseal(ring, "cookie", label, sealed);
  if (opened === undefined) return undefined;
  const { redirectUri, state, expires } = JSON.parse(opened) as Destination & { readonly expires: number };
  return service.now() < expires ? { redirectUri, state } : NOWHERE;
}
