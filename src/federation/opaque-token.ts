import type { JsonObject } from "../protocol/json.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Service } from "../service.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { askIdentityProvider } from "./outbound.ts";
import { basicOf } from "./relying-party.ts";

/** How long an access token counts as living whose IdP does not say. Seconds. */
const UNKNOWN_LIFETIME_SECONDS = 300;
/** What an IdP calls an access token: its type (RFC 7662 §2.2), or its kind. */
const ACCESS_TOKEN = /^(bearer|dpop|access_token)$/i;

/**
 * Asks an IdP about an access token of its own, by introspection (RFC 7662) or userinfo; one question, and the answer is
 * kept nowhere. Undefined: the IdP does not know it, or no more. What an answer does not say counts as said now.
 */
export async function askAboutToken(service: Service, idp: IdentityProvider, text: string): Promise<JsonObject | undefined> {
  const { userinfo_endpoint, introspection_endpoint } = await service.providers.metadata(idp.issuer);
  const isIntrospection = idp.subjectTokens?.opaque === "introspection";
  const url = isIntrospection ? introspection_endpoint : userinfo_endpoint;
  if (url === undefined) throw new Rejection("idp_discovery_invalid", { note: "no endpoint for access tokens" });
  const answer = await askIdentityProvider(url, isIntrospection ? introspection(service, idp, text) : { headers: { accept: "application/json", authorization: `Bearer ${text}` } });
  // Userinfo says no in a header, and need not say it in JSON.
  if ("failure" in answer && answer.failure === "unreachable") throw new Rejection("idp_unreachable");
  if ("failure" in answer) throw new Rejection("idp_token_refused");
  const { status, body } = answer;
  if (!isIntrospection && (status === 400 || status === 401 || status === 403)) return undefined;
  if (status !== 200) throw new Rejection("idp_token_refused", { note: `status ${status}` });
  const now = service.now();
  const times = { iat: now, exp: now + UNKNOWN_LIFETIME_SECONDS };
  // Userinfo cannot say whom a token is for: that this is accepted is the record's own word.
  if (!isIntrospection) return { ...body, ...times, aud: idp.subjectTokens?.audiences[0] };
  if (body.active !== true || (body.iss ?? idp.issuer) !== idp.issuer) return undefined;
  // Some IdPs know their refresh and ID tokens there as well, and say so in one of these.
  if (![body.token_type, body.token_use].every((kind) => kind === undefined || ACCESS_TOKEN.test(String(kind)))) return undefined;
  return { ...times, ...body, aud: body.aud ?? body.client_id };
}

function introspection(service: Service, idp: IdentityProvider, text: string): RequestInit {
  const headers = { accept: "application/json", "content-type": "application/x-www-form-urlencoded", authorization: basicOf(service, idp) };
  return { method: "POST", body: new URLSearchParams({ token: text, token_type_hint: "access_token" }).toString(), headers };
}
