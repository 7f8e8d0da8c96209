import { unsealProviderTokens } from "../grants/sealed-provider-tokens.ts";
import type { SamlSession } from "../saml/logout.ts";
import type { Exchange } from "../service.ts";
import type { EndedSession } from "../storage/family/ending-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { seal, unseal } from "../tokens/seal.ts";
import { type Destination, type Onward, openReturn, samlOnward, sealReturn } from "./logout-return.ts";

const STATE = "logout-return";
const subjectLabel = (family: FamilyId) => `idp-subject ${family}`;

/** On the way to `destination` by the IdP, if its record says that the session there ends too: by the IdP's tokens of the login, or by what a SAML IdP calls it. */
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
  url.searchParams.set("state", await sealReturn(exchange, STATE, destination));
  return { redirectUri: url.href };
}

/** Where to, when the IdP sends the browser back with the state that we sealed; anything else in `state` is the application's own. */
export async function returned(exchange: Exchange, state: string | undefined): Promise<Destination | undefined> {
  return state === undefined ? undefined : await openReturn(exchange, STATE, state);
}

/** Seals what a SAML IdP calls a user and the session, for the login's family. */
export async function sealSamlSession({ ring }: Exchange, family: FamilyId, session: SamlSession): Promise<string> {
  const { nameId, nameIdFormat, nameQualifier, spNameQualifier, sessionIndex } = session;
  return await seal(ring, "seal", subjectLabel(family), JSON.stringify({ nameId, nameIdFormat, nameQualifier, spNameQualifier, sessionIndex }));
}

async function samlProviderLogout(exchange: Exchange, family: FamilyId, alias: string, sealed: string, destination: Destination): Promise<Onward | undefined> {
  const idp = await exchange.tenant.samlIdentityProvider(alias);
  const session = await unseal(exchange.ring, "seal", subjectLabel(family), sealed);
  if (idp?.slo === undefined || !idp.logout || idp.disabled || session === undefined) return undefined;
  return await samlOnward(exchange, idp.slo.location, JSON.parse(session) as SamlSession, "SHA-256", destination);
}
