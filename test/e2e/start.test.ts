import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoTenant } from "../../cli/local/demo-tenant.ts";
import { curlLines } from "../../cli/local/next-steps.ts";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { ROOT } from "../../cli/root.ts";

const [PORT, IDP_PORT] = [18_807, 18_808];
const run = promisify(execFile);

describe("what npm start brings up", () => {
  let cambio: RunningCambio;

  beforeAll(async () => {
    cambio = await startCambio({ port: PORT, idpPort: IDP_PORT, fresh: true });
  }, 120_000);

  afterAll(() => cambio?.stop());

  test("the printed curl lines work when pasted into bash one after another", async () => {
    const { stdout } = await run("bash", ["-e", "-c", curlLines(cambio.issuer)]);
    const lines = stdout.trim().split("\n");
    expect(lines).toHaveLength(6);
    const [callback = "", tokens = "{}", opaque = "{}", active = "{}", revoked, inactive = "{}"] = lines;
    expect(callback).toContain("code=");
    expect(JSON.parse(tokens)).toMatchObject({ token_type: "Bearer", refresh_token: expect.any(String) });
    expect(JSON.parse(opaque)).toMatchObject({ access_token: expect.stringMatching(/^cambio_at_/) });
    expect(JSON.parse(active)).toMatchObject({ active: true, client_id: "mobile-app" });
    expect(revoked).toBe("revoked: 200");
    expect(JSON.parse(inactive)).toEqual({ active: false });
  });

  test("npm run demo walks every chapter and prints no whole secret", async () => {
    const { stdout } = await cli("demo.ts", "--port", String(PORT), "--idp-port", String(IDP_PORT));
    expect(stdout).toContain("✓ From a mobile app to a web application");
    expect(stdout).toMatch(/"active": false/);
    expect(stdout).not.toMatch(/cambio_[a-z]+_[\w-]{40}|eyJ[\w-]{40}|web-app-secret/);
  });

  test("tenant apply says no changes the second time, and what a changed file changes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cambio-apply-"));
    const file = join(folder, "tenant.json");
    const tenant = currentTenant();
    try {
      writeFileSync(file, JSON.stringify(tenant));
      expect((await cli("cambio.ts", "tenant", "apply", file)).stdout).toBe("no changes\n");
      writeFileSync(file, JSON.stringify({ ...tenant, clients: { ...tenant.clients, stranger: { ...tenant.clients.stranger, displayName: "Somebody" } } }));
      expect((await cli("cambio.ts", "tenant", "apply", file, "--dry-run")).stdout).toBe("would change client/stranger\n");
      expect((await cli("cambio.ts", "tenant", "apply", file)).stdout).toBe("change client/stranger\n");
      expect((await cli("cambio.ts", "tenant", "apply", file)).stdout).toBe("no changes\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a second start on the same ports names both and what to do", async () => {
    const failed = await cli("start.ts", "--port", String(PORT), "--idp-port", String(IDP_PORT)).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 1 });
    expect((failed as { readonly stderr: string }).stderr).toBe(
      `port ${PORT} (Cambio) is taken: end what uses it, or choose another with --port PORT\n` +
        `port ${IDP_PORT} (demo identity provider) is taken: end what uses it, or choose another with --idp-port PORT\n`,
    );
  });
});

function currentTenant() {
  return demoTenant(`http://localhost:${PORT}`, `http://localhost:${IDP_PORT}`) as {
    readonly clients: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

function cli(command: string, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(process.execPath, [join(ROOT, "cli", command), ...args], { cwd: ROOT });
}
