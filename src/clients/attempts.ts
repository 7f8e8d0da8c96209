import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { Attempt } from "../storage/attempts.ts";

/**
 * Refuses a client that has failed too often from this address, whatever it presents now. What this isolate does not know
 * yet it learns with the next failure.
 */
export function refuseLocked(exchange: Exchange, clientId: string): void {
  const attempt = attemptOf(exchange, clientId);
  const until = attempt === undefined ? undefined : exchange.service.attempts.lockedUntil(attempt);
  if (until !== undefined) throw locked(exchange, until);
}

/** Counts a failure, for unknown clients as for known ones. That it cannot be counted changes no answer. */
export async function countFailure(exchange: Exchange, clientId: string): Promise<void> {
  const { tenant, service } = exchange;
  const attempt = attemptOf(exchange, clientId);
  const policy = { failures: tenant.settings.lockAfterFailures, seconds: tenant.settings.lockSeconds };
  if (attempt === undefined || policy.failures === 0) return;
  await service.attempts.fail(attempt, policy).catch(() => exchange.audit.note({ alert: "attempt_not_counted" }));
}

// The address is the one that the platform writes; where there is none, nobody is told apart and nobody is locked.
function attemptOf({ tenant, request }: Exchange, clientId: string): Attempt | undefined {
  const address = request.headers.get("cf-connecting-ip");
  return address === null ? undefined : { tenant: tenant.issuer, clientId: clientId.slice(0, 128), address };
}

function locked({ service }: Exchange, until: number): Rejection {
  return new Rejection("client_locked", { headers: { "retry-after": String(until - service.now()) } });
}
