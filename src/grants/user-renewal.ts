import { lackingAtLogin } from "../federation/external-token.ts";
import { principalOf } from "../federation/principal.ts";
import type { ProviderTokens } from "../federation/provider-tokens.ts";
import { refreshedClaims, refreshProviderTokens } from "../federation/relying-party.ts";
import { randomId } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { HeldProviderTokens } from "../storage/family/provider-tokens-ask.ts";
import type { Granted } from "../storage/family/record.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { Principal } from "../tenants/principal.ts";
import { sealProviderTokens, unsealProviderTokens } from "./sealed-provider-tokens.ts";

/**
 * What an IdP said of a user holds for as long as its record says. Then it is asked again, with the refresh token of that
 * login, by one caller; the family keeps what it says. Throws `refresh_user_age` where the IdP cannot be asked, or says no:
 * the user logs in again.
 */
export async function renewUser(request: ClientRequest, family: FamilyId, granted: Granted): Promise<Granted> {
  const { tenant, service } = request;
  const { root, principal, record } = granted;
  const idp = root.idp === undefined ? undefined : await tenant.identityProvider(root.idp);
  if (idp?.userMaxAge === undefined || service.now() - (principal?.asOf ?? root.time) < idp.userMaxAge) return granted;
  const { path, sid } = record;
  if (sid === undefined || principal === undefined) throw ended("no session");
  const { held } = await service.families.providerTokens(family, { kind: "path", path, node: path.at(-1) ?? "", lazy: false, began: root.time, sid });
  if (held === undefined) throw ended("no tokens");
  return { ...granted, principal: await askAgain(request, family, { held, idp, principal }) };
}

interface Asking {
  readonly held: HeldProviderTokens;
  readonly idp: IdentityProvider;
  readonly principal: Principal;
}

// Under the lease that bounds all refreshes of these tokens; who finds another at it comes back later.
async function askAgain({ service, ring }: ClientRequest, family: FamilyId, { held, idp, principal: known }: Asking): Promise<Principal> {
  const { families } = service;
  const { session, sealed } = held;
  const kept = await unsealProviderTokens(ring, family, sealed);
  if (kept?.refreshToken === undefined) throw ended("no refresh token");
  await service.providers.metadata(idp.issuer);
  const lease = randomId();
  const turn = await families.beginProviderRefresh(family, { session, lease, seen: sealed });
  if (!turn.ok || !turn.isHolder) throw new Rejection(turn.ok ? "idp_refresh_pending" : turn.reason);
  const end = async (tokens: ProviderTokens, principal?: Principal) =>
    await families.endProviderRefresh(family, { session, lease, sealed: await sealProviderTokens(ring, family, tokens), ...(principal === undefined ? {} : { principal }) });
  const tokens = await refreshProviderTokens(service, idp, kept, undefined);
  if (typeof tokens === "string") {
    const { refreshToken: _refused, ...without } = kept;
    await end(without);
    throw ended("refused");
  }
  const asOf = service.now();
  const claims = await refreshedClaims(service, idp, kept, tokens);
  const lacking = claims === undefined ? "no claims" : lackingAtLogin(idp, claims);
  const principal = claims === undefined || lacking !== undefined ? undefined : { ...principalOf(known.sub, known.idp, idp, claims), asOf };
  const done = await end(tokens, principal);
  if (principal === undefined) throw ended(lacking ?? "");
  if (!done.ok) throw new Rejection(done.reason);
  return principal;
}

function ended(note: string): Rejection {
  return new Rejection("refresh_user_age", { note });
}
