import { describe, expect, it } from "vitest";
import { PathTable } from "../src/path-table.ts";

const table = (...paths: readonly string[]) => {
  const made = new PathTable<string>();
  for (const path of paths) made.add("ALL", path, path);
  return made;
};
const found = (made: PathTable<string>, path: string) => made.match("GET", path)[0];

describe("the table of paths", () => {
  it("finds a path as it is written, and nothing near it", () => {
    const made = table("/", "/oauth2/token");
    expect(found(made, "/oauth2/token")).toEqual([["/oauth2/token", {}]]);
    expect(found(made, "/")).toEqual([["/", {}]]);
    for (const near of ["/oauth2/token/", "/oauth2//token", "/OAuth2/token", "oauth2/token", "/oauth2", "", "//", "/oauth2/token;a", "/__proto__", "/constructor"])
      expect(found(made, near)).toEqual([]);
  });

  it("gives the names of a path their values, and never an empty one", () => {
    const made = table("/realms/:realm/token", "/a/:consumer/:provider/grant");
    expect(found(made, "/realms/demo/token")).toEqual([["/realms/:realm/token", { realm: "demo" }]]);
    expect(found(made, "/realms/:realm/token")).toEqual([["/realms/:realm/token", { realm: ":realm" }]]);
    expect(found(made, "/a/x/y/grant")).toEqual([["/a/:consumer/:provider/grant", { consumer: "x", provider: "y" }]]);
    for (const near of ["/realms//token", "/realms/token", "/realms/a/b/token", "/realms/demo/token/", "/a/x//grant"]) expect(found(made, near)).toEqual([]);
  });

  it("prefers what is written to what has a name, whichever came first", () => {
    expect(found(table("/families/:id", "/families/lookup"), "/families/lookup")).toEqual([["/families/lookup", {}]]);
  });

  it("takes no path twice, and no single method", () => {
    expect(() => table("/a", "/a")).toThrow("/a");
    expect(() => table().add("GET", "/a", "a")).toThrow("/a");
  });
});
