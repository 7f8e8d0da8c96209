import { SCOPE } from "../protocol/names.ts";
import type { Client } from "../tenants/client.ts";
import type { Principal } from "../tenants/principal.ts";

/** Claims about a user or a token, by name; undefined members are left out when they are written. */
export type Claims = Readonly<Record<string, unknown>>;

/** The claims about the user that a scope asks for (OpenID Connect Core §5.4, and `groups`). */
export function userClaims(principal: Principal, scope: readonly string[]): Claims {
  return defined({
    ...(scope.includes(SCOPE.email) ? { email: principal.email, email_verified: principal.emailVerified } : {}),
    ...(scope.includes(SCOPE.profile)
      ? { name: principal.name, given_name: principal.givenName, family_name: principal.familyName, preferred_username: principal.loginName, idp: principal.idp }
      : {}),
    ...(scope.includes(SCOPE.groups) ? { groups: principal.groups } : {}),
  });
}

/** The roles that a client gives this user, by user and by group; or this client, where there is no user. Sorted, each once. */
export function rolesOf(owner: Client, holder: Principal | { readonly clientId: string }): readonly string[] {
  const holds = ([, role]: readonly [string, Client["roles"][string]]) =>
    "clientId" in holder
      ? role.clients.includes(holder.clientId)
      : role.users.includes(`${holder.idp}/${holder.loginName}`) || role.groups.some((group) => holder.groups.includes(group));
  return Object.entries(owner.roles)
    .filter(holds)
    .map(([name]) => name)
    .toSorted();
}

/** The members that have a value. */
export function defined(claims: Claims): Claims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
