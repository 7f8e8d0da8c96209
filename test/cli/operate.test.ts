import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../cli/commands/index.ts";
import { quietWrangler, WRANGLER } from "../../cli/local/wrangler.ts";
import { ROOT } from "../../cli/root.ts";

const run = promisify(execFile);
const page = readFileSync(join(ROOT, "docs", "operate.md"), "utf8");
const lines = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = ""]) => block.replaceAll("\\\n", "").trim().split("\n"));
const optionsOf = (line: string) => [...line.matchAll(/ (--[a-z][a-z-]*)/g)].map(([, option = ""]) => option);
const wordsOf = (line: string) => line.split(" ").filter((word) => /^[a-z][a-z-]*$/.test(word));

describe("docs/operate.md", () => {
  const ours = lines.flatMap((line) => /^npm run (?:-s )?cambio -- (.*)$/.exec(line)?.[1] ?? []);
  test.each(ours)("npm run cambio -- %s is a command, with those options", (line) => {
    const words = wordsOf(line).join(" ");
    const command = COMMANDS.find((one) => `${words} `.startsWith(`${one.words} `));
    expect(command).toBeDefined();
    for (const option of optionsOf(line)) expect(command?.help).toContain(option);
  });

  const theirs = new Map<string, Set<string>>();
  for (const line of lines.filter((one) => one.startsWith("npx wrangler "))) {
    const words = line.split(" ").slice(2);
    const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    const name = words.slice(0, end === -1 ? undefined : end).join(" ");
    theirs.set(name, new Set([...(theirs.get(name) ?? []), ...optionsOf(line)]));
  }
  test.each([...theirs])("npx wrangler %s is a command, with those options", async (words, options) => {
    const { stdout } = await run(process.execPath, [WRANGLER, ...words.split(" "), "--help"], { cwd: ROOT, env: { ...process.env, ...quietWrangler() } });
    expect(stdout.split("\n").find((line) => line.startsWith("wrangler "))).toContain(`wrangler ${words}`);
    for (const option of options) expect(stdout).toContain(option);
  });

  test("names every command of the words that it is about, and every variable", () => {
    for (const { words } of COMMANDS.filter((one) => /^(init|keys|token-keys|client (secret|certificate)|idp check|tenant (apply|check|diff|export))/.test(one.words))) {
      expect(page).toContain(words);
    }
    const config = readFileSync(join(ROOT, "src", "config.ts"), "utf8");
    const variables = [...config.matchAll(/\("([A-Z][A-Z_]+)"/g)].map(([, name = ""]) => name);
    expect(new Set(variables).size).toBeGreaterThan(4);
    for (const variable of variables) expect(page).toContain(`\`${variable}`);
  });
});
