import { describe, expect, it } from "vitest";
import { type Remembered, statusMemory } from "../../src/storage/status-memory.ts";
import { opaqueQuery, pathQuery } from "./asks.ts";

const remembered = (asked: number): Remembered => ({ status: { alive: true, now: asked }, asked });
const QUERY = pathQuery(["a"], "b");

describe("what an isolate remembers of the families", () => {
  it("counts from before the family was asked, and no longer than the bound", () => {
    let time = 1000;
    const memory = statusMemory(() => time, 5);
    memory.keep("f", QUERY, remembered(1000));
    const ages = [0, 4, 5, 6].map((age) => {
      time = 1000 + age;
      return memory.recall("f", QUERY) !== undefined;
    });
    expect(ages).toEqual([true, true, false, false]);
  });

  it("is nothing at all with a bound of zero", () => {
    const memory = statusMemory(() => 1000, 0);
    memory.keep("f", QUERY, remembered(1000));
    expect(memory.recall("f", QUERY)).toBeUndefined();
  });

  it.each([
    ["another family", "g", QUERY],
    ["another node", "f", pathQuery(["a"], "c")],
    ["another path", "f", pathQuery(["a", "x"], "b")],
    ["the same token with a session", "f", pathQuery(["a"], "b", "s")],
    ["a lazy root", "f", { ...QUERY, lazy: true }],
    ["another beginning", "f", { ...QUERY, began: 1 }],
    ["an opaque token", "f", opaqueQuery("b", "h", "a")],
  ] as const)("is no answer for %s", (_what, family, query) => {
    const memory = statusMemory(() => 1000, 5);
    memory.keep("f", QUERY, remembered(1000));
    expect(memory.recall("f", QUERY)).toBeDefined();
    expect(memory.recall(family, query)).toBeUndefined();
  });

  it.each([
    ["another secret", opaqueQuery("b", "other", "a")],
    ["another parent", opaqueQuery("b", "h", "x")],
    ["a count of exchanges", { ...opaqueQuery("b", "h", "a"), budget: 1 }],
  ] as const)("of an opaque token is no answer for %s", (_what, query) => {
    const memory = statusMemory(() => 1000, 5);
    memory.keep("f", opaqueQuery("b", "h", "a"), remembered(1000));
    expect([memory.recall("f", opaqueQuery("b", "h", "a")) !== undefined, memory.recall("f", query)]).toEqual([true, undefined]);
  });

  it("is forgotten for a whole family at once, and for no other", () => {
    const memory = statusMemory(() => 1000, 5);
    for (const family of ["f", "g"]) for (const node of ["a", "b"]) memory.keep(family, pathQuery([], node), remembered(1000));
    memory.forget("f");
    expect(["f", "g"].map((family) => ["a", "b"].map((node) => memory.recall(family, pathQuery([], node)) !== undefined))).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it("is the newest answer to a question, and is bounded: ten thousand and one is one", () => {
    const memory = statusMemory(() => 1000, 5);
    memory.keep("f", QUERY, remembered(997));
    memory.keep("f", QUERY, remembered(999));
    expect(memory.recall("f", QUERY)?.asked).toBe(999);
    for (let index = 0; index < 10_000; index++) memory.keep(`family ${index}`, QUERY, remembered(1000));
    expect(memory.recall("f", QUERY)).toBeUndefined();
    expect(memory.recall("family 9999", QUERY)).toBeDefined();
  });
});
