import type { ExchangeAsk, TargetAsk, TokenSet } from "../dialects/dialect.ts";
import { dialectOf } from "../dialects/index.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { AssertionLimits } from "../subjects/index.ts";
import { isUnreadable, type Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { carryOut, mintExchanged, planExchange } from "./exchange.ts";

/** An assertion grant (RFC 7521 §4.1): an exchange in other words. `subjectTokenType`: what it is; `limits`: what it allows. */
export async function issueForAssertion(request: ClientRequest, token: VerifiedToken | Unreadable, subjectTokenType: string, limits: AssertionLimits = {}): Promise<TokenSet> {
  if (isUnreadable(token)) throw new Rejection("assertion_refused", { note: token.reason });
  const dialect = dialectOf(request.client);
  const asked: ExchangeAsk = { ...within(dialect.targets(request.form), limits), subjectTokenType, requested: dialect.assertionGives, isExplicit: false };
  try {
    const plan = await planExchange(request, token, asked);
    return await mintExchanged(request, plan, await carryOut(request, plan));
  } catch (cause) {
    throw asGrantFault(cause, request);
  }
}

// What is asked for is within what the assertion allows; left out, it is that.
function within(asked: TargetAsk, { scope, resources }: AssertionLimits): TargetAsk {
  const targets = asked.targets.length > 0 ? asked.targets : (resources ?? []).map((url) => ({ by: "resource", url }) as const);
  if (resources !== undefined && !targets.every((target) => target.by === "resource" && resources.includes(target.url)))
    throw new Rejection("target_forbidden", { note: "assertion" });
  if (scope === undefined) return { ...asked, targets };
  if (asked.scope === undefined || asked.isDefaultScope) return { targets, scope, isDefaultScope: true };
  if (!isSubset(asked.scope, scope)) throw new Rejection("scope_exceeds", { note: "assertion" });
  return { ...asked, targets };
}

// RFC 7521 §4.1.1: whatever is wrong with the assertion is invalid_grant; targets and scope keep their own errors.
function asGrantFault(cause: unknown, { audit }: ClientRequest): unknown {
  if (!(cause instanceof Rejection) || !/^(subject|actor)_/.test(cause.reason)) return cause;
  audit.note({ note: cause.reason });
  return new Rejection("assertion_refused", { note: cause.reason, cause });
}
