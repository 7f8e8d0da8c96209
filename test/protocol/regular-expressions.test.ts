import { describe, expect, it } from "vitest";

const SOURCES = import.meta.glob(["../../src/**/*.ts"], { query: "?raw", import: "default", eager: true }) as Record<string, string>;

const LITERAL = /(?<=[(,=:?[!&|>]\s*|return\s)\/((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*)\/([dgimsuvy]*)/g;

/** Every regular expression that stands in a source as a literal. */
function expressionsIn(source: string): readonly RegExp[] {
  const code = source.replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  return [...code.matchAll(LITERAL)].map(([, body = "", flags = ""]) => new RegExp(body, flags.replaceAll(/[gy]/g, "")));
}

const ALL = Object.entries(SOURCES).flatMap(([path, source]) => expressionsIn(source).map((expression) => [path.split("/src/")[1] ?? path, expression] as const));

// What repeats what an expression repeats, and then does not end as it must: an expression that tries every way to divide it
// among its parts would not be done within the test's time, nor within anybody's life where the ways double with each character.
const PIECES = ["a", "A", "0", "-", "_", ".", "/", "=", " ", "%", '"', "<", "&#", "a.", "a-", "a ", "0:", "=\u0000", "\u00e4", "Bearer ", "%2e", "][", "a,a="];
const ENDS = ["", "!", "\n", "\u0000", "\ud800"];
const LENGTH = 8192;

describe("DOS-02 a regular expression", () => {
  it("is found wherever one stands", () => {
    expect(ALL.length).toBeGreaterThan(50);
    expect(expressionsIn("if (/^a[/]b$/u.test(x)) y = x.replace(/\\/+/g, z); // /no/\nconst c = a / b / c;").map(String)).toEqual(["/^a[/]b$/u", "/\\/+/"]);
  });

  it.each(ALL)("is done with a long text that almost fits: %s %s", (_path, expression) => {
    const texts = PIECES.flatMap((piece) => ENDS.map((end) => piece.repeat(LENGTH / piece.length) + end));
    for (const text of texts) expect(typeof expression.test(text)).toBe("boolean");
  });
});
