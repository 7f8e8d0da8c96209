import type { Config } from "./config.ts";

/** Whose host a request was sent to. */
interface Host {
  readonly issuer: string;
  /** Where clients with certificates ask (RFC 8705 §5). */
  readonly isAlias: boolean;
}

/** Finds the host of a URL by its origin, compared as a whole; undefined for any other, and for what is no URL. */
export function hostTable({ issuers, mtlsAliases }: Config): (url: string) => Host | undefined {
  const hosts = new Map<string, Host>(issuers.map((issuer) => [new URL(issuer).origin, { issuer, isAlias: false }]));
  for (const [issuer, alias] of mtlsAliases) hosts.set(alias, { issuer, isAlias: true });
  // What the platform gives begins with an origin as it is known here; whatever else means the same is parsed.
  return (url) => {
    const end = url.indexOf("/", "https://".length);
    return hosts.get(end === -1 ? url : url.slice(0, end)) ?? hosts.get(URL.parse(url)?.origin ?? "");
  };
}
