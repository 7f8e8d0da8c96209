import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { Principal } from "../tenants/principal.ts";

/**
 * Tells a user's object of a new family, before anything of it leaves; answers the object's id. `since`: when what the
 * family begins with was issued (seconds); now, where it is a login.
 */
export async function registerUser({ service, tenant }: Exchange, principal: Principal, family: string, since = service.now()): Promise<string> {
  const registered = await service.users.register({ tenant: tenant.issuer, jurisdiction: tenant.settings.jurisdiction, sub: principal.sub }, family);
  if (!registered.ok) throw new Rejection(registered.reason);
  // This login is younger than any cutoff but one that is set at this very moment, or by a clock ahead of ours.
  if (registered.cutoff !== undefined && since <= registered.cutoff) throw new Rejection("user_cut_off");
  return registered.id;
}
