import type { Confirmation } from "../protocol/confirmation.ts";
import type { Form } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { Exchange } from "../service.ts";
import type { AuthenticationMethodName, Client } from "../tenants/client.ts";
import { authenticationMethods } from "../tenants/defaults.ts";
import { countFailure, refuseLocked } from "./attempts.ts";
import type { AuthenticationMethod, Presented } from "./authentication-method.ts";
import { certificateConfirmation } from "./certificate.ts";
import { clientSecretBasic } from "./client-secret-basic.ts";
import { clientSecretPost } from "./client-secret-post.ts";
import { none } from "./none.ts";
import { privateKeyJwt } from "./private-key-jwt.ts";
import { selfSignedTlsClientAuth } from "./self-signed-tls-client-auth.ts";
import { tlsClientAuth } from "./tls-client-auth.ts";

/** Who is asking: every way of client authentication. */
const METHODS: readonly AuthenticationMethod[] = [clientSecretBasic, clientSecretPost, privateKeyJwt, tlsClientAuth, selfSignedTlsClientAuth, none];

// Those that show something of their own, and those that show a client id and no more.
const SHOWN = METHODS.filter(({ ambient }) => ambient === undefined);
const AMBIENT = METHODS.filter(({ ambient }) => ambient !== undefined);

/** The methods' names as metadata has them (RFC 8414). */
export function authenticationMethodNames(): readonly AuthenticationMethodName[] {
  return METHODS.map(({ name }) => name);
}

/** A client that was authenticated, and what it proved to hold by that. */
export interface AuthenticatedClient {
  readonly clientId: string;
  readonly client: Client;
  readonly proven?: Confirmation;
}

/**
 * Finds out which client is asking: exactly one method presented, and one that the client registered. Unknown client,
 * wrong secret, wrong method and disabled client are one answer and the same work.
 */
export async function authenticateClient(exchange: Exchange, form: Form): Promise<AuthenticatedClient> {
  const candidates = presentedMethods(exchange, form);
  const { clientId } = candidates[0].presented;
  if (form.get("client_id") !== undefined && form.get("client_id") !== clientId) throw new Rejection("client_id_differs");
  refuseLocked(exchange, clientId);
  try {
    return await authenticate(exchange, clientId, candidates);
  } catch (cause) {
    if (cause instanceof Rejection && cause.wire.error === "invalid_client") await countFailure(exchange, clientId);
    throw cause;
  }
}

async function authenticate(exchange: Exchange, clientId: string, candidates: readonly [Candidate, ...Candidate[]]): Promise<AuthenticatedClient> {
  const { tenant, audit, service, request } = exchange;
  const client = isClientId(clientId) ? await tenant.client(clientId) : undefined;
  const registered = client === undefined ? [] : authenticationMethods(client);
  const { method, presented } = candidates.find((candidate) => registered.includes(candidate.method.name)) ?? candidates[0];
  const proven = await presented.proves(client, exchange);
  if (client === undefined) throw new Rejection("client_unknown");
  audit.note({ client: clientId });
  if (!registered.includes(method.name)) throw new Rejection("client_method_not_registered");
  if (!proven) throw new Rejection("client_secret_wrong");
  if (client.disabled) throw new Rejection("client_disabled");
  const isTls = method.name === "tls_client_auth" || method.name === "self_signed_tls_client_auth";
  return isTls ? { clientId, client, proven: certificateConfirmation(request, service.now()) } : { clientId, client };
}

interface Candidate {
  readonly method: AuthenticationMethod;
  readonly presented: Presented;
}

// One method that shows something of its own; or those that show a client id alone, of which the client registered one.
function presentedMethods(exchange: Exchange, form: Form): readonly [Candidate, ...Candidate[]] {
  const shown = used(SHOWN, exchange, form);
  if (shown.length > 1) throw new Rejection("client_methods_many");
  const [first, ...others] = shown.length === 1 ? shown : used(AMBIENT, exchange, form);
  if (first === undefined) throw new Rejection("client_not_authenticated");
  return [first, ...others];
}

function used(methods: readonly AuthenticationMethod[], exchange: Exchange, form: Form): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const method of methods) {
    const presented = method.presented(form, exchange);
    if (presented !== undefined) candidates.push({ method, presented });
  }
  return candidates;
}

/** True for what could be a client's id at all; anything else is not worth a look-up. */
export function isClientId(text: string): boolean {
  return /^[A-Za-z0-9._:/@-]{1,128}$/.test(text);
}
