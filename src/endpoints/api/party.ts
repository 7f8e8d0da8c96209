import { authenticateClient } from "../../clients/index.ts";
import { readRequestBody } from "../../protocol/body.ts";
import { Form } from "../../protocol/form.ts";
import type { Exchange } from "../../service.ts";
import type { Party } from "../../storage/tenant-store.ts";
import { operatorOnly } from "./operator-only.ts";

const BODY_LIMIT_BYTES = 65_536;

/** Somebody who has proven who it is, and what it sent. */
export interface PartyRequest {
  readonly by: Party;
  readonly body: Uint8Array;
}

/** Authenticates an operator by its token, or a client by HTTP Basic as everywhere else. The body is read once it is known whose it is. */
export async function partyRequest(exchange: Exchange): Promise<PartyRequest> {
  const { request } = exchange;
  if (/^bearer /i.test(request.headers.get("authorization") ?? "")) {
    const { operator, body } = await operatorOnly(exchange);
    return { by: { operator }, body };
  }
  const { clientId } = await authenticateClient(exchange, new Form(new Map()));
  return { by: { client: clientId }, body: await readRequestBody(request, BODY_LIMIT_BYTES) };
}
