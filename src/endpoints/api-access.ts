import { dialectOf } from "../dialects/index.ts";
import { clientCredentialsFor } from "../grants/client-credentials.ts";
import { GRANT_TYPE } from "../protocol/names.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { clientRequest } from "./client-request.ts";
import { json } from "./response.ts";

/**
 * `POST /realms/{realm}/api-access/token`: CERN's API access. A service gets a token for a target without an exchange
 * permission, where the target has given roles to it; `sub` is `service-account-<client>`.
 */
export async function apiAccess(exchange: Exchange): Promise<Response> {
  const request = await clientRequest(exchange);
  if (request.form.require("grant_type") !== GRANT_TYPE.client_credentials) throw new Rejection("grant_unsupported");
  if (!request.client.grants.includes("client_credentials")) throw new Rejection("grant_not_allowed");
  exchange.audit.note({ grant: "client_credentials" });
  const [audience, another] = request.form.all("audience");
  if (audience === undefined) throw new Rejection("missing_parameter", { parameter: "audience" });
  if (another !== undefined) throw new Rejection("target_conflict");
  const tokens = await clientCredentialsFor(request, { by: "role", id: audience });
  exchange.audit.write({ status: 200 });
  return json(dialectOf(request.client).tokenResponse(tokens));
}
