import { isClientId } from "../clients/index.ts";
import { explainExchange } from "../grants/explain.ts";
import { readForm } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest, Exchange } from "../service.ts";
import { clientRequest, provenRequest } from "./client-request.ts";
import { operatorRequest } from "./operator.ts";
import { json } from "./response.ts";

/**
 * `POST /oauth2/exchange/explain`: the same request as an exchange, and no token: what would be given and why, or why not.
 * For the requester's own requests; for operators, who name the requester as `client_id`.
 */
export async function explain(exchange: Exchange): Promise<Response> {
  const isOperator = /^bearer /i.test(exchange.request.headers.get("authorization") ?? "");
  const request = isOperator ? await onBehalf(exchange) : await provenRequest(exchange, await clientRequest(exchange));
  if (!request.client.grants.includes("token_exchange")) throw new Rejection("grant_not_allowed");
  const explanation = await explainExchange(request, isOperator);
  exchange.audit.write({ status: 200, issued: "explanation", ...(typeof explanation.reason === "string" ? { reason: explanation.reason } : {}) });
  return json(explanation);
}

async function onBehalf(exchange: Exchange): Promise<ClientRequest> {
  const { service, tenant, audit, request } = exchange;
  const { operator, body } = await operatorRequest(service, tenant.issuer, request);
  audit.note({ operator });
  const form = await readForm(new Request(request.url, { method: "POST", headers: request.headers, body }));
  const clientId = form.require("client_id");
  const client = isClientId(clientId) ? await tenant.client(clientId) : undefined;
  if (client === undefined) throw new Rejection("invalid_parameter", { parameter: "client_id" });
  audit.note({ client: clientId });
  return { ...exchange, form, clientId, client };
}
