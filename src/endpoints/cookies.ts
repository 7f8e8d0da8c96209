import { Rejection } from "../protocol/rejection.ts";
import { isLocalhost } from "../protocol/uri.ts";

/** A browser drops a cookie of more than 4096 bytes without a word, name and attributes included. */
const COOKIE_LIMIT = 4000;

/** Names and attributes of our cookies at one issuer. */
interface CookiePlace {
  readonly prefix: string;
  readonly suffix: string;
  readonly attributes: string;
}

/**
 * On https: `__Host-`, Secure. On http://localhost, where some clients never send Secure cookies, the port stands in the
 * name, because cookies do not tell ports apart.
 */
function placeOf(issuer: string): CookiePlace {
  const url = new URL(issuer);
  const common = "Path=/; HttpOnly; SameSite=Lax";
  if (url.protocol === "http:" && isLocalhost(url.hostname)) return { prefix: "cambio_", suffix: `_${url.port || "80"}`, attributes: common };
  return { prefix: "__Host-cambio_", suffix: "", attributes: `${common}; Secure` };
}

/** The value of one of our cookies in a request. */
export function readCookie(issuer: string, headers: Headers, name: string): string | undefined {
  const wanted = cookieName(issuer, name);
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals !== -1 && pair.slice(0, equals).trim() === wanted) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

/** A `Set-Cookie` value; `maxAge` in seconds, zero deletes it. What makes it too long is the application's `state`. */
export function writeCookie(issuer: string, name: string, value: string, maxAge: number): string {
  const cookie = `${cookieName(issuer, name)}=${value}; Max-Age=${maxAge}; ${placeOf(issuer).attributes}`;
  if (cookie.length > COOKIE_LIMIT) throw new Rejection("invalid_parameter", { parameter: "state" });
  return cookie;
}

function cookieName(issuer: string, name: string): string {
  const { prefix, suffix } = placeOf(issuer);
  return `${prefix}${name}${suffix}`;
}
