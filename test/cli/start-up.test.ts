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
  it("is every endpoint and object, and no schema: zod and what is declared with it wait for a request that needs them", () => {
    const evaluated = evaluatedWith("src/index.ts");
    for (const name of ["src/app.ts", "src/endpoints/token.ts", "src/storage/tenant-object.ts", "hono/hono-base"]) expect([...evaluated.keys()]).toContain(name);
    const schemas = [...evaluated].filter(([name]) => name.startsWith("zod")).map(([name, by]) => `${by} imports ${name}`);
    expect(schemas).toEqual([]);
    expect([...evaluatedWith("src/tenants/check.ts").keys()]).toContain("zod/mini");
  });
});
