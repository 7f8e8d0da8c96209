import { bytesOf, fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { Principal } from "../tenants/principal.ts";

const TEXT_LIMIT = 255;
const GROUPS_LIMIT = 500;
// All groups together, as JSON: so that a token that carries them stays one that we, and others, can read.
const GROUPS_BYTES_LIMIT = 16_384;

/** Our own subject id for a user of an IdP: 16 bytes of HMAC, so that it is stable and tells nothing. */
export async function subjectOf(subjectKey: string, alias: string, subject: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", fromBase64url(subjectKey) ?? new Uint8Array(), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, bytesOf(JSON.stringify([alias, subject])));
  return toBase64url(new Uint8Array(mac, 0, 16));
}

/** What is known of a user before it has been bounded; anything that is no text, or no list for the groups, is left out. */
type Mapped = Readonly<Record<"loginName" | "email" | "name" | "givenName" | "familyName" | "groups", unknown>>;

/** Copies the mapped claims, by allowlist and within bounds, into what we keep of a user. */
export function principalOf(sub: string, alias: string, idp: IdentityProvider, claims: JsonObject): Principal {
  const claim = (path: string) => claimAt(claims, path);
  const { loginName, email, name, givenName, familyName, groups, emailVerified } = idp.claims;
  const mapped = { loginName: claim(loginName), email: claim(email), name: claim(name), givenName: claim(givenName), familyName: claim(familyName), groups: claim(groups) };
  return { ...mappedPrincipal(sub, alias, String(claims.sub), mapped), ...(claim(emailVerified) === true ? { emailVerified: true } : {}) };
}

/** Keeps what is within bounds. `subject`: the IdP's own name for the user, where it has no login name. */
export function mappedPrincipal(sub: string, alias: string, subject: string, { groups, loginName, ...rest }: Mapped): Principal {
  const isText = (value: unknown): value is string => typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT;
  return {
    sub,
    idp: alias,
    loginName: isText(loginName) ? loginName : subject,
    groups: groupsOf(groups),
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => isText(value))),
  };
}

function groupsOf(claim: unknown): readonly string[] {
  const groups: string[] = [];
  let bytes = 0;
  for (const group of Array.isArray(claim) ? claim : []) {
    if (typeof group !== "string" || group.length > TEXT_LIMIT) continue;
    bytes += bytesOf(JSON.stringify(group)).length + 1;
    if (groups.length === GROUPS_LIMIT || bytes > GROUPS_BYTES_LIMIT) break;
    groups.push(group);
  }
  return groups;
}

/** True when a claim that the record maps is missing, so that the IdP's userinfo is worth a call. */
export function lacksClaims(idp: IdentityProvider, claims: JsonObject): boolean {
  const byScope = { email: idp.claims.email, profile: idp.claims.name, groups: idp.claims.groups };
  const wanted = [idp.claims.loginName, ...Object.entries(byScope).flatMap(([scope, name]) => (idp.scopes.includes(scope) ? [name] : []))];
  return wanted.some((path) => claimAt(claims, path) === undefined);
}

/** The claim that a path of the mapping leads to: one of exactly that name, else by its dots into nested objects. */
export function claimAt(claims: JsonObject, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  const names = path.split(/(?<!\\)\./).map((name) => name.replaceAll("\\.", "."));
  return names.reduce<unknown>((value, name) => (typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined), claims);
}
