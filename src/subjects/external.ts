import { tokenPolicyOf } from "../dialects/index.ts";
import { registerUser } from "../federation/register-user.ts";
import { randomId } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { Principal } from "../tenants/principal.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** What another issuer has said of a user, verified. Seconds. */
export interface ExternalLogin {
  readonly idp: string;
  readonly principal: Principal;
  readonly authTime: number;
  /** When what it begins ends, where the issuer says so. */
  readonly ends: number | undefined;
}

/**
 * Begins a family with what another issuer said, once, and answers a subject for it: the client's own, with the scope that
 * the client may have at a login, and as long as a login session lives.
 */
export async function openExternal(request: ClientRequest, { idp, principal, authTime, ends }: ExternalLogin): Promise<VerifiedToken> {
  const { service, tenant, client, clientId, audit } = request;
  if (client.public) throw new Rejection("subject_not_for_requester", { note: "public client" });
  const policy = tokenPolicyOf(client, tenant.settings);
  const family = service.families.create(tenant.settings.jurisdiction);
  audit.note({ subject: principal.sub, family, idp });
  const user = await registerUser(request, principal, family);
  const node = randomId();
  const opened = await service.families.open(family, { op: node, tenant: tenant.issuer, kind: "external", user, principal });
  if (!opened.ok) throw new Rejection(opened.reason);
  const { now } = opened;
  return {
    format: "jwt",
    kind: "access_token",
    claims: { sub: principal.sub, iat: now, auth_time: Math.min(authTime, now) },
    lineage: { family, path: [], node, root: { kind: "external", time: now, lazy: false, idp }, hops: 0, deadline: authTime + policy.maxExchangePeriod, branches: [] },
    client: clientId,
    audience: [clientId],
    scope: client.scopes,
    expires: Math.min(now + policy.sessionLifetime, ends ?? Number.POSITIVE_INFINITY),
  };
}
