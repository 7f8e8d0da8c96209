import * as z from "zod/mini";

/** A client identifier: visible ASCII without the characters that separate things on the wire, 1 to 128 long. */
export const ClientId = z.string().check(z.regex(/^[A-Za-z0-9._:/@-]{1,128}$/, "a client id is 1 to 128 of A-Z a-z 0-9 . _ : / @ -"));

/** The alias of an identity provider; it stands in the path of our callback. */
export const Alias = z.string().check(z.regex(/^[a-z0-9-]{1,32}$/, "an alias is 1 to 32 of a-z 0-9 -"));

/** One scope token, RFC 6749 §3.3. */
export const ScopeToken = z.string().check(z.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'a scope is 1 to 128 visible ASCII characters without " and \\'));

/** A number of seconds. */
export const Seconds = z.int().check(z.gte(0));

/** The instant of a cutoff: seconds since 1970. Everything whose root is not younger is dead. */
export const Cutoff = z.int().check(z.gte(0));

/** An absolute https URL (http only for localhost) in visible ASCII, without fragment or user info. */
export const HttpsUrl = z.string().check(
  z.maxLength(499),
  z.refine((text: string) => isHttpsUrl(text), "must be an https URL (http only for localhost) without fragment or user info"),
);

/** An origin, `https://host[:port]` with nothing behind it. */
export const Origin = z.string().check(z.refine((text: string) => isHttpsUrl(text) && new URL(text).origin === text, "must be an origin such as https://app.example.com"));

/** True for the hosts that never leave the machine: where http and development secrets are allowed. */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
}

/** A URL that we may ask for something ourselves: see `isOutboundUrl`. */
export const OutboundUrl = HttpsUrl.check(z.refine((text: string) => isOutboundUrl(text), "must be at a public host name, on the port of https or one above 1023"));

/** True for https at a public name, or for localhost: never an address in figures, a name of some inner network, or another service's port. */
export function isOutboundUrl(text: string): boolean {
  if (!isHttpsUrl(text)) return false;
  const { hostname, port } = new URL(text);
  if (isLocalhost(hostname)) return true;
  const isPublic = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(hostname) && !/\.(localhost|local|internal|home\.arpa)$/.test(hostname);
  return isPublic && (port === "" || Number(port) > 1023);
}

function isHttpsUrl(text: string): boolean {
  if (!URL.canParse(text) || !isPlainUri(text)) return false;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLocalhost(url.hostname));
}

// Visible ASCII (RFC 3986) without fragment: what stands in a header as it stands here, and is not read in two ways.
function isPlainUri(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text) && !/[#\\]/.test(text);
}

/** A redirect URI: https, http on localhost or loopback, or a private-use scheme (RFC 8252 §7.1). No fragment, no wildcard. */
export const RedirectUri = z.string().check(
  z.maxLength(499),
  z.refine((text: string) => isRedirectUri(text), "must be https, http on localhost or loopback, or a scheme such as com.example.app; no fragment, user info or wildcard"),
);

function isRedirectUri(text: string): boolean {
  if (!URL.canParse(text) || !isPlainUri(text) || text.includes("*")) return false;
  if (/^https?:/i.test(text)) return isHttpsUrl(text);
  // RFC 8252 §8.4: a scheme without a period is nobody's own. So no scheme that a browser runs or reads files with either.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/i.test(text);
}
