import { readRequestBody } from "./body.ts";
import { Rejection } from "./rejection.ts";
import { textOf } from "./utf8.ts";

const BODY_LIMIT_BYTES = 65_536;
const PARAMETER_LIMIT = 128;

// Only these may be repeated: RFC 8693 §2.1 and RFC 8707 §2.
const REPEATABLE: ReadonlySet<string> = new Set(["audience", "resource"]);

// What never belongs in a URL, in any dialect: it ends in logs, histories and Referer headers (RFC 6749 §2.3.1, RFC 9700 §4.3).
const NEVER_IN_QUERY: ReadonlySet<string> = new Set([
  "client_secret",
  "client_assertion",
  "subject_token",
  "actor_token",
  "assertion",
  "refresh_token",
  "access_token",
  "logout_token",
  "token",
  "code",
  "code_verifier",
  "password",
]);

const NO_NAMES: ReadonlySet<string> = new Set();

/** The parameters of one request. An empty value counts as omitted (RFC 6749 §3.2), but its name counts as given. */
export class Form {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  /** The names that came in the URL rather than in the body. */
  readonly queryNames: ReadonlySet<string>;

  constructor(values: ReadonlyMap<string, readonly string[]>, queryNames = NO_NAMES) {
    this.#values = values;
    this.queryNames = queryNames;
  }

  /** The value of a parameter, or undefined when it is omitted or empty. */
  get(name: string): string | undefined {
    const value = this.#values.get(name)?.[0];
    return value === "" ? undefined : value;
  }

  /** The value of a parameter that must be there. */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new Rejection("missing_parameter", { parameter: name });
    return value;
  }

  /** Every value of a repeatable parameter. */
  all(name: string): readonly string[] {
    return (this.#values.get(name) ?? []).filter((value) => value !== "");
  }

  /** Every parameter as name and value, in order of appearance. */
  *entries(): Generator<readonly [string, string]> {
    for (const [name, values] of this.#values) for (const value of values) yield [name, value];
  }
}

/**
 * Reads the form of a POST: exact media type, at most 64 KiB, strict UTF-8 and percent-encoding, no repeats but `audience`
 * and `resource`. Parameters of the URL are read by the same rules; a name in both is a repeat, and secrets are refused there.
 */
export async function readForm(request: Request): Promise<Form> {
  requireMediaType(request.headers, "application/x-www-form-urlencoded", "media_type");
  const values = new Map<string, string[]>();
  const count = collect(queryOf(request.url), values);
  const queryNames = count === 0 ? NO_NAMES : new Set(values.keys());
  for (const name of queryNames) if (NEVER_IN_QUERY.has(name)) throw new Rejection("secret_in_query");
  const body = await readRequestBody(request, BODY_LIMIT_BYTES);
  collect(decodeUtf8(body), values, count, queryNames);
  return new Form(values, queryNames);
}

/** Reads the parameters of a URL, for endpoints that are asked by GET. */
export function readQuery(url: string): Form {
  const values = new Map<string, string[]>();
  collect(queryOf(url), values);
  return new Form(values);
}

/** Refuses any media type but the one named, any charset but UTF-8, and any content encoding. */
export function requireMediaType(headers: Headers, mediaType: string, reason: "media_type" | "json_media_type"): void {
  const written = headers.get("content-type") ?? "";
  const encoding = headers.get("content-encoding");
  // As nearly everyone writes it.
  if (written === mediaType && encoding === null) return;
  const [type, ...parameters] = written.toLowerCase().split(";");
  const charsets = parameters.filter((part) => part.trim().startsWith("charset"));
  const utf8 = charsets.every((part) => /^\s*charset\s*=\s*("utf-8"|utf-8)\s*$/.test(part));
  const plain = (encoding ?? "identity").toLowerCase() === "identity";
  if (type?.trim() !== mediaType || !utf8 || !plain) throw new Rejection(reason);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return textOf(bytes);
  } catch {
    throw new Rejection("malformed_form");
  }
}

function queryOf(url: string): string {
  const start = url.indexOf("?");
  const end = url.indexOf("#");
  return start === -1 ? "" : url.slice(start + 1, end === -1 ? undefined : end);
}

// Adds the parameters of a text to those of the URL, which it may not repeat, and answers how many there are by now.
function collect(text: string, values: Map<string, string[]>, before = 0, queryNames = NO_NAMES): number {
  let count = before;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf("&", start);
    if (end === -1) end = text.length;
    if (start === end) continue;
    if (++count > PARAMETER_LIMIT) throw new Rejection("too_many_parameters");
    const piece = text.slice(start, end);
    const equals = piece.indexOf("=");
    const name = decode(equals === -1 ? piece : piece.slice(0, equals));
    const value = equals === -1 ? "" : decode(piece.slice(equals + 1));
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    // Repeatable or not, a name in the URL and in the body is two requests in one.
    else if (REPEATABLE.has(name) && !queryNames.has(name)) known.push(value);
    else throw new Rejection("repeated_parameter");
  }
  return count;
}

// decodeURIComponent throws on a stray %, on %u0041 and on bytes that are not UTF-8, so that no two inputs become one value.
function decode(text: string): string {
  // Most names and values are written in full.
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new Rejection("malformed_form");
  }
}
