import type { ExchangeAsk, TokenSet } from "../dialects/dialect.ts";
import { dialectOf } from "../dialects/index.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import { isUnreadable, type Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";
import { carryOut, mintExchanged, planExchange } from "./exchange.ts";

/** An assertion grant with a token of our own (RFC 7521 §4.1): an exchange in other words. `subjectTokenType`: what it is. */
export async function issueForAssertion(request: ClientRequest, token: VerifiedToken | Unreadable, subjectTokenType: string): Promise<TokenSet> {
  if (isUnreadable(token)) throw new Rejection("assertion_refused", { note: token.reason });
  const dialect = dialectOf(request.client);
  const asked: ExchangeAsk = { ...dialect.targets(request.form), subjectTokenType, requested: dialect.assertionGives, isExplicit: false };
  try {
    const plan = await planExchange(request, token, asked);
    return await mintExchanged(request, plan, await carryOut(request, plan));
  } catch (cause) {
    throw asGrantFault(cause, request);
  }
}

// RFC 7521 §4.1.1: whatever is wrong with the assertion is invalid_grant; targets and scope keep their own errors.
function asGrantFault(cause: unknown, { audit }: ClientRequest): unknown {
  if (!(cause instanceof Rejection) || !/^(subject|actor)_/.test(cause.reason)) return cause;
  audit.note({ note: cause.reason });
  return new Rejection("assertion_refused", { note: cause.reason, cause });
}
