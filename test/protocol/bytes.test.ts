import { describe, expect, it } from "vitest";
import { bytesOf, concatBytes, equalInConstantTime, fromBase64url, randomId, sha256, toBase64url } from "../../src/protocol/bytes.ts";

describe("base64url", () => {
  it.each<[string, readonly number[]]>([
    ["", []],
    ["AA", [0]],
    ["AAA", [0, 0]],
    ["AAAA", [0, 0, 0]],
    ["_w", [255]],
    ["-_8", [251, 255]],
  ])("reads %j and writes it again", (text, expected) => {
    expect([...(fromBase64url(text) ?? [-1])]).toEqual(expected);
    expect(toBase64url(Uint8Array.from(expected))).toBe(text);
  });

  it.each([
    "A",
    "AAAAA",
    "AB",
    "_x",
    "AAB",
    "AA==",
    "AAA=",
    "A A",
    "AA\n",
    " AA",
    "+w",
    "/w",
    "AA.",
    "ÄA",
    "AA\u0000",
    "\ufeffAA",
    "AAAA    ",
    "AA\n\n",
    "AAA\fAAAA",
    "AAAAAA==",
    "AA==AAAA",
    "====",
  ])("JWT-09 refuses %j: no padding, no white space, no other alphabet, no stray bits, no length that cannot be", (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });

  it("gives every text of two characters its own bytes or none: no two spellings of one value", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const texts = [...alphabet].flatMap((first) => [...alphabet].map((second) => first + second));
    const read = texts.flatMap((text) => fromBase64url(text) ?? []).map(Number);
    expect(read).toHaveLength(256);
    expect(new Set(read).size).toBe(256);
  });
});

describe("ids and hashes", () => {
  it("draws 128 bits for an id, or as many bytes as asked, and none twice", () => {
    const ids = Array.from({ length: 1000 }, () => randomId());
    expect(new Set(ids).size).toBe(1000);
    expect(fromBase64url(ids[0] ?? "")).toHaveLength(16);
    expect(fromBase64url(randomId(32))).toHaveLength(32);
  });

  it("hashes text as UTF-8, exactly as it is", async () => {
    expect(await sha256("")).toBe("47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    expect(await sha256("é")).toBe(await sha256(bytesOf("é")));
    expect(await sha256("é".normalize("NFC"))).not.toBe(await sha256("é".normalize("NFD")));
    expect(await sha256("a")).not.toBe(await sha256("a "));
  });

  it("joins pieces in order", () => {
    expect([...concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3))]).toEqual([1, 2, 3]);
  });
});

describe("comparing secrets", () => {
  it.each<[string, string, boolean]>([
    ["", "", true],
    ["abc", "abc", true],
    ["é", "é", true],
    ["abc", "abd", false],
    ["abc", "bbc", false],
    ["abc", "ab", false],
    ["ab", "abc", false],
    ["", "a", false],
    ["a", "", false],
    ["é", "e\u0301", false],
    ["a", "A", false],
    ["a", "a\u0000", false],
  ])("TIM-03 %j and %j: %s, and unequal lengths do not throw", (left, right, equal) => {
    expect(equalInConstantTime(left, right)).toBe(equal);
  });
});
