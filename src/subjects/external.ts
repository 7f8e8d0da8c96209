import { tokenPolicyOf } from "../dialects/index.ts";
import { SKEW_SECONDS } from "../federation/external-token.ts";
import type { ClientRequest } from "../service.ts";
import type { Principal } from "../tenants/principal.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** What another issuer has said of a user's login, verified. Seconds. */
export interface ExternalLogin {
  /** The place of what it said in the user's family: never the same twice. */
  readonly node: string;
  readonly idp: string;
  readonly principal: Principal;
  readonly issued: number;
  readonly authTime: number;
  /** When what it begins ends, where the issuer says so. */
  readonly ends: number | undefined;
}

/**
 * The subject that a login at another issuer makes: the client's own, in the one family that all tokens of this user at
 * this IdP share, with the scope that the client may have at a login, and as long as a login session lives.
 */
export function externalLogin({ service, tenant, client, clientId, audit }: ClientRequest, login: ExternalLogin): VerifiedToken {
  const { node, idp, principal, authTime, ends = Number.POSITIVE_INFINITY } = login;
  const policy = tokenPolicyOf(client, tenant.settings);
  const family = service.families.named(tenant.settings.jurisdiction, JSON.stringify([tenant.issuer, "external", principal.sub]));
  audit.note({ subject: principal.sub, family, idp });
  const now = service.now();
  const issued = Math.min(login.issued, now);
  // By a clock that may be ahead: what is not surely younger than a cutoff is not.
  const root = { kind: "external", time: issued - SKEW_SECONDS, lazy: false, idp } as const;
  return {
    format: "jwt",
    kind: "access_token",
    claims: { sub: principal.sub, iat: issued, auth_time: Math.min(authTime, issued) },
    lineage: { family, path: [], node, root, hops: 0, deadline: Math.min(authTime, issued) + policy.maxExchangePeriod, branches: [] },
    client: clientId,
    audience: [clientId],
    scope: client.scopes.filter((scope) => scope !== "offline_access"),
    expires: Math.min(now + policy.sessionLifetime, ends),
    opens: { ...principal, asOf: root.time },
  };
}
