import { authenticateByBearer, bearerOf } from "../clients/bearer-token.ts";
import { verifyDpopProof } from "../clients/dpop-proof.ts";
import { authenticateClient } from "../clients/index.ts";
import { dialectOf } from "../dialects/index.ts";
import { readForm } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest, Exchange } from "../service.ts";

/** The steps that every endpoint for clients shares: form, client authentication, and whether its dialect takes parameters in the URL. */
export async function clientRequest(exchange: Exchange, bearer: "with bearer" | "without bearer" = "without bearer"): Promise<ClientRequest> {
  const form = await readForm(exchange.request);
  const token = bearer === "with bearer" ? bearerOf(exchange.request) : undefined;
  const authenticated = token === undefined ? await authenticateClient(exchange, form) : await authenticateByBearer(exchange, form, token);
  if (form.queryNames.size > 0 && !dialectOf(authenticated.client).acceptsQuery) throw new Rejection("query_parameter");
  return { ...exchange, form, ...authenticated };
}

/** The same request with what the client proved to hold: its DPoP key, its certificate. A client that must prove a key does, or is refused. */
export async function provenRequest(exchange: Exchange, request: ClientRequest): Promise<ClientRequest> {
  const { client } = request;
  const jkt = await verifyDpopProof(exchange, { needsNonce: client.dpop === "nonce" });
  if (jkt === undefined && client.dpop !== "optional") throw new Rejection("dpop_proof_invalid", { note: "missing" });
  return jkt === undefined ? request : { ...request, proven: { ...request.proven, jkt } };
}
