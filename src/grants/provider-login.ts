import { tokenPolicyOf } from "../dialects/index.ts";
import { isConfirmed } from "../protocol/confirmation.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isSubset } from "../protocol/scope.ts";
import type { ClientRequest } from "../service.ts";
import type { HeldProviderTokens } from "../storage/family/provider-tokens-ask.ts";
import type { FamilyId } from "../storage/lineage.ts";
import { defaultIdentityProvider } from "../tenants/defaults.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import { inspect, isDead } from "../tokens/inspect.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** What is asked of an IdP's tokens. */
export interface ProviderTokensAsk {
  readonly wantsAccessToken: boolean;
  readonly wantsIdToken: boolean;
  /** Left out for what the record of the client, else of the IdP, says. */
  readonly scope?: readonly string[];
  /** The alias of the IdP whose tokens are meant, where the request names one. */
  readonly idp?: string;
}

/** A login whose IdP's tokens a client may have, and in which scope. */
export interface ProviderLogin extends HeldProviderTokens {
  readonly family: FamilyId;
  readonly identityProvider: IdentityProvider;
  /** The scope to look for; undefined for that of the login. */
  readonly scope: readonly string[] | undefined;
  readonly allowed: readonly string[];
}

/**
 * Finds the login that an assertion belongs to, and refuses whoever took no part in it: the assertion is the client's own
 * access or ID token, never exchanged, its session goes on, its IdP is the client's default, its record allows it. One
 * object call.
 */
export async function providerLogin(request: ClientRequest, assertion: VerifiedToken, ask: ProviderTokensAsk): Promise<ProviderLogin> {
  const { client, tenant } = request;
  const allowance = client.public ? undefined : client.identityProviderTokens;
  if (allowance === undefined) throw new Rejection("idp_tokens_not_allowed");
  const { family, held } = await heldBy(request, assertion);
  const { maxHops } = tokenPolicyOf(client, tenant.settings);
  if (maxHops < 1 || tenant.settings.tokenPolicy.maxHops === 0) throw new Rejection("subject_depth");
  const isMeant = held.idp === (ask.idp ?? held.idp) && held.idp === defaultIdentityProvider(client, tenant.settings);
  const identityProvider = isMeant ? await tenant.identityProvider(held.idp) : undefined;
  if (identityProvider === undefined) throw new Rejection("idp_session_differs");
  const allowed = allowance.scopes ?? identityProvider.scopes;
  if (ask.scope !== undefined && !isSubset(ask.scope, allowed)) throw new Rejection("scope_exceeds");
  return { ...held, family, identityProvider, scope: ask.scope ?? allowance.scopes, allowed };
}

// The assertion's family is asked once: is it alive, and what does its session hold? A JWT of another client is not worth it.
async function heldBy(request: ClientRequest, token: VerifiedToken): Promise<{ readonly family: FamilyId; readonly held: HeldProviderTokens }> {
  const { families } = request.service;
  const { clientId, audit, service } = request;
  if (token.kind !== "access_token" && token.kind !== "id_token") throw new Rejection("idp_assertion_differs", { note: token.kind });
  if (token.format === "jwt" && token.client !== clientId) throw new Rejection("idp_assertion_differs", { note: "client" });
  let held: HeldProviderTokens | undefined;
  const facts = await inspect(request, token, {
    consistency: "strong",
    question: async (family, query) => {
      const answer = await families.providerTokens(family, query);
      held = answer.held;
      return answer.status;
    },
  });
  if (isDead(facts)) throw new Rejection("idp_assertion_dead", { note: facts.reason });
  audit.note({ subject: facts.subject });
  const { lineage, act, mayAct, cnf } = facts;
  if (facts.client !== clientId) throw new Rejection("idp_assertion_differs", { note: "client" });
  if (lineage.hops !== 0) throw new Rejection("idp_assertion_exchanged");
  if (act !== undefined || mayAct !== undefined) throw new Rejection("subject_needs_actor");
  if (!isConfirmed(cnf, request.proven)) throw new Rejection("subject_unproven");
  if (lineage.deadline <= service.now()) throw new Rejection("subject_deadline");
  if (held === undefined) throw new Rejection("idp_session_absent");
  return { family: lineage.family, held };
}
