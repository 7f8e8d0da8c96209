import { describe, expect, it } from "vitest";
import { parseStrictJson } from "../../src/protocol/json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

describe("JSON from outside", () => {
  it.each<[string, unknown]>([
    ["{}", {}],
    [' {\n"a" : 1 ,\t"b":[ {"a":2} , {"a":3} ]\r} ', { a: 1, b: [{ a: 2 }, { a: 3 }] }],
    ['{"a":{"a":{"a":1}}}', { a: { a: { a: 1 } } }],
    ['{"a":"{\\"a\\":1,\\"a\\":2}"}', { a: '{"a":1,"a":2}' }],
    ['{"a":"b:","b":"a"}', { a: "b:", b: "a" }],
    ['{"a":"\\\\","b":"\\\\\\""}', { a: "\\", b: '\\"' }],
    ['{"é":"🔑","\\ud83d\\udd11":"\\u0000"}', { é: "🔑", "🔑": "\u0000" }],
    ['{"":1,"a":""}', { "": 1, a: "" }],
    ['{"0":1,"00":2,"-0":3}', { "0": 1, "00": 2, "-0": 3 }],
    ['{"a":["a","a"],"b":["b:","a"]}', { a: ["a", "a"], b: ["b:", "a"] }],
    [nested(12), JSON.parse(nested(12))],
  ])("reads %s", (text, expected) => {
    expect(parseStrictJson(bytes(text))).toEqual(expected);
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":{"c":1,"c":2}}',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"a":2}',
    '{"a" : 1,"a"\n:2}',
    '[{"a":1}]',
    '{"x":[{"a":1,"a":2}]}',
    '{"alg":"ES256","alg":"none"}',
    '{"__proto__":1,"__proto__":2}',
    '{"a/b":1,"a\\/b":2}',
    '{"":1,"":2}',
    '{"0":1,"0":2}',
    '{"a":{"b":1,"c":2},"a":1}',
    '{"a":1,"a":{"b":1}}',
    '{"a":":","a":"b"}',
    '{"x":[[{"a":[{"b":1}],"a":[]}]]}',
    '{"__proto__":{"a":1,"a":2}}',
  ])("JWT-08 refuses a member that is named twice: %s", (text) => {
    expect(parseStrictJson(bytes(text))).toBeUndefined();
  });

  it.each(["", " ", "null", "true", "1", '"a"', "[]", "{", "{}{}", "{}x", "{'a':1}", '{"a":1,}', '{"a":01}', '{"a":NaN}', '{"a":1}//', '{"a":"\u0001"}', "{a:1}", "\u00a0{}"])(
    "refuses what is not one JSON object: %j",
    (text) => {
      expect(parseStrictJson(bytes(text))).toBeUndefined();
    },
  );

  it.each<[string, readonly number[]]>([
    ["invalid UTF-8", [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]],
    ["an overlong form", [0x7b, 0x22, 0xc1, 0xa1, 0x22, 0x3a, 0x31, 0x7d]],
    ["a surrogate in UTF-8", [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
    ["UTF-16, little end first", [0x7b, 0x00, 0x7d, 0x00]],
    ["UTF-16, big end first", [0x00, 0x7b, 0x00, 0x7d]],
    ["UTF-16 with its mark", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])("JWT-14 refuses %s", (_name, data) => {
    expect(parseStrictJson(Uint8Array.from(data))).toBeUndefined();
  });

  it.each(['{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"\\udfff":1}', '{"a":["x\\ud83d"]}'])("JWT-14 refuses a lone surrogate: %s", (text) => {
    expect(parseStrictJson(bytes(text))).toBeUndefined();
  });

  it("refuses more than twelve levels, and a flood of brackets, without failing", () => {
    expect(parseStrictJson(bytes(nested(13)))).toBeUndefined();
    expect(parseStrictJson(bytes(`{"a":${"[".repeat(12)}${"]".repeat(12)}}`))).toBeUndefined();
    expect(parseStrictJson(bytes("[".repeat(1_000_000)))).toBeUndefined();
    expect(parseStrictJson(bytes(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))).toBeUndefined();
  });

  it("TOK-29 keeps a member called __proto__ a member, and nothing else's prototype", () => {
    const read = parseStrictJson(bytes('{"__proto__":{"admin":true}}'));
    expect(Object.hasOwn(read ?? {}, "__proto__")).toBe(true);
    expect(read?.admin).toBeUndefined();
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });
});
