import { describe, expect, it } from "vitest";
import { element, legal, text } from "../../src/saml/xml.ts";

describe("canonical XML as we write it", () => {
  it("SIS-01 escapes text and attributes as Canonical XML §1.1 has it", () => {
    expect(text(`a&b<c>d"e'\t\n\r`)).toBe(`a&amp;b&lt;c&gt;d"e'\t\n&#xD;`);
    expect(element("e", { a: `&<>"'\t\n\r` }, text("]]>"))).toBe(`<e a="&amp;&lt;>&quot;'&#x9;&#xA;&#xD;">]]&gt;</e>`);
  });

  it.each([
    ["NUL", "\u0000"],
    ["a control character", "\u001f"],
    ["U+FFFE", "\ufffe"],
    ["U+FFFF", "\uffff"],
    ["half of a surrogate pair", "\ud800"],
    ["the other half", "\udfff"],
  ])("SIS-02 leaves out %s, which XML 1.0 cannot hold", (_name, character) => {
    expect(text(`a${character}b`)).toBe("ab");
    expect(legal(character)).toBe("");
    expect(element("e", { a: character })).toBe('<e a=""></e>');
  });

  it("keeps every other character, also beyond the basic plane", () => {
    expect(text("ü€😀\t")).toBe("ü€😀\t");
  });
});
