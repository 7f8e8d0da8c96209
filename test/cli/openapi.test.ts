import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../cli/root.ts";
import { cambio } from "./run-cli.ts";

test("openapi prints what a server answers at /api/v1/openapi.json (npm run -s cambio -- openapi > src/reader/openapi.txt)", () => {
  const { status, stdout } = cambio("openapi");
  expect(stdout).toBe(readFileSync(join(ROOT, "src", "reader", "openapi.txt"), "utf8"));
  expect(status).toBe(0);
});
