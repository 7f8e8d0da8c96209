import { fromBase64url } from "./bytes.ts";
import { type JsonObject, parseStrictJson } from "./json.ts";

// A user with some hundred groups makes a long token; a form takes 64 KiB.
const LENGTH_LIMIT = 49_152;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "kid", "typ"]);
/** A DPoP proof brings its public key along (RFC 9449 §4.2). */
export const DPOP_HEADER_MEMBERS: ReadonlySet<string> = new Set(["alg", "typ", "jwk"]);
const IDENTITY_PROVIDER_HEADER_MEMBERS: ReadonlySet<string> = new Set([...HEADER_MEMBERS, "x5t", "x5t#S256"]);

/** A JWT that has the shape of one and says nothing twice. Nothing in it is true yet: no signature has been checked. */
export interface UnverifiedJwt {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly text: string;
}

/**
 * The gate before any JWT: at most 48 KiB, three parts in canonical base64url, JSON without repeated members, a header of
 * `alg`, `kid` and `typ` only (RFC 8725 §3; no `jku`, `jwk`, `x5u`, `crit`, `b64`, `cty`, `zip`). Undefined when refused.
 */
export function openJwt(text: string, headerMembers = HEADER_MEMBERS): UnverifiedJwt | undefined {
  if (text.length > LENGTH_LIMIT || !SHAPE.test(text)) return undefined;
  const [first = "", second = "", third = ""] = text.split(".");
  const header = read(first);
  const payload = read(second);
  if (header === undefined || payload === undefined || fromBase64url(third) === undefined) return undefined;
  if (!Object.keys(header).every((name) => headerMembers.has(name))) return undefined;
  const { alg, kid, typ } = header;
  if (typeof alg !== "string" || !isOptionalText(kid, 256) || !isOptionalText(typ, 64)) return undefined;
  return { algorithm: alg, keyId: kid, type: typ?.toLowerCase().replace(/^application\//, ""), header, payload, text };
}

/** The same gate for ID tokens of corporate IdPs, some of which name their certificate's thumbprint too; it is ignored. */
export function openIdentityProviderJwt(text: string): UnverifiedJwt | undefined {
  return openJwt(text, IDENTITY_PROVIDER_HEADER_MEMBERS);
}

function read(part: string): JsonObject | undefined {
  const bytes = fromBase64url(part);
  return bytes === undefined ? undefined : parseStrictJson(bytes);
}

function isOptionalText(value: unknown, limit: number): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length <= limit);
}
