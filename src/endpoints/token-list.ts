import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest, Exchange } from "../service.ts";
import type { Trace, TracedNode } from "../storage/family/status-ask.ts";
import type { RootKind } from "../storage/lineage.ts";
import { type Claims, defined } from "../tokens/claims.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import type { TokenFacts } from "../tokens/token.ts";
import { clientRequest } from "./client-request.ts";
import { json } from "./response.ts";

const GRANT_OF_ROOT: Readonly<Record<RootKind, string>> = { login: "AUTHORIZATION_CODE", client_credentials: "CLIENT_CREDENTIALS", external: "TOKEN_EXCHANGE" };

/**
 * `POST /oauth2/token/list`: the live grants of the login that a token belongs to, for the client that the token was issued
 * to. The only token value in it is the one that was presented.
 */
export async function tokenList(exchange: Exchange): Promise<Response> {
  const request = await clientRequest(exchange, "with bearer");
  const presented = request.form.require("token");
  const facts = await find(request, presented);
  if (facts === undefined) return json([]);
  const trace = await request.service.families.trace(facts.lineage.family);
  const { family, path, root } = facts.lineage;
  if (!trace.ok && !root.lazy) throw new Rejection("unavailable", { note: trace.reason });
  const alive = trace.ok ? trace.nodes.filter((node) => isAlive(trace, node)) : [];
  const nodes = alive.toSorted((a, b) => a.hops - b.hops || a.issued - b.issued);
  exchange.audit.write({ status: 200, family, issued: "list" });
  // A lazy root stands on no record, and is all that there is of a family that nobody has opened.
  return json([...(root.lazy && path.length === 0 ? [itself(facts)] : []), ...nodes].map((node) => entry(request, facts, node, presented)));
}

// A grant lives as long as it may be refreshed, or one of its tokens has not been revoked.
function isAlive({ revokedNodes }: Trace, { dead, refresh, leaves }: TracedNode): boolean {
  return dead === undefined && (refresh !== undefined || leaves.some(({ id }) => !revokedNodes.includes(id)));
}

type Listed = Pick<TracedNode, "client" | "audience" | "scope" | "issued" | "expires" | "id" | "hops" | "path" | "refresh">;

function itself({ client, audience, scope, issuedAt = 0, expires, lineage: { node: id, hops, path } }: TokenFacts): Listed {
  return { client, audience, scope, issued: issuedAt, expires, id, hops, path };
}

async function find(request: ClientRequest, text: string): Promise<TokenFacts | undefined> {
  const { ring, service, clientId, audit } = request;
  const token = await readToken(ring, text, service.now());
  if (isUnreadable(token)) {
    audit.write({ status: 200, reason: token.reason });
    return undefined;
  }
  const facts = await inspect(request, token, { consistency: "strong" });
  if (!isDead(facts) && facts.client === clientId) return facts;
  audit.write({ status: 200, reason: isDead(facts) ? facts.reason : "client_differs" });
  return undefined;
}

function entry({ tenant, clientId }: ClientRequest, facts: TokenFacts, node: Listed, presented: string): Claims {
  const isPresented = node.path.at(-1) === (facts.kind === "refresh_token" ? facts.lineage.node : facts.lineage.path.at(-1)) && node.client === clientId;
  return defined({
    iss: tenant.issuer,
    sub: facts.subject,
    uid: facts.principal?.loginName,
    client_id: node.client,
    sp_name: node.client,
    grant_type: node.hops === 0 ? GRANT_OF_ROOT[facts.lineage.root.kind] : "TOKEN_EXCHANGE",
    aud: node.audience,
    scope: node.scope.join(" "),
    iat: node.issued,
    exp: node.refresh?.expires ?? node.expires,
    jti: node.id,
    value: isPresented ? presented : undefined,
  });
}
