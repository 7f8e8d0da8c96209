import { tokenPolicyOf } from "../dialects/index.ts";
import { randomId } from "../protocol/bytes.ts";
import type { Exchange } from "../service.ts";
import type { NewCode } from "../storage/family/login-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import type { Client } from "../tenants/client.ts";
import { newSecret, writeOpaque } from "../tokens/opaque.ts";
import { type AuthorizationRequest, isCoupled } from "./authorization-request.ts";

/** A code that is about to be recorded, and its text. */
export interface PreparedCode {
  readonly code: NewCode;
  text(family: FamilyId): Promise<string>;
}

/** Draws an authorization code, bound to client, redirect URI, PKCE challenge, scope and nonce. */
export async function prepareCode(exchange: Exchange, request: AuthorizationRequest, client: Client): Promise<PreparedCode> {
  const { ring, tenant } = exchange;
  const { secret, hash } = await newSecret();
  const id = randomId();
  const { clientId, redirectUri, challenge, scope, nonce, jkt } = request;
  return {
    code: {
      id,
      hash,
      lifetime: tokenPolicyOf(client, tenant.settings).codeLifetime,
      client: clientId,
      redirectUri,
      challenge,
      scope,
      coupled: isCoupled(scope),
      ...(nonce === undefined ? {} : { nonce }),
      ...(jkt === undefined ? {} : { jkt }),
    },
    text: (family) => writeOpaque(ring, { kind: "code", keyNumber: ring.tokenKeyNumber(), family, parent: "", node: id, generation: 0, secret }),
  };
}
