import { legal } from "../xml.ts";
import { Fault } from "./fault.ts";

/** What the gate saw, in its own reading: a parser that sees anything else is not believed. */
export interface GatedDocument {
  readonly text: string;
  /** Expanded name of the root: namespace, a space, local name. */
  readonly root: string;
  /** Expanded names of all elements in the order of the document. */
  readonly elements: readonly string[];
  /** Values of all attributes whose local name is `id`, in any case. */
  readonly ids: readonly string[];
}

const BYTES_LIMIT = 256 * 1024;
const DEPTH_LIMIT = 64;
const ELEMENTS_LIMIT = 4000;
const ATTRIBUTES_LIMIT = 4000;

const DECLARATION = /^<\?xml\s+version="1\.0"(?:\s+encoding="utf-8")?(?:\s+standalone="(?:yes|no)")?\s*\?>\s*/i;
const REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)/;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/;
const NAME = "[A-Za-z_][A-Za-z0-9_.-]*";
const START = new RegExp(`<(${NAME}(?::${NAME})?)`, "y");
const ATTRIBUTE = new RegExp(`\\s+(${NAME}(?::${NAME})?)\\s*=\\s*("[^"<]*"|'[^'<]*')`, "y");
const START_END = /\s*(\/?)>/y;
const END = new RegExp(`</(${NAME}(?::${NAME})?)\\s*>`, "y");

type Scope = ReadonlyMap<string, string>;

/**
 * The gate before any parser: UTF-8, no DOCTYPE, comment, CDATA or processing instruction, no entity but the five, bounded
 * size, depth and number, well-formed tags, absolute namespaces, no attribute twice by its expanded name.
 */
export function gate(document: Uint8Array): GatedDocument {
  const text = decode(document);
  if (legal(text) !== text || REFERENCE.test(text) || hasIllegalReference(text)) throw new Fault("gate", "character");
  const body = text.replace(DECLARATION, "");
  if (body.includes("<!") || body.includes("<?")) throw new Fault("gate", "markup declaration");
  return { text: body, ...scan(body) };
}

function decode(document: Uint8Array): string {
  if (document.byteLength > BYTES_LIMIT) throw new Fault("gate", "size");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(document);
  } catch {
    throw new Fault("gate", "encoding");
  }
}

function hasIllegalReference(text: string): boolean {
  return [...text.matchAll(/&#(x?)([0-9A-Fa-f]+);/g)].some(([, hex, digits = ""]) => {
    const code = Number.parseInt(digits, hex === "" ? 10 : 16);
    return code > 0x10ffff || legal(String.fromCodePoint(code)) === "";
  });
}

// Every tag, one after the other; what stands between two tags holds no "<" by construction.
function scan(text: string): Omit<GatedDocument, "text"> {
  const open: { readonly name: string; readonly scope: Scope }[] = [];
  const [elements, ids]: [string[], string[]] = [[], []];
  const count = { attributes: 0 };
  let position = 0;
  while (position < text.length) {
    if (text[position] !== "<") {
      const end = text.indexOf("<", position);
      const between = text.slice(position, end === -1 ? text.length : end);
      if (open.length === 0 && between.trim() !== "") throw new Fault("gate", "text outside the root");
      if (between.includes("]]>")) throw new Fault("gate", "]]>");
      position += between.length;
    } else if (text[position + 1] === "/") {
      const [whole, name] = match(END, text, position);
      if (open.pop()?.name !== name) throw new Fault("gate", "end tag");
      position += whole.length;
    } else {
      if (open.length === 0 && elements.length > 0) throw new Fault("gate", "two roots");
      const tag = startTag(text, position, open.at(-1)?.scope ?? new Map([["xml", "http://www.w3.org/XML/1998/namespace"]]), count);
      elements.push(tag.expanded);
      ids.push(...tag.ids);
      if (!tag.isEmpty) open.push({ name: tag.name, scope: tag.scope });
      if (open.length > DEPTH_LIMIT || elements.length > ELEMENTS_LIMIT) throw new Fault("gate", "depth");
      position = tag.end;
    }
  }
  const [root] = elements;
  if (root === undefined || open.length > 0) throw new Fault("gate", "not one element");
  return { root, elements, ids };
}

interface StartTag {
  readonly name: string;
  readonly expanded: string;
  readonly scope: Scope;
  readonly ids: readonly string[];
  readonly isEmpty: boolean;
  readonly end: number;
}

function startTag(text: string, start: number, above: Scope, count: { attributes: number }): StartTag {
  const [begun, name = ""] = match(START, text, start);
  const attributes: (readonly [name: string, value: string])[] = [];
  let position = start + begun.length;
  for (;;) {
    ATTRIBUTE.lastIndex = position;
    const [whole, key, quoted] = ATTRIBUTE.exec(text) ?? [];
    if (whole === undefined || key === undefined || quoted === undefined) break;
    attributes.push([key, quoted.slice(1, -1)]);
    position += whole.length;
    count.attributes += 1;
    if (count.attributes > ATTRIBUTES_LIMIT) throw new Fault("gate", "attributes");
  }
  const [ended, slash] = match(START_END, text, position);
  const scope = declared(attributes, above);
  const seen = new Set<string>();
  for (const [key] of attributes) {
    const expanded = key === "xmlns" || key.startsWith("xmlns:") ? key : key.includes(":") ? expand(key, scope) : key;
    if (seen.has(expanded)) throw new Fault("gate", "attribute twice");
    seen.add(expanded);
  }
  const ids = attributes.filter(([key]) => /^(?:.*:)?id$/i.test(key)).map(([, value]) => value);
  return { name, expanded: expand(name, scope), scope, ids, isEmpty: slash === "/", end: position + ended.length };
}

// A namespace that is empty or relative leaves canonicalisation undefined: refused.
function declared(attributes: readonly (readonly [string, string])[], above: Scope): Scope {
  const own = attributes.filter(([key]) => key === "xmlns" || key.startsWith("xmlns:"));
  if (own.some(([key, value]) => !ABSOLUTE.test(value) || value.includes("&") || /^xmlns:xml/.test(key))) throw new Fault("gate", "namespace");
  return own.length === 0 ? above : new Map([...above, ...own.map(([key, value]) => [key.slice(6), value] as const)]);
}

function expand(name: string, scope: Scope): string {
  const [local, prefix = ""] = name.split(":").reverse();
  const namespace = scope.get(prefix);
  if (namespace === undefined) throw new Fault("gate", "prefix");
  return `${namespace} ${local}`;
}

function match(pattern: RegExp, text: string, position: number): RegExpExecArray {
  pattern.lastIndex = position;
  const found = pattern.exec(text);
  if (found === null) throw new Fault("gate", "tag");
  return found;
}
