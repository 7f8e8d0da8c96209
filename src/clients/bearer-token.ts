import { dialectOf } from "../dialects/index.ts";
import { isConfirmed } from "../protocol/confirmation.ts";
import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import { isUnreadable, readToken } from "../tokens/read.ts";
import { certificateConfirmation } from "./certificate.ts";
import type { AuthenticatedClient } from "./index.ts";

/** The token of `Authorization: Bearer`, where a request has one. */
export function bearerOf({ headers }: Request): string | undefined {
  return /^bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/**
 * A client that shows an access token of its own, from client credentials, instead of the credentials (SAP's introspection,
 * revocation and token list). Alive, for itself, never exchanged, and with the proof that it is bound to.
 */
export async function authenticateByBearer(exchange: Exchange, form: Form, text: string): Promise<AuthenticatedClient> {
  const { ring, service, tenant, request, audit } = exchange;
  if (form.get("client_secret") !== undefined || form.get("client_assertion") !== undefined) throw new Rejection("client_methods_many");
  const token = await readToken(ring, text, service.now());
  if (isUnreadable(token) || token.kind !== "access_token") throw new Rejection("client_credentials_malformed", { note: "bearer" });
  const facts = await inspect(exchange, token, { consistency: "strong" });
  if (isDead(facts)) throw new Rejection("client_secret_wrong", { note: facts.reason });
  const isOwn = facts.lineage.root.kind === "client_credentials" && facts.lineage.hops === 0 && facts.audience.includes(facts.client);
  const client = await tenant.client(facts.client);
  if (!isOwn || client === undefined || !dialectOf(client).acceptsBearerAuthentication) throw new Rejection("client_method_not_registered", { note: "bearer" });
  if (!isConfirmed(facts.cnf, certificateConfirmation(request, service.now()))) throw new Rejection("client_secret_wrong", { note: "unproven" });
  if (form.get("client_id") !== undefined && form.get("client_id") !== facts.client) throw new Rejection("client_id_differs");
  audit.note({ client: facts.client });
  return { clientId: facts.client, client };
}
