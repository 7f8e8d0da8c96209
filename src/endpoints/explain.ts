import { explainExchange } from "../grants/explain.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { clientRequest } from "./client-request.ts";
import { json } from "./response.ts";

/** `POST /oauth2/exchange/explain`: the same request as an exchange, and no token: what would be given and why, or why not. */
export async function explain(exchange: Exchange): Promise<Response> {
  const request = await clientRequest(exchange);
  if (!request.client.grants.includes("token_exchange")) throw new Rejection("grant_not_allowed");
  const explanation = await explainExchange(request);
  exchange.audit.write({ status: 200, issued: "explanation", ...(typeof explanation.reason === "string" ? { reason: explanation.reason } : {}) });
  return json(explanation);
}
