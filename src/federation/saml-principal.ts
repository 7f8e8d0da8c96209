import type { Principal } from "../tenants/principal.ts";
import type { SamlIdentityProvider } from "../tenants/saml-identity-provider.ts";
import { mappedPrincipal } from "./principal.ts";

/** The user of an assertion: by the attributes that the IdP's record names, and by no other. */
export function samlPrincipal(
  sub: string,
  alias: string,
  { attributes: mapping }: SamlIdentityProvider,
  { nameId, attributes }: { readonly nameId: string; readonly attributes: readonly (readonly [string, readonly string[]])[] },
): Principal {
  const values = (wanted: string) => attributes.filter(([name]) => name === wanted).flatMap(([, found]) => found);
  // Several where there should be one is none: nobody can tell which.
  const single = (wanted: string) => (values(wanted).length === 1 ? values(wanted)[0] : undefined);
  return mappedPrincipal(sub, alias, nameId, {
    loginName: single(mapping.loginName),
    email: single(mapping.email),
    name: single(mapping.name),
    givenName: single(mapping.givenName),
    familyName: single(mapping.familyName),
    groups: values(mapping.groups),
  });
}
