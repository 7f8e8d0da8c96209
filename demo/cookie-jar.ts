interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly host: string;
  readonly path: string;
}

/** As much of RFC 6265 as a login needs: host and path (cookies do not see ports), replacement and deletion. */
export class CookieJar {
  #cookies: readonly Cookie[] = [];

  /** Takes what a response to a request for `url` sets. */
  take(url: URL, response: Response): void {
    for (const header of response.headers.getSetCookie()) {
      const { cookie, ended } = parse(url, header);
      const others = this.#cookies.filter((one) => one.name !== cookie.name || one.host !== cookie.host || one.path !== cookie.path);
      this.#cookies = ended ? others : [...others, cookie];
    }
  }

  /** The Cookie header for a request for `url`, or an empty string. */
  header(url: URL): string {
    const sent = this.#cookies.filter((one) => one.host === url.hostname && covers(one.path, url.pathname));
    return sent.map((one) => `${one.name}=${one.value}`).join("; ");
  }

  /** The names of all cookies of one host. */
  names(hostname: string): readonly string[] {
    return this.#cookies.filter((one) => one.host === hostname).map((one) => one.name);
  }
}

function parse(url: URL, header: string): { readonly cookie: Cookie; readonly ended: boolean } {
  const [pair = "", ...rest] = header.split(";");
  const attributes = new Map(rest.map((part) => split(part)).map(([name, value]) => [name.toLowerCase(), value]));
  const [name, value] = split(pair);
  const path = attributes.get("path");
  const maxAge = attributes.get("max-age");
  const expires = attributes.get("expires");
  const ended = maxAge === undefined ? expires !== undefined && Date.parse(expires) <= Date.now() : Number(maxAge) <= 0;
  const folder = url.pathname.slice(0, url.pathname.lastIndexOf("/")) || "/";
  return { cookie: { name, value, host: url.hostname, path: path?.startsWith("/") ? path : folder }, ended };
}

function split(part: string): readonly [string, string] {
  const at = part.indexOf("=");
  return at < 0 ? [part.trim(), ""] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
}

function covers(cookiePath: string, requestPath: string): boolean {
  return requestPath === cookiePath || requestPath.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}
