import type { LoginSecrets } from "../federation/relying-party.ts";
import { authnRequestUrl } from "../saml/authn-request.ts";
import type { Exchange } from "../service.ts";

/** Where corporate SAML IdPs post their Responses to. */
export function samlAcsUrl(issuer: string): string {
  return `${new URL(issuer).origin}/saml2/sp/acs`;
}

/** The id of our AuthnRequest: as random as the login's nonce, and an xs:ID. */
export function requestIdOf({ nonce }: LoginSecrets): string {
  return `_${nonce}`;
}

/** Where the browser goes to log in at a SAML IdP. The RelayState says which IdP and which login it comes back from. */
export async function samlLoginUrl(
  { tenant, ring, service }: Exchange,
  { alias, ssoUrl, secrets, forceAuthn }: { readonly alias: string; readonly ssoUrl: string; readonly secrets: LoginSecrets; readonly forceAuthn: boolean },
): Promise<string> {
  const facts = { id: requestIdOf(secrets), issuer: tenant.issuer, destination: ssoUrl, acs: samlAcsUrl(tenant.issuer), now: service.now(), forceAuthn };
  return await authnRequestUrl(facts, `${alias}.${secrets.state}`, await ring.samlKey("SHA-256"));
}
