import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../cli/root.ts";

const STATIC = /^(?:import|export)\s(?!type\s)(?:[^;"]*\sfrom\s)?"([^"]+)"/gm;

/** What a file imports so that it is evaluated before the file is: not types, and not by `import()`. */
const importsOf = (file: string) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(STATIC)].map(([, name = ""]) => (name.startsWith(".") ? normalize(join(dirname(file), name)) : name));

/** Everything that is evaluated with a file, each with the file that brought it in. */
function evaluatedWith(start: string): ReadonlyMap<string, string> {
  const known = new Map([[start, ""]]);
  for (const file of known.keys()) {
    if (!file.endsWith(".ts")) continue;
    for (const name of importsOf(file)) if (!known.has(name)) known.set(name, file);
  }
  return known;
}

describe("what a new isolate evaluates before its first answer", () => {
  it("is, at the edge, every endpoint, and no schema and no object", () => {
    const evaluated = evaluatedWith("src/index.ts");
    for (const name of ["src/app.ts", "src/endpoints/token.ts", "hono/hono-base"]) expect([...evaluated.keys()]).toContain(name);
    const heavy = [...evaluated].filter(([name]) => /^zod|-object\.ts$|sql-rows|storage\/tenant\//.test(name)).map(([name, by]) => `${by} imports ${name}`);
    expect(heavy).toEqual([]);
  });

  it("is, where objects live, every object, and nothing of requests", () => {
    const evaluated = [...evaluatedWith("src/state/index.ts").keys()];
    for (const name of ["src/storage/tenant-object.ts", "src/storage/family-object.ts"]) expect(evaluated).toContain(name);
    expect(evaluated.filter((name) => /^(zod|hono)|src\/(endpoints|grants|tokens|federation)\//.test(name))).toEqual([]);
  });

  it("is, where documents are read, every schema", () => {
    expect([...evaluatedWith("src/reader/index.ts").keys()]).toContain("zod/mini");
  });
});
