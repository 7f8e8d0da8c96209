import { detached, forgetOldest } from "./bounded.ts";
import { fromBase64url } from "./bytes.ts";
import { type JsonObject, parseStrictJson } from "./json.ts";

// A user with some hundred groups makes a long token; a form takes 64 KiB.
const LENGTH_LIMIT = 49_152;
const HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "kid", "typ"]);
/** A DPoP proof brings its public key along (RFC 9449 §4.2). */
export const DPOP_HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "typ", "jwk"]);
const IDENTITY_PROVIDER_HEADER_MEMBERS: ReadonlySet<string> = new Set([...HEADER_MEMBERS, "x5t", "x5t#S256"]);

interface Header {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
  readonly header: JsonObject;
}

/** A JWT that has the shape of one and says nothing twice. Nothing in it is true yet: no signature has been checked. */
export interface UnverifiedJwt extends Header {
  readonly payload: JsonObject;
  readonly text: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/**
 * The gate before any JWT: at most 48 KiB, three parts in canonical base64url, JSON without repeated members, a header of
 * `alg`, `kid` and `typ` only (RFC 8725 §3; no `jku`, `jwk`, `x5u`, `crit`, `b64`, `cty`, `zip`). Undefined when refused.
 */
export function openJwt(text: string, headerMembers = HEADER_MEMBERS): UnverifiedJwt | undefined {
  const [first, last] = [text.indexOf("."), text.lastIndexOf(".")];
  if (text.length > LENGTH_LIMIT || first === last) return undefined;
  const header = headerOf(text.slice(0, first), headerMembers);
  // A further dot is in no alphabet.
  const payload = read(text.slice(first + 1, last));
  const signature = fromBase64url(text.slice(last + 1));
  if (header === undefined || payload === undefined || signature === undefined || signature.length === 0) return undefined;
  return { ...header, payload, text, signature };
}

/** The same gate for ID tokens of corporate IdPs, some of which name their certificate's thumbprint too; it is ignored. */
export function openIdentityProviderJwt(text: string): UnverifiedJwt | undefined {
  return openJwt(text, IDENTITY_PROVIDER_HEADER_MEMBERS);
}

// What our keys and those of our clients and IdPs put before each of their tokens.
const HEADERS_KEPT = 32;
const LONGEST_HEADER = 512;
const headers = new Map<string, { readonly header: Header; readonly members: ReadonlySet<string> }>();

function headerOf(part: string, members: ReadonlySet<string>): Header | undefined {
  const known = headers.get(part);
  if (known?.members === members) return known.header;
  const header = readHeader(part, members);
  if (header === undefined || part.length > LONGEST_HEADER) return header;
  headers.set(detached(part), { header, members });
  forgetOldest(headers, HEADERS_KEPT);
  return header;
}

function readHeader(part: string, members: ReadonlySet<string>): Header | undefined {
  const header = read(part);
  if (header === undefined || !Object.keys(header).every((name) => members.has(name))) return undefined;
  const { alg, kid, typ } = header;
  if (typeof alg !== "string" || !isOptionalText(kid, 256) || !isOptionalText(typ, 64)) return undefined;
  return { algorithm: alg, keyId: kid, type: typ?.toLowerCase().replace(/^application\//, ""), header };
}

function read(part: string): JsonObject | undefined {
  const bytes = fromBase64url(part);
  return bytes === undefined ? undefined : parseStrictJson(bytes);
}

function isOptionalText(value: unknown, limit: number): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length <= limit);
}
