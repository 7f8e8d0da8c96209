import { handOutProviderTokens } from "../grants/provider-tokens.ts";
import { Rejection } from "../protocol/rejection.ts";
import { parseScope } from "../protocol/scope.ts";
import type { Exchange } from "../service.ts";
import { defined } from "../tokens/claims.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import { clientRequest, provenRequest } from "./client-request.ts";
import { json } from "./response.ts";

/**
 * `POST /oauth2/exchange/corporateidp`, as SAP Cloud Identity Services has it: an application trades its own user's token
 * for the tokens that the corporate IdP issued at that login.
 */
export async function corporateIdp(exchange: Exchange): Promise<Response> {
  const request = await provenRequest(exchange, await clientRequest(exchange, "with bearer"));
  const { form, audit } = request;
  const wanted = responseTypes(form.get("response_type") ?? "token");
  const scope = form.get("scope");
  const assertion = await readToken(request.ring, form.require("assertion"), request.service.now());
  if (isUnreadable(assertion)) throw new Rejection("idp_assertion_unreadable", { note: assertion.reason });
  const given = await handOutProviderTokens(request, assertion, {
    wantsAccessToken: wanted.includes("token"),
    wantsIdToken: wanted.includes("id_token"),
    ...(scope === undefined ? {} : { scope: parseScope(scope) }),
  });
  audit.write({ status: 200 });
  const granted = given.scope.length === 0 ? undefined : given.scope.join(" ");
  return json(defined({ access_token: given.accessToken, id_token: given.idToken, token_type: "Bearer", expires_in: given.expiresIn, scope: granted }));
}

// Either or both, in either order (OAuth 2.0 Multiple Response Types §3).
function responseTypes(text: string): readonly string[] {
  const types = text.split(" ");
  const isKnown = types.every((type, at) => (type === "token" || type === "id_token") && types.indexOf(type) === at);
  if (!isKnown) throw new Rejection("invalid_parameter", { parameter: "response_type" });
  return types;
}
