import { describe, expect, it } from "vitest";
import { intersect, isSubset, parseScope, union } from "../../src/protocol/scope.ts";

describe("a scope", () => {
  it.each<[string, readonly string[]]>([
    ["", []],
    [" ", []],
    ["a", ["a"]],
    ["a b", ["a", "b"]],
    ["  a   b ", ["a", "b"]],
    ["b a b", ["b", "a"]],
    ["A a", ["A", "a"]],
    ["hr-service|level:read https://x/y?z=1#!", ["hr-service|level:read", "https://x/y?z=1#!"]],
    ["__proto__ constructor", ["__proto__", "constructor"]],
    ["a".repeat(256), ["a".repeat(256)]],
  ])("is a set of words in order: %j", (text, expected) => {
    expect(parseScope(text)).toEqual(expected);
  });

  it.each(['a"b', "a\\b", "a\tb", "a\nb", "a\r\nb", "a\u0000", "a\u007f", "é", "a\u00a0b", "a\u2003b", "\ufeffa", "🔑", "a".repeat(257)])("refuses %j (RFC 6749 §3.3)", (text) => {
    expect(() => parseScope(text)).toThrow(expect.objectContaining({ reason: "scope_malformed" }));
    expect(() => parseScope(`openid ${text}`)).toThrow(expect.objectContaining({ reason: "scope_malformed" }));
  });

  it("has a hundred words at most, repeated ones counted", () => {
    const words = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`).join(" ");
    expect(parseScope(words(100))).toHaveLength(100);
    expect(() => parseScope(words(101))).toThrow(expect.objectContaining({ reason: "scope_malformed" }));
    expect(() => parseScope("a ".repeat(101))).toThrow(expect.objectContaining({ reason: "scope_malformed" }));
  });

  it("is narrowed to what stands in both, in the order of what was asked; no word stands for another", () => {
    expect(intersect(["b", "a", "c"], ["a", "b"])).toEqual(["b", "a"]);
    expect(intersect(["a"], [])).toEqual([]);
    expect(intersect([], ["a"])).toEqual([]);
    expect(intersect(["A", "a:read", "a"], ["a:*", "a:rea"])).toEqual([]);
  });

  it("is put together of several, each word once, in the order of its first place", () => {
    expect(union([["b", "a"], [], ["a", "c", "b"]])).toEqual(["b", "a", "c"]);
    expect(union([])).toEqual([]);
  });

  it("is a subset only by whole words; the empty scope is one of every scope", () => {
    expect(isSubset(["a", "b"], ["b", "a", "c"])).toBe(true);
    expect(isSubset([], [])).toBe(true);
    expect(isSubset(["a"], [])).toBe(false);
    expect(isSubset(["a"], ["ab"])).toBe(false);
    expect(isSubset(["a", "d"], ["a", "b"])).toBe(false);
  });
});
