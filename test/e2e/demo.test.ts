import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { CHAPTERS } from "../../demo/chapters/index.ts";
import { stage } from "../../demo/play.ts";
import { transcript } from "../../demo/transcript.ts";

const README_TOKEN_LINES = /```sh\n(TOKEN=[\s\S]*?)```[\s\S]*?```sh\n(curl[\s\S]*?)```/;

describe("the demo", () => {
  let cambio: RunningCambio;

  beforeAll(async () => {
    cambio = await startCambio({ port: 18_791, idpPort: 18_792, partnerPort: 18_992, fresh: true });
  }, 120_000);

  afterAll(() => cambio?.stop());

  test.each(CHAPTERS.map((chapter) => [chapter.name, chapter] as const))("plays the chapter %s, and shows no whole token", async (_name, chapter) => {
    const lines: string[] = [];
    await chapter.play(
      stage(
        cambio.issuer,
        transcript((line) => void lines.push(line)),
      ),
    );
    expect(lines.join("\n")).not.toMatch(/cambio_(?:at|rt|code|sso|session)_[\w-]{60}|eyJ[\w-]+\.[\w-]{40,}\.[\w-]{40,}/);
  });

  test("the README's lines work when pasted", async () => {
    const [, first = "", second = ""] = README_TOKEN_LINES.exec(await readFile(new URL("../../README.md", import.meta.url), "utf8")) ?? [];
    const script = `${first}\n${second}`.replaceAll("http://localhost:8787", cambio.issuer);
    const printed = execFileSync("bash", ["-c", script], { encoding: "utf8" });
    expect(printed).toContain('"active":true');
    expect(printed).toContain('"issued_token_type":"urn:ietf:params:oauth:token-type:access_token"');
    expect(printed).toContain('"permitted":true');
  });

  test("the lines of docs/exchange.md hand out the identity provider's tokens when pasted", async () => {
    const [, lines = ""] = /```sh\n(CAMBIO=[\s\S]*?)```/.exec(await readFile(new URL("../../docs/exchange.md", import.meta.url), "utf8")) ?? [];
    const printed = execFileSync("bash", ["-e", "-c", lines.replaceAll("http://localhost:8787", cambio.issuer)], { encoding: "utf8" });
    expect(JSON.parse(printed)).toMatchObject({ access_token: expect.any(String), id_token: expect.any(String), token_type: "Bearer", expires_in: expect.any(Number) });
  });
});
