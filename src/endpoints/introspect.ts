import { dialectOf, tokenPolicyOf } from "../dialects/index.ts";
import { JWT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import { signJwt } from "../protocol/signature.ts";
import type { ClientRequest, Exchange } from "../service.ts";
import { RETRY_WINDOW_SECONDS } from "../tenants/defaults.ts";
import type { Consistency } from "../tenants/token-policy.ts";
import type { Claims } from "../tokens/claims.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import type { TokenFacts } from "../tokens/token.ts";
import { clientRequest } from "./client-request.ts";
import { forOrigin } from "./cors.ts";
import { describe } from "./description.ts";
import { jsonText } from "./response.ts";

const MEDIA_TYPE = "application/token-introspection+jwt";
const INACTIVE = { claims: { active: false }, text: '{"active":false}' };
const STRENGTHS: readonly Consistency[] = ["strong", "edge", "eventual"];

/** `POST /oauth2/introspect`, RFC 7662: what a token says, to those who may know; to all others it is not active. */
export async function introspect(exchange: Exchange): Promise<Response> {
  const request = await clientRequest(exchange, "with bearer");
  const { client, audit } = request;
  if (client.public || !client.introspection) throw new Rejection("introspection_not_allowed");
  const found = await find(request, request.form.require("token"), consistencyOf(request));
  const { claims, text } = "reason" in found ? INACTIVE : await describe(request, found.facts);
  const response = acceptsSigned(exchange.request.headers) ? await signed(request, claims) : jsonText(text);
  audit.write({
    status: 200,
    ...("reason" in found ? { reason: found.reason } : { subject: found.facts.subject, family: found.facts.lineage.family, consistency: found.facts.consistency }),
  });
  return forOrigin(exchange.request, client, response);
}

async function find(request: ClientRequest, text: string, consistency: Consistency): Promise<{ readonly facts: TokenFacts } | { readonly reason: string }> {
  const { ring, service, clientId, client, tenant } = request;
  const token = await readToken(ring, text, service.now());
  if (isUnreadable(token)) return { reason: token.reason };
  const refreshWindow = RETRY_WINDOW_SECONDS[tokenPolicyOf(client, tenant.settings).refreshRetry];
  const facts = await inspect(request, token, { consistency, refreshWindow });
  if (isDead(facts)) return { reason: facts.reason };
  const allowed = facts.consistency === "strong" ? "strong" : await weakestOf(request, facts);
  // What the token's owner does not allow is asked again, as its owner has it.
  const settled = stronger(facts.consistency, allowed) === facts.consistency ? facts : await inspect(request, token, { consistency: allowed, refreshWindow });
  if (isDead(settled)) return { reason: settled.reason };
  return (await mayKnow(request, settled)) ? { facts: settled } : { reason: `not for ${clientId}` };
}

// The caller must be the token's client, in its audience, or trusted by its client to take over a login.
async function mayKnow({ clientId, client, tenant }: ClientRequest, facts: TokenFacts): Promise<boolean> {
  if (facts.kind === "refresh_token") return facts.client === clientId;
  if (facts.kind === "id_token") return dialectOf(client).introspectsIdTokens && facts.audience.includes(clientId);
  if (facts.sso !== undefined) return facts.sso.applications.includes(clientId);
  if (facts.client === clientId || facts.audience.includes(clientId)) return true;
  if (facts.format !== "opaque") return false;
  return (await tenant.client(facts.client))?.trustedForHandoff.includes(clientId) === true;
}

function acceptsSigned(headers: Headers): boolean {
  const accepted = (headers.get("accept") ?? "").toLowerCase().split(",");
  return accepted.some((range) => range.split(";")[0]?.trim() === MEDIA_TYPE);
}

// RFC 9701: everything stands inside `token_introspection`, so that the answer can never be taken for a token.
async function signed({ ring, clientId, client, service, tenant }: ClientRequest, claims: Claims): Promise<Response> {
  const key = await ring.signingKey(tokenPolicyOf(client, tenant.settings).signingAlgorithm);
  const jwt = await signJwt({ iss: tenant.issuer, aud: clientId, iat: service.now(), token_introspection: claims }, JWT_TYPE.introspection, key);
  return new Response(jwt, { headers: { "content-type": MEDIA_TYPE, "cache-control": "no-store", pragma: "no-cache" } });
}

// The request may ask for more than the settings, never for less.
function consistencyOf({ form, client, tenant }: ClientRequest): Consistency {
  const asked = form.get("consistency") ?? "eventual";
  const known = STRENGTHS.find((strength) => strength === asked);
  if (known === undefined) throw new Rejection("invalid_parameter", { parameter: "consistency" });
  return stronger(stronger(known, client.consistency), tenant.settings.consistency);
}

async function weakestOf({ tenant }: ClientRequest, facts: TokenFacts): Promise<Consistency> {
  let allowed: Consistency = tenant.settings.consistency;
  for (const id of [facts.client, ...facts.audience]) {
    const client = await tenant.client(id);
    // A resource URL, which is no client's id, stands beside the client that owns it.
    if (client !== undefined || !/^https?:\/\//.test(id)) allowed = stronger(allowed, client?.consistency ?? "strong");
  }
  return allowed;
}

function stronger(a: Consistency, b: Consistency): Consistency {
  return STRENGTHS.indexOf(a) <= STRENGTHS.indexOf(b) ? a : b;
}
