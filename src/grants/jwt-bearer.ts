import type { ExchangeAsk } from "../dialects/dialect.ts";
import { dialectOf } from "../dialects/index.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import { carryOut, mintExchanged, planExchange } from "./exchange.ts";
import type { Grant } from "./grant.ts";

/**
 * The JWT bearer grant (RFC 7523 §2.1) with an ID token or JWT access token of our own: a principal handed on between
 * applications. An exchange in other words; what is wrong with the assertion is `invalid_grant`.
 */
export const jwtBearer: Grant = {
  name: "jwt_bearer",
  grantType: GRANT_TYPE.jwt_bearer,
  issue: async (request) => {
    const { form, ring, service, client } = request;
    const token = await readToken(ring, form.require("assertion"), service.now());
    if (isUnreadable(token) || token.format !== "jwt") throw new Rejection("assertion_refused", { note: isUnreadable(token) ? token.reason : token.kind });
    const asked: ExchangeAsk = { ...dialectOf(client).targets(form), subjectTokenType: TOKEN_TYPE.jwt, requested: "token_set", isExplicit: false };
    try {
      const plan = await planExchange(request, token, asked);
      return await mintExchanged(request, plan, await carryOut(request, plan), asked);
    } catch (cause) {
      throw asGrantFault(cause, request);
    }
  },
};

// RFC 7521 §4.1.1: whatever is wrong with the assertion is invalid_grant; targets and scope keep their own errors.
function asGrantFault(cause: unknown, { audit }: ClientRequest): unknown {
  if (!(cause instanceof Rejection) || !/^(subject|actor)_/.test(cause.reason)) return cause;
  audit.note({ note: cause.reason });
  return new Rejection("assertion_refused", { note: cause.reason, cause });
}
