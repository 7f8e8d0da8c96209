import type { ExchangeAsk, TokenSet } from "../dialects/dialect.ts";
import { dialectOf, tokenPolicyOf } from "../dialects/index.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { Extended } from "../storage/family/exchange-ask.ts";
import { readSubjectToken } from "../subjects/index.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import { coalescingKey, keepAnswer, recallAnswer } from "./coalescing.ts";
import { carryOut, mintExchanged, planExchange } from "./exchange.ts";
import type { Grant } from "./grant.ts";
import { handOutProviderTokens } from "./provider-tokens.ts";

/** The token exchange grant, RFC 8693: one token in, a narrower one out. */
export const tokenExchange: Grant = {
  name: "token_exchange",
  grantType: GRANT_TYPE.token_exchange,
  issue: async (request) => {
    const { coalesceSeconds } = tokenPolicyOf(request.client, request.tenant.settings);
    const key = coalesceSeconds === 0 ? undefined : await coalescingKey(request);
    const shared = key === undefined ? undefined : await recallAnswer(request, key);
    if (shared !== undefined) return shared;
    const began = request.service.now();
    const text = request.form.require("subject_token");
    const asked = dialectOf(request.client).exchange(request.form);
    if (asked.requestedIssuer !== undefined) return await providerToken(request, text, asked, asked.requestedIssuer);
    const plan = await planExchange(request, await readSubjectToken(request, text, asked.subjectTokenType), asked);
    const extended = await carryOut(request, plan);
    const tokens = { ...(await mintExchanged(request, plan, extended)), issuedTokenType: issuedTokenType(plan.asked, extended) };
    if (key !== undefined) keepAnswer(request, key, { plan, extended, tokens, began });
    // RFC 8693 §2.2.1: an assertion for another domain is no access token here.
    return plan.targets[0]?.authorizationServer === undefined ? tokens : { ...tokens, tokenType: "N_A" };
  },
};

// The IdP's own access or ID token instead of one of ours: it has no targets here, and no actors. Only a token of ours
// belongs to a login; what others issued is not even looked at, as that might use it up.
async function providerToken(request: ClientRequest, text: string, asked: ExchangeAsk, idp: string): Promise<TokenSet> {
  const { requested, isExplicit, format, targets, scope, subjectTokenType } = asked;
  if (targets.length > 0) throw new Rejection("target_conflict", { note: "requested_issuer" });
  if (request.form.get("actor_token") !== undefined) throw new Rejection("invalid_parameter", { parameter: "actor_token" });
  const wantsIdToken = requested === "id_token";
  if (format !== undefined || (isExplicit && !wantsIdToken && requested !== "access_token")) throw new Rejection("requested_type_unsupported");
  const subject = await readToken(request.ring, text, request.service.now());
  if (isUnreadable(subject)) throw new Rejection("subject_unreadable", { note: subject.reason });
  if (subjectTokenType !== (subject.kind === "id_token" ? TOKEN_TYPE.id_token : TOKEN_TYPE.access_token)) throw new Rejection("subject_type_differs", { note: subject.kind });
  const given = await handOutProviderTokens(request, subject, { wantsAccessToken: !wantsIdToken, wantsIdToken, idp, ...(scope === undefined ? {} : { scope }) });
  return {
    accessToken: given.accessToken ?? given.idToken ?? "",
    issuedTokenType: wantsIdToken ? TOKEN_TYPE.id_token : TOKEN_TYPE.access_token,
    tokenType: wantsIdToken ? "N_A" : "Bearer",
    expiresIn: given.expiresIn,
    issuedAt: request.service.now(),
    scope: given.scope,
  };
}

// What was issued, truthfully: a refresh token that was the default and is not permitted leaves an access token.
function issuedTokenType({ requested, format }: ExchangeAsk, { chain }: Extended): string {
  if (requested === "id_token") return TOKEN_TYPE.id_token;
  if (requested === "saml2") return format === "saml2_header" ? TOKEN_TYPE.saml2_header : TOKEN_TYPE.saml2;
  if (format === "id_jag") return TOKEN_TYPE.id_jag;
  if (requested === "refresh_token" && chain !== undefined) return TOKEN_TYPE.refresh_token;
  return format === "jwt" ? TOKEN_TYPE.jwt : TOKEN_TYPE.access_token;
}
