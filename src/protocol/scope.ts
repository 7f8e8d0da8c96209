import { Rejection } from "./rejection.ts";

const SCOPE_TOKEN_LIMIT = 100;

/** The scope tokens of a parameter, each once, in order (RFC 6749 §3.3). Refuses other characters, and more than a hundred. */
export function parseScope(text: string): readonly string[] {
  const tokens = text.split(" ").filter((token) => token !== "");
  if (tokens.length > SCOPE_TOKEN_LIMIT) throw new Rejection("scope_malformed");
  for (const token of tokens) if (!/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(token)) throw new Rejection("scope_malformed");
  return [...new Set(tokens)];
}

/** The scopes of `left` that also stand in `right`, in the order of `left`. */
export function intersect(left: readonly string[], right: readonly string[]): readonly string[] {
  return left.filter((token) => right.includes(token));
}

/** Everything that stands in any of the lists: each once, in order. */
export function union(lists: readonly (readonly string[])[]): readonly string[] {
  const all = new Set<string>();
  for (const list of lists) for (const item of list) all.add(item);
  return [...all];
}

/** True when every scope of `inner` stands in `outer`. */
export function isSubset(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((token) => outer.includes(token));
}
