import type { Exchange } from "../../service.ts";
import { type OperatorRequest, operatorRequest } from "../operator.ts";

/** Authenticates an operator for what no client may ask. */
export async function operatorOnly({ service, tenant, request, audit }: Exchange): Promise<OperatorRequest> {
  const asked = await operatorRequest(service, tenant.issuer, request);
  audit.note({ operator: asked.operator });
  return asked;
}
