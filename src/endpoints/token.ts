import { dialectOf } from "../dialects/index.ts";
import { grantOf } from "../grants/index.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { clientRequest, provenRequest } from "./client-request.ts";
import { forOrigin } from "./cors.ts";
import { json } from "./response.ts";

/** `POST /oauth2/token`: form, client, grant; then the grant decides, and the dialect writes the answer. */
export async function token(exchange: Exchange): Promise<Response> {
  const request = await provenRequest(exchange, await clientRequest(exchange));
  const grant = grantOf(request.form.require("grant_type"));
  if (grant === undefined) throw new Rejection("grant_unsupported");
  exchange.audit.note({ grant: grant.name });
  if (!request.client.grants.includes(grant.name)) throw new Rejection("grant_not_allowed");
  const tokens = await grant.issue(request);
  exchange.audit.write({ status: 200 });
  return forOrigin(exchange.request, request.client, json(dialectOf(request.client).tokenResponse(tokens)));
}
