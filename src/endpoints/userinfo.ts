import { certificateConfirmation } from "../clients/certificate.ts";
import { verifyDpopProof } from "../clients/dpop-proof.ts";
import { dialectOf } from "../dialects/index.ts";
import { isConfirmed } from "../protocol/confirmation.ts";
import { readForm } from "../protocol/form.ts";
import { SCOPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { withDefaults } from "../tenants/principal.ts";
import { userClaims } from "../tokens/claims.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import type { TokenFacts } from "../tokens/token.ts";
import { forOrigin } from "./cors.ts";
import { json } from "./response.ts";

/** `/oauth2/userinfo`, OpenID Connect Core §5.3: the user's claims for an access token with the scope `openid`. */
export async function userinfo(exchange: Exchange): Promise<Response> {
  const { ring, service, tenant, audit } = exchange;
  const presented = await presentedToken(exchange.request);
  const token = await readToken(ring, presented.text, service.now());
  if (isUnreadable(token)) throw new Rejection("bearer_malformed", { note: token.reason });
  if (token.kind !== "access_token") throw new Rejection("bearer_malformed", { note: token.kind });
  const facts = await inspect(exchange, token, { consistency: "strong" });
  if (isDead(facts)) throw new Rejection("bearer_inactive", { note: facts.reason });
  await requireProof(exchange, presented, facts);
  audit.note({ client: facts.client, subject: facts.subject, family: facts.lineage.family });
  const client = await tenant.client(facts.client);
  if (client === undefined || facts.principal === undefined || !facts.scope.includes(SCOPE.openid)) throw new Rejection("bearer_scope");
  audit.write({ status: 200 });
  const known = withDefaults(facts.principal, client.attributeDefaults);
  const claims = { sub: facts.subject, ...userClaims(known, facts.scope), ...dialectOf(client).userAttributes(known, facts.scope) };
  return forOrigin(exchange.request, client, json(claims));
}

// RFC 6750 §2.1 and §2.2: in the header, or in the form of a POST; exactly one of them, and never in the URL.
async function presentedToken(request: Request): Promise<Presented> {
  if (request.url.includes("?") && new URL(request.url).searchParams.has("access_token")) throw new Rejection("secret_in_query");
  const header = request.headers.get("authorization");
  const [, scheme = "", fromHeader] = /^(bearer|dpop) ([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? "") ?? [];
  const withProof = scheme.toLowerCase() === "dpop";
  if (header !== null && fromHeader === undefined) throw new Rejection("bearer_malformed");
  if (request.method !== "POST" || !(request.headers.get("content-type") ?? "").includes("form-urlencoded")) {
    if (fromHeader === undefined) throw new Rejection("bearer_missing");
    return { text: fromHeader, withProof };
  }
  const fromForm = (await readForm(request)).get("access_token");
  if (fromHeader !== undefined && fromForm !== undefined) throw new Rejection("repeated_parameter");
  const token = fromHeader ?? fromForm;
  if (token === undefined) throw new Rejection("bearer_missing");
  return { text: token, withProof };
}

interface Presented {
  readonly text: string;
  /** Presented under the scheme DPoP. */
  readonly withProof: boolean;
}

// RFC 9449 §7.1: a bound token under its own scheme with its proof, an unbound one as Bearer; neither as the other.
async function requireProof(exchange: Exchange, { text, withProof }: Presented, { cnf }: TokenFacts): Promise<void> {
  if (withProof !== (cnf?.jkt !== undefined)) throw new Rejection("bearer_unproven", { note: "scheme" });
  const jkt = withProof ? await verifyDpopProof(exchange, { accessToken: text }) : undefined;
  const proven = { ...certificateConfirmation(exchange.request, exchange.service.now()), ...(jkt === undefined ? {} : { jkt }) };
  if (!isConfirmed(cnf, proven)) throw new Rejection("bearer_unproven");
}
