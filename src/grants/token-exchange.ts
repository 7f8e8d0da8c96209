import type { ExchangeAsk } from "../dialects/dialect.ts";
import { dialectOf } from "../dialects/index.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../protocol/names.ts";
import type { Extended } from "../storage/families.ts";
import { readSubjectToken } from "../subjects/index.ts";
import { carryOut, mintExchanged, planExchange } from "./exchange.ts";
import type { Grant } from "./grant.ts";

/** The token exchange grant, RFC 8693: one token in, a narrower one out. */
export const tokenExchange: Grant = {
  name: "token_exchange",
  grantType: GRANT_TYPE.token_exchange,
  issue: async (request) => {
    const text = request.form.require("subject_token");
    const asked = dialectOf(request.client).exchange(request.form);
    const plan = await planExchange(request, await readSubjectToken(request, text, asked.subjectTokenType), asked);
    const extended = await carryOut(request, plan);
    return { ...(await mintExchanged(request, plan, extended, asked)), issuedTokenType: issuedTokenType(asked, extended) };
  },
};

// What was issued, truthfully: a refresh token that was the default and is not permitted leaves an access token.
function issuedTokenType({ requested, format }: ExchangeAsk, { chain }: Extended): string {
  if (requested === "id_token") return TOKEN_TYPE.id_token;
  if (requested === "saml2") return format === "saml2_header" ? TOKEN_TYPE.saml2_header : TOKEN_TYPE.saml2;
  if (requested === "refresh_token" && chain !== undefined) return TOKEN_TYPE.refresh_token;
  return format === "jwt" ? TOKEN_TYPE.jwt : TOKEN_TYPE.access_token;
}
