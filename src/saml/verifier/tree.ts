import { DOMParser, type Document, type Element, type Node } from "@xmldom/xmldom";
import { Fault } from "./fault.ts";
import type { GatedDocument } from "./gate.ts";

/** Parses what has passed the gate; any complaint of the parser, and any difference from the gate's own reading, is a refusal. */
export function parse({ text, elements, ids }: GatedDocument): Element {
  const complain = () => {
    throw new Fault("malformed", "parser");
  };
  let document: Document;
  try {
    document = new DOMParser({ onError: complain }).parseFromString(text, "text/xml");
  } catch {
    throw new Fault("malformed", "parser");
  }
  const all = [...document.getElementsByTagNameNS("*", "*")];
  const names = all.map((element) => `${element.namespaceURI} ${element.localName}`);
  const seen = all.flatMap((element) => [...element.attributes].filter(({ localName }) => /^id$/i.test(localName ?? "")).map(({ value }) => value));
  const root = document.documentElement;
  if (root === null || !isSame(names, elements) || !isSame(seen, ids)) throw new Fault("malformed", "two readings");
  return root;
}

/** The child elements; a comment or instruction among them is a refusal, text only where it is blank. */
export function childrenOf(element: Element): readonly Element[] {
  return [...element.childNodes].filter((node): node is Element => {
    if (node.nodeType === 1) return true;
    if (node.nodeType !== 3 || (node.nodeValue ?? "").trim() !== "") throw new Fault("shape", "mixed content");
    return false;
  });
}

/** The children of one name. */
export function childrenNamed(element: Element, namespace: string, name: string): readonly Element[] {
  return childrenOf(element).filter((child) => is(child, namespace, name));
}

/** True for an element of this expanded name. */
export function is(element: Element, namespace: string, name: string): boolean {
  return element.namespaceURI === namespace && element.localName === name;
}

/** The whole text of an element that holds nothing but text. */
export function textOf(element: Element): string {
  const nodes: Node[] = [...element.childNodes];
  if (nodes.some(({ nodeType }) => nodeType !== 3)) throw new Fault("shape", "not text alone");
  return nodes.map(({ nodeValue }) => nodeValue ?? "").join("");
}

/** An attribute without a prefix; undefined where there is none. */
export function attributeOf(element: Element, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => unescaped(b[index] ?? "") === value);
}

// The gate sees an attribute as it is written; an id that is written with references is not worth supporting.
function unescaped(value: string): string {
  if (value.includes("&")) throw new Fault("shape", "reference in an id");
  return value;
}
