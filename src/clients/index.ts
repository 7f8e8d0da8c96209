import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { AuthenticationMethodName, Client } from "../tenants/client.ts";
import { authenticationMethods } from "../tenants/defaults.ts";
import type { AuthenticationMethod } from "./authentication-method.ts";
import { clientSecretBasic } from "./client-secret-basic.ts";
import { clientSecretPost } from "./client-secret-post.ts";
import { none } from "./none.ts";
import { privateKeyJwt } from "./private-key-jwt.ts";

/** Who is asking: every way of client authentication. */
const METHODS: readonly AuthenticationMethod[] = [clientSecretBasic, clientSecretPost, privateKeyJwt, none];

/** The methods' names as metadata has them (RFC 8414). */
export function authenticationMethodNames(): readonly AuthenticationMethodName[] {
  return METHODS.map(({ name }) => name);
}

/**
 * Finds out which client is asking: exactly one method presented, and one that the client registered. Unknown client,
 * wrong secret, wrong method and disabled client are one answer and the same work.
 */
export async function authenticateClient(exchange: Exchange, form: Form, headers: Headers): Promise<{ readonly clientId: string; readonly client: Client }> {
  const { tenant, audit } = exchange;
  const used = METHODS.flatMap((method) => {
    const presented = method.presented(form, headers);
    return presented === undefined ? [] : [{ method, presented }];
  });
  const [first, second] = used;
  if (first === undefined) throw new Rejection("client_not_authenticated");
  if (second !== undefined) throw new Rejection("client_methods_many");
  const { method, presented } = first;
  if (form.get("client_id") !== undefined && form.get("client_id") !== presented.clientId) throw new Rejection("client_id_differs");
  const client = isClientId(presented.clientId) ? await tenant.client(presented.clientId) : undefined;
  const proven = await presented.proves(client, exchange);
  if (client === undefined) throw new Rejection("client_unknown");
  audit.note({ client: presented.clientId });
  if (!authenticationMethods(client).includes(method.name)) throw new Rejection("client_method_not_registered");
  if (!proven) throw new Rejection("client_secret_wrong");
  if (client.disabled) throw new Rejection("client_disabled");
  return { clientId: presented.clientId, client };
}

/** True for what could be a client's id at all; anything else is not worth a look-up. */
export function isClientId(text: string): boolean {
  return /^[A-Za-z0-9._:/@-]{1,128}$/.test(text);
}
