import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";

/** Refuses a target other than the client itself, where a grant issues for the client alone (RFC 8707 §2.2). */
export function refuseOtherTargets({ form, clientId, client }: ClientRequest): void {
  const own = new Set([clientId, ...client.resources]);
  if ([...form.all("audience"), ...form.all("resource")].some((target) => !own.has(target))) throw new Rejection("target_forbidden");
}
