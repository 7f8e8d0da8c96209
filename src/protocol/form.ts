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

/** The parameters of one request. An empty value counts as omitted (RFC 6749 §3.2), but its name counts as given. */
export class Form {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  /** The names that came in the URL rather than in the body. */
  readonly queryNames: ReadonlySet<string>;

  constructor(values: ReadonlyMap<string, readonly string[]>, queryNames: ReadonlySet<string> = new Set()) {
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
  const query = pairs(queryOf(request.url));
  const names = new Set(query.map(([name]) => name));
  for (const name of names) if (NEVER_IN_QUERY.has(name)) throw new Rejection("secret_in_query");
  const body = pairs(decodeUtf8(await readBody(request, BODY_LIMIT_BYTES)));
  // Repeatable or not, a name in the URL and in the body is two requests in one.
  if (body.some(([name]) => names.has(name))) throw new Rejection("repeated_parameter");
  return new Form(collect([...query, ...body]), names);
}

/** Reads the parameters of a URL, for endpoints that are asked by GET. */
export function readQuery(url: string): Form {
  return new Form(collect(pairs(queryOf(url))));
}

/** Refuses any media type but the one named, any charset but UTF-8, and any content encoding. */
export function requireMediaType(headers: Headers, mediaType: string, reason: "media_type" | "json_media_type"): void {
  const [type, ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  const charsets = parameters.filter((part) => part.trim().startsWith("charset"));
  const utf8 = charsets.every((part) => /^\s*charset\s*=\s*("utf-8"|utf-8)\s*$/.test(part));
  const plain = (headers.get("content-encoding") ?? "identity").toLowerCase() === "identity";
  if (type?.trim() !== mediaType || !utf8 || !plain) throw new Rejection(reason);
}

/** Reads a body of at most `limit` bytes; stops reading as soon as there are more, whatever Content-Length says. */
export async function readBody(message: Request | Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = Number(message.headers.get("content-length") ?? 0);
  if (announced > limit) {
    await message.body?.cancel();
    throw new Rejection("body_too_large");
  }
  return (announced > 0 ? await readAnnounced(message, announced) : undefined) ?? (await readChunks(message, limit));
}

// What has the length that it says is taken in one read. Undefined, with nothing taken, for a body that is no stream of bytes.
async function readAnnounced({ body }: Request | Response, length: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = byteReader(body);
  if (reader === undefined) return undefined;
  // One byte more than there should be, so that the end is seen.
  const { value } = await reader.readAtLeast(length + 1, new Uint8Array(length + 1)).catch(brokenOff);
  if (value !== undefined && value.byteLength <= length) return value as Uint8Array<ArrayBuffer>;
  await reader.cancel();
  throw new Rejection("body_too_large");
}

// The platform's own way of reading so much at once; where there is none (the command line runs on Node), chunks are read.
interface ByteReader {
  readAtLeast(least: number, into: Uint8Array): Promise<{ readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

function byteReader(body: Request["body"]): ByteReader | undefined {
  if (typeof ReadableStreamBYOBReader === "undefined" || !("readAtLeast" in ReadableStreamBYOBReader.prototype)) return undefined;
  try {
    return body?.getReader({ mode: "byob" }) as unknown as ByteReader | undefined;
  } catch {
    return undefined;
  }
}

function brokenOff(cause: unknown): never {
  throw new Rejection("malformed_form", { note: "the body broke off", cause });
}

async function readChunks(message: Request | Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = message.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(brokenOff);
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      throw new Rejection("body_too_large");
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
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

function pairs(text: string): (readonly [string, string])[] {
  if (text === "") return [];
  const pieces = text.split("&").filter((piece) => piece !== "");
  if (pieces.length > PARAMETER_LIMIT) throw new Rejection("too_many_parameters");
  return pieces.map((piece) => {
    const equals = piece.indexOf("=");
    return equals === -1 ? [decode(piece), ""] : [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))];
  });
}

// decodeURIComponent throws on a stray %, on %u0041 and on bytes that are not UTF-8, so that no two inputs become one value.
function decode(text: string): string {
  // Most names and values are written in full.
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new Rejection("malformed_form");
  }
}

function collect(all: readonly (readonly [string, string])[]): Map<string, string[]> {
  if (all.length > PARAMETER_LIMIT) throw new Rejection("too_many_parameters");
  const values = new Map<string, string[]>();
  for (const [name, value] of all) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else if (REPEATABLE.has(name)) known.push(value);
    else throw new Rejection("repeated_parameter");
  }
  return values;
}
