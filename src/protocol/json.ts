import { textOf } from "./utf8.ts";

/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = { readonly [name: string]: unknown };

const DEPTH_LIMIT = 12;
const [QUOTE, COLON, BACKSLASH] = [0x22, 0x3a, 0x5c];

/**
 * Reads a JSON object from bytes and refuses what two readers could understand differently: invalid UTF-8, a byte order
 * mark, lone surrogates, a member named twice (RFC 7519 §4), more than twelve levels. Returns undefined when refused.
 */
export function parseStrictJson(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = textOf(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) && membersOf(value) === membersIn(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** True for a JSON object; arrays and null are none. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Of a member that is named twice one is left: then there are fewer than the text names. NaN, which equals nothing, for
// what goes too deep or holds half of a surrogate pair.
function membersOf(value: unknown, depth = 1): number {
  if (typeof value === "string") return value.isWellFormed() ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  if (depth > DEPTH_LIMIT) return Number.NaN;
  let members = 0;
  if (isObject(value)) for (const name of Object.keys(value)) members += 1 + membersOf(name) + membersOf(value[name], depth + 1);
  else for (const item of value as readonly unknown[]) members += membersOf(item, depth + 1);
  return members;
}

// In a text that JSON.parse has accepted, each colon outside of a string follows the name of a member.
function membersIn(text: string): number {
  let members = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at);
    else if (char === COLON) members++;
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
