import { tokenPolicyOf } from "../dialects/index.ts";
import { type ExternalClaims, isForUs, isSignedBy, judgeClaims, nodeOf, SKEW_SECONDS } from "../federation/external-token.ts";
import { principalOf, subjectOf } from "../federation/principal.ts";
import { openIdentityProviderJwt, type UnverifiedJwt } from "../protocol/jwt-gate.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { ClientRequest } from "../service.ts";
import type { IdentityProvider, SubjectTokens } from "../tenants/identity-provider.ts";
import type { Unreadable } from "../tokens/read.ts";
import type { VerifiedToken } from "../tokens/token.ts";

/** An IdP whose tokens the client may present, with its rules for them. */
export interface SubjectIssuer {
  readonly alias: string;
  readonly idp: IdentityProvider;
  readonly rules: SubjectTokens;
}

/** The IdPs whose tokens this client may present: what its record names, less what is switched off; of these the one that `subject_issuer` names, by alias or issuer. */
export async function subjectIssuersOf({ tenant, client, form }: ClientRequest): Promise<readonly SubjectIssuer[]> {
  // A public client could be anybody's: what others issued is not for it.
  if (client.public) return [];
  const hint = form.get("subject_issuer");
  const found = await Promise.all((client.subjectIssuers ?? []).map(async (alias) => ({ alias, idp: await tenant.identityProvider(alias) })));
  return found.flatMap(({ alias, idp }) => {
    const isMeant = hint === undefined || hint === alias || hint === idp?.issuer;
    return idp?.subjectTokens === undefined || idp.disabled || !isMeant ? [] : [{ alias, idp, rules: idp.subjectTokens }];
  });
}

/** A JWT of another issuer, and the IdP whose token it turned out to be. */
export interface ExternalJwt extends SubjectIssuer {
  readonly jwt: UnverifiedJwt;
  readonly said: ExternalClaims;
}

/**
 * Verifies a JWT of another issuer, of one of these types: which IdP it may be of is what it says of issuer and audience,
 * and then its signature must hold by that IdP's keys. `rulesOf`: where other rules hold than those of the record.
 */
export async function verifyExternalJwt(
  request: ClientRequest,
  text: string,
  types: readonly (string | undefined)[],
  rulesOf: (rules: SubjectTokens) => SubjectTokens = (rules) => rules,
): Promise<ExternalJwt | Unreadable> {
  const jwt = openIdentityProviderJwt(text);
  if (jwt === undefined || !types.includes(jwt.type)) return unreadable(request, "malformed", "form or typ");
  const issuers = (await subjectIssuersOf(request)).map((one) => ({ ...one, rules: rulesOf(one.rules) }));
  const [only, another] = issuers.filter(({ idp, rules }) => idp.issuer === jwt.payload.iss && isForUs(rules, jwt.payload));
  if (only === undefined || another !== undefined) return unreadable(request, "claims", "issuer or audience");
  if (!(await isSignedBy(request.service.providers, only.idp, jwt))) return unreadable(request, "signature", "algorithm, key or signature");
  const said = judgeClaims(only.rules, jwt.payload, request.service.now());
  return typeof said === "string" ? unreadable(request, "claims", said) : { ...only, jwt, said };
}

/**
 * The subject that a token of another issuer makes: the client's own, in the one family that all tokens of this user at
 * this IdP share, with the scope that the client may have at a login. It lives as long as the token.
 */
export async function externalSubject(request: ClientRequest, { alias, idp, rules }: SubjectIssuer, said: ExternalClaims, node: string): Promise<VerifiedToken> {
  const { tenant, client, clientId, service, audit } = request;
  const named = rules.subject === "sub" ? said.subject : JSON.stringify([rules.subject, said.subject]);
  const principal = principalOf(await subjectOf(tenant.subjectKey, alias, named), alias, idp, said.claims);
  const family = service.families.named(tenant.settings.jurisdiction, JSON.stringify([tenant.issuer, "external", principal.sub]));
  audit.note({ subject: principal.sub, family, idp: alias });
  const { auth_time, cnf } = said.claims;
  const now = service.now();
  const issued = Math.min(said.issued, now);
  const authTime = typeof auth_time === "number" && auth_time >= 1 ? Math.min(Math.floor(auth_time), issued) : issued;
  // By a clock that may be ahead: what is not surely younger than a cutoff is not.
  const root = { kind: "external", time: issued - SKEW_SECONDS, lazy: false, idp: alias } as const;
  return {
    format: "jwt",
    kind: "access_token",
    claims: { sub: principal.sub, iat: issued, auth_time: authTime, ...(cnf === undefined ? {} : { cnf }) },
    lineage: { family, path: [], node, root, hops: 0, deadline: authTime + tokenPolicyOf(client, tenant.settings).maxExchangePeriod, branches: [] },
    client: clientId,
    audience: [clientId],
    scope: client.scopes.filter((scope) => scope !== "offline_access"),
    expires: said.expires + SKEW_SECONDS,
    opens: { ...principal, asOf: root.time },
  };
}

/** Reads a JWT of another issuer as a subject. */
export async function readExternalJwt(request: ClientRequest, text: string, types: readonly (string | undefined)[]): Promise<VerifiedToken | Unreadable> {
  const external = await verifyExternalJwt(request, text, types);
  return "format" in external ? external : await externalSubject(request, external, external.said, await nodeOf(text, true));
}

/** Whether a text is to be taken for a token of another issuer: the request says so, or it is a JWT that names one. */
export function isExternal({ form, ring }: ClientRequest, text: string): boolean {
  if (form.get("subject_issuer") !== undefined) return true;
  if (ring.verified.recall(text) !== undefined) return false;
  const iss = openIdentityProviderJwt(text)?.payload.iss;
  return iss !== undefined && iss !== ring.issuer;
}

/** Refuses, with the precise reason for the audit log. */
export function unreadable({ audit }: Pick<ClientRequest, "audit">, reason: Unreadable["reason"], note: string): Unreadable {
  audit.note({ note });
  return { format: "none", reason };
}

/** The one IdP that an opaque token can be of; nobody is asked in turn. */
export function onlyOne(issuers: readonly SubjectIssuer[]): SubjectIssuer {
  const [only, another] = issuers;
  if (only === undefined || another !== undefined) throw new Rejection("subject_unreadable", { note: "subject_issuer" });
  return only;
}
