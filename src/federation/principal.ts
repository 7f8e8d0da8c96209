import { bytesOf, fromBase64url, toBase64url } from "../protocol/bytes.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { IdentityProvider } from "../tenants/identity-provider.ts";
import type { Principal } from "../tenants/principal.ts";

const TEXT_LIMIT = 255;
const GROUPS_LIMIT = 500;

/** Our own subject id for a user of an IdP: 16 bytes of HMAC, so that it is stable and tells nothing. */
export async function subjectOf(subjectKey: string, alias: string, subject: string): Promise<string> {
  const key = await crypto.subtle.importKey("raw", fromBase64url(subjectKey) ?? new Uint8Array(), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, bytesOf(JSON.stringify([alias, subject])));
  return toBase64url(new Uint8Array(mac, 0, 16));
}

/** Copies the mapped claims, by allowlist and within bounds, into what we keep of a user. */
export function principalOf(sub: string, alias: string, idp: IdentityProvider, claims: JsonObject): Principal {
  const text = (name: string) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT ? value : undefined;
  };
  const groups = Object.hasOwn(claims, idp.claims.groups) ? claims[idp.claims.groups] : undefined;
  const named = {
    email: text(idp.claims.email),
    name: text(idp.claims.name),
    givenName: text(idp.claims.givenName),
    familyName: text(idp.claims.familyName),
  };
  return {
    sub,
    idp: alias,
    loginName: text(idp.claims.loginName) ?? String(claims.sub),
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === "string" && group.length <= TEXT_LIMIT).slice(0, GROUPS_LIMIT) : [],
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(claims[idp.claims.emailVerified] === true ? { emailVerified: true } : {}),
  };
}

/** True when a claim that the record maps is missing, so that the IdP's userinfo is worth a call. */
export function lacksClaims(idp: IdentityProvider, claims: JsonObject): boolean {
  const wanted = [idp.claims.loginName, ...(idp.scopes.includes("email") ? [idp.claims.email] : []), ...(idp.scopes.includes("profile") ? [idp.claims.name] : [])];
  return wanted.some((name) => !Object.hasOwn(claims, name));
}
