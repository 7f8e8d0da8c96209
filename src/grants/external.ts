import { registerUser } from "../federation/register-user.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { Refused } from "../storage/families.ts";
import type { Extended } from "../storage/family/exchange-ask.ts";
import type { PlannedExchange } from "./exchange.ts";

/**
 * Records an exchange; the first one from any token of an external user opens the family that they share. That costs two
 * calls more, once: the user's object is told before anything leaves, as of a login.
 */
export async function extendOrOpen(request: ClientRequest, { subject, family, ask }: PlannedExchange): Promise<Extended | Refused> {
  const { service, tenant } = request;
  const first = await service.families.extend(family, ask);
  const principal = subject.format === "jwt" ? subject.opens : undefined;
  if (subject.format !== "jwt" || principal === undefined || first.ok || (first.note !== "family_unknown" && first.note !== "family_closed")) return first;
  const { root, node } = subject.lineage;
  try {
    const user = await registerUser(request, principal, family, root.time);
    // The same for all that would open it: who comes second has opened it too.
    const opened = await service.families.open(family, { op: principal.sub, tenant: tenant.issuer, kind: "external", user, principal, until: subject.expires, since: root.time });
    if (!opened.ok) return { ok: false, reason: "subject_dead", note: opened.reason };
  } catch (cause) {
    if (cause instanceof Rejection && cause.reason === "user_cut_off") return { ok: false, reason: "subject_dead", note: "user_cut_off" };
    throw cause;
  }
  request.audit.note({ node });
  return await service.families.extend(family, ask);
}
