/** True for the hosts that never leave the machine: where http and development secrets are allowed. */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
}

/** True for an absolute https URL (http only for localhost) in visible ASCII, without fragment or user info. */
export function isHttpsUrl(text: string): boolean {
  if (!URL.canParse(text) || !isPlainUri(text)) return false;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLocalhost(url.hostname));
}

/** True for an origin, `https://host[:port]` with nothing behind it. */
export function isOrigin(text: string): boolean {
  return isHttpsUrl(text) && new URL(text).origin === text;
}

/** True for https at a public name, or for localhost: never an address in figures, a name of some inner network, or another service's port. */
export function isOutboundUrl(text: string): boolean {
  if (!isHttpsUrl(text)) return false;
  const { hostname, port } = new URL(text);
  if (isLocalhost(hostname)) return true;
  const isPublic = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(hostname) && !/\.(localhost|local|internal|home\.arpa)$/.test(hostname);
  return isPublic && (port === "" || Number(port) > 1023);
}

/** True for a redirect URI: https, http on localhost or loopback, or a private-use scheme (RFC 8252 §7.1). No fragment, no wildcard. */
export function isRedirectUri(text: string): boolean {
  if (!URL.canParse(text) || !isPlainUri(text) || text.includes("*")) return false;
  if (/^https?:/i.test(text)) return isHttpsUrl(text);
  // RFC 8252 §8.4: a scheme without a period is nobody's own. So no scheme that a browser runs or reads files with either.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/i.test(text);
}

// Visible ASCII (RFC 3986) without fragment: what stands in a header as it stands here, and is not read in two ways.
function isPlainUri(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text) && !/[#\\]/.test(text);
}
