import * as z from "zod/mini";
import { isLocalhost } from "../protocol/uri.ts";
import { authenticationMethods, CERTIFICATES_LIMIT } from "./defaults.ts";
import { TenantFile } from "./tenant.ts";

/** One thing that is wrong with a tenant file, and where: a JSON path such as `clients.web-app.redirectUris.0`. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** The outcome of reading a tenant file: the file with every default filled in, or every problem at once. */
export type Checked = { readonly ok: true; readonly file: TenantFile } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a tenant file: its shape first, then what its parts say of each other. Reports every problem, not only the first. */
export function checkTenantFile(value: unknown): Checked {
  const parsed = z.safeParse(TenantFile, value);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.flatMap((issue) => explain(issue)) };
  const problems = [...references(parsed.data)];
  return problems.length === 0 ? { ok: true, file: parsed.data } : { ok: false, problems };
}

function explain(issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String).join(".");
  if (issue.code === "invalid_key") return issue.issues.map((inner) => ({ path, message: `this name is not allowed: ${inner.message}` }));
  return [{ path, message: issue.message }];
}

function* references(file: TenantFile): Generator<Problem> {
  const issuer = new URL(file.issuer);
  if (issuer.search !== "" || file.issuer.endsWith("/")) yield { path: "issuer", message: "an issuer has no query and no trailing slash" };
  const { defaultIdentityProvider: byDefault } = file;
  if (byDefault !== undefined && !Object.hasOwn(file.identityProviders, byDefault) && file.samlIdentityProviders[byDefault]?.ssoUrl === undefined) {
    yield { path: "defaultIdentityProvider", message: "names no identity provider of this file" };
  }
  for (const [index, alias] of (file.offeredIdentityProviders ?? []).entries()) {
    if (!loginPlaces(file).includes(alias)) yield { path: `offeredIdentityProviders.${index}`, message: "names no identity provider of this file" };
  }
  for (const [alias, idp] of Object.entries(file.identityProviders)) {
    if (new URL(idp.issuer).host === issuer.host) yield { path: `identityProviders.${alias}.issuer`, message: "is this tenant itself" };
  }
  yield* samlIssuers(file);
  yield* sharedIssuers(file);
  for (const [id, client] of Object.entries(file.clients)) {
    yield* clientReferences(file, id, client, isLocalhost(issuer.hostname));
    const { slo, logout = false, requestsSigned = false, certificates } = client.saml ?? {};
    if (logout && slo === undefined) yield { path: `clients.${id}.saml.slo`, message: "logout needs it" };
    if ((slo !== undefined || requestsSigned) && certificates === undefined) yield { path: `clients.${id}.saml.certificates`, message: "slo and requestsSigned need them" };
  }
  yield* permissionReferences(file);
  yield* resourceOwners(file);
}

function* clientReferences(file: TenantFile, id: string, client: TenantFile["clients"][string], local: boolean): Generator<Problem> {
  const at = `clients.${id}`;
  const hasSecret = client.secrets.length > 0 || client.developmentSecret !== undefined;
  if (client.developmentSecret !== undefined && !local) {
    yield { path: `${at}.developmentSecret`, message: "allowed only where the issuer is on localhost; use secrets[].hash" };
  }
  if (client.public && hasSecret) yield { path: at, message: "a public client has no secret" };
  const hasKeys = client.jwks !== undefined || client.jwksUri !== undefined || client.assertionTrusts.length > 0;
  const methods = authenticationMethods(client);
  if (client.public && hasKeys) yield { path: at, message: "a public client has no keys" };
  // A SAML application that is nothing else never asks for anything.
  const asks = client.saml === undefined || client.grants.length > 0;
  if (asks && methods.some((method) => method.startsWith("client_secret")) && !hasSecret) {
    yield { path: at, message: "a confidential client needs a secret (secrets or, on localhost, developmentSecret), or authenticationMethods without one" };
  }
  if (methods.includes("private_key_jwt") && !hasKeys) yield { path: at, message: "private_key_jwt needs jwks, jwksUri or assertionTrusts" };
  if (methods.includes("tls_client_auth") && client.tlsCertificates.length === 0) yield { path: at, message: "tls_client_auth needs tlsCertificates" };
  if (methods.includes("self_signed_tls_client_auth") && client.tlsThumbprints.length === 0) yield { path: at, message: "self_signed_tls_client_auth needs tlsThumbprints" };
  if (client.tlsCertificates.length + client.tlsThumbprints.length > CERTIFICATES_LIMIT) {
    yield { path: `${at}.tlsThumbprints`, message: `a client has at most ${CERTIFICATES_LIMIT} certificates, of both kinds together` };
  }
  if (client.jwks !== undefined && client.jwksUri !== undefined) yield { path: `${at}.jwksUri`, message: "jwks and jwksUri exclude each other" };
  if (client.public !== (client.authenticationMethods ?? [client.public ? "none" : ""]).includes("none")) {
    yield { path: `${at}.authenticationMethods`, message: "none is for public clients, and public clients have no other method" };
  }
  if (client.public && client.identityProviderTokens !== undefined) {
    yield { path: `${at}.identityProviderTokens`, message: "a public client is not given the tokens of an identity provider" };
  }
  if (client.public && client.grants.includes("client_credentials")) yield { path: `${at}.grants`, message: "a public client has no client_credentials" };
  if (client.grants.includes("authorization_code") && client.redirectUris.length === 0) {
    yield { path: `${at}.redirectUris`, message: "authorization_code needs at least one redirect URI" };
  }
  for (const [index, trusted] of client.trustedForHandoff.entries()) {
    if (!Object.hasOwn(file.clients, trusted)) yield { path: `${at}.trustedForHandoff.${index}`, message: "names no client of this file" };
  }
  yield* foreignReferences(file, at, client);
  const taken = client.identityProviders ?? loginPlaces(file);
  for (const [index, alias] of (client.offeredIdentityProviders ?? []).entries()) {
    if (!taken.includes(alias)) yield { path: `${at}.offeredIdentityProviders.${index}`, message: "names no identity provider of this file that the client takes users of" };
  }
  for (const [index, alias] of (client.identityProviders ?? []).entries()) {
    if (!Object.hasOwn(file.identityProviders, alias) && !Object.hasOwn(file.samlIdentityProviders, alias))
      yield { path: `${at}.identityProviders.${index}`, message: "names no identity provider of this file" };
  }
}

function* foreignReferences(file: TenantFile, at: string, { public: isPublic, subjectIssuers = [], authorizationServers = [] }: TenantFile["clients"][string]): Generator<Problem> {
  if (isPublic && subjectIssuers.length > 0) yield { path: `${at}.subjectIssuers`, message: "a public client presents no tokens of others" };
  if (isPublic && authorizationServers.length > 0) yield { path: `${at}.authorizationServers`, message: "a public client is given no assertions for others" };
  for (const [index, alias] of subjectIssuers.entries()) {
    if (file.identityProviders[alias]?.subjectTokens === undefined && !Object.hasOwn(file.samlIdentityProviders, alias))
      yield { path: `${at}.subjectIssuers.${index}`, message: "names no identity provider of this file with subjectTokens, nor a SAML one" };
  }
  for (const [index, { issuer }] of authorizationServers.entries()) {
    if (issuer === file.issuer) yield { path: `${at}.authorizationServers.${index}.issuer`, message: "is this issuer itself" };
    if (authorizationServers.findIndex((other) => other.issuer === issuer) !== index) yield { path: `${at}.authorizationServers.${index}.issuer`, message: "is named twice" };
  }
}

function* sharedIssuers({ identityProviders, issuer }: TenantFile): Generator<Problem> {
  const owners = new Map<string, string>();
  for (const [alias, { issuer: named, subjectTokens }] of Object.entries(identityProviders)) {
    const at = `identityProviders.${alias}.subjectTokens`;
    if (subjectTokens !== undefined && named === issuer) yield { path: at, message: "tokens of this issuer itself are none of others" };
    if (subjectTokens?.subject === "email") yield { path: `${at}.subject`, message: "an address may become another's: name a claim that never does" };
    // IdPs of one issuer are told apart by the audience of their tokens alone.
    for (const audience of subjectTokens?.audiences ?? []) {
      const owner = owners.get(`${named} ${audience}`);
      if (owner !== undefined && owner !== alias) yield { path: `${at}.audiences`, message: `${owner} has the same issuer and the same audience` };
      owners.set(`${named} ${audience}`, alias);
    }
  }
}

function* samlIssuers({ samlIdentityProviders, identityProviders, issuer }: TenantFile): Generator<Problem> {
  const owners = new Map([[issuer, "Cambio itself"]]);
  for (const [alias, { entityId, logout, slo }] of Object.entries(samlIdentityProviders)) {
    const at = `samlIdentityProviders.${alias}`;
    if (logout && slo === undefined) yield { path: `${at}.slo`, message: "logout needs it" };
    if (Object.hasOwn(identityProviders, alias)) yield { path: at, message: "an identity provider of this file has this alias already" };
    const owner = owners.get(entityId);
    if (owner !== undefined) yield { path: `${at}.entityId`, message: `belongs to ${owner} already` };
    owners.set(entityId, alias);
  }
}

// Where users can be sent to log in.
function loginPlaces(file: TenantFile): readonly string[] {
  const saml = Object.entries(file.samlIdentityProviders).filter(([, { ssoUrl }]) => ssoUrl !== undefined);
  return [...Object.keys(file.identityProviders), ...saml.map(([alias]) => alias)];
}

function* permissionReferences(file: TenantFile): Generator<Problem> {
  const names = new Set<string>();
  const pairs = new Set<string>();
  for (const [index, permission] of file.permissions.entries()) {
    const at = `permissions.${index}`;
    const provider = Object.hasOwn(file.clients, permission.provider) ? file.clients[permission.provider] : undefined;
    if (!Object.hasOwn(file.clients, permission.consumer)) yield { path: `${at}.consumer`, message: "names no client of this file" };
    if (provider === undefined) yield { path: `${at}.provider`, message: "names no client of this file" };
    for (const [place, scope] of permission.scopes.entries()) {
      if (provider !== undefined && !provider.ownScopes.includes(scope)) yield { path: `${at}.scopes.${place}`, message: "is no scope of the provider (ownScopes)" };
    }
    const name = JSON.stringify([permission.consumer, permission.name]);
    const pair = JSON.stringify([permission.consumer, permission.provider]);
    if (names.has(name)) yield { path: `${at}.name`, message: "this consumer has another permission of this name" };
    if (pairs.has(pair)) yield { path: at, message: "this consumer has another permission for this provider; put all scopes and APIs into one" };
    names.add(name);
    pairs.add(pair);
  }
}

function* resourceOwners(file: TenantFile): Generator<Problem> {
  const owners = new Map<string, string>();
  const entities = new Map<string, string>();
  for (const [id, client] of Object.entries(file.clients)) {
    const { entityId } = client.saml ?? {};
    if (entityId !== undefined && entities.has(entityId)) yield { path: `clients.${id}.saml.entityId`, message: `belongs to ${entities.get(entityId)} already` };
    if (entityId !== undefined) entities.set(entityId, id);
    for (const [index, resource] of client.resources.entries()) {
      const owner = owners.get(resource);
      if (owner !== undefined) yield { path: `clients.${id}.resources.${index}`, message: `belongs to ${owner} already` };
      owners.set(resource, id);
    }
  }
}
