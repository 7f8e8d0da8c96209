import { textOf } from "./utf8.ts";

/** A JSON object whose members nobody has looked at yet. */
export type JsonObject = { readonly [name: string]: unknown };

const DEPTH_LIMIT = 12;
const [BRACE, BRACE_END, BRACKET, BRACKET_END, QUOTE] = [0x7b, 0x7d, 0x5b, 0x5d, 0x22];

/**
 * Reads a JSON object from bytes and refuses what two readers could understand differently: invalid UTF-8, a byte order
 * mark, lone surrogates, a member named twice (RFC 7519 §4), more than twelve levels. Returns undefined when refused.
 */
export function parseStrictJson(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = textOf(bytes);
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !isUnambiguous(text)) return undefined;
    return value;
  } catch {
    return undefined;
  }
}

/** True for a JSON object; arrays and null are none. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Walks a text that JSON.parse has accepted, so that only strings and brackets need to be told apart.
function isUnambiguous(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === BRACE || char === BRACKET) {
      if (open.push(char === BRACE ? new Set() : undefined) > DEPTH_LIMIT) return false;
    } else if (char === BRACE_END || char === BRACKET_END) {
      open.pop();
    } else if (char === QUOTE) {
      const end = endOfString(text, at);
      const literal = text.slice(at, end + 1);
      const value = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
      if (!value.isWellFormed()) return false;
      at = end;
      if (isMemberName(text, end + 1)) {
        const names = open.at(-1);
        if (names === undefined || names.has(value)) return false;
        names.add(value);
      }
    }
  }
  return true;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function isMemberName(text: string, from: number): boolean {
  let at = from;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\n" || text[at] === "\r") at++;
  return text[at] === ":";
}
