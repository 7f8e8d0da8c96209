import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoTenant } from "../../cli/local/demo-tenant.ts";
import { curlLines } from "../../cli/local/next-steps.ts";
import { requireFreePorts } from "../../cli/local/ports.ts";
import { type RunningCambio, startCambio } from "../../cli/local/start-cambio.ts";
import { ROOT } from "../../cli/root.ts";

const [PORT, IDP_PORT, PARTNER_PORT] = [18_807, 18_808, 18_809];
const run = promisify(execFile);

describe("what npm start brings up", () => {
  let cambio: RunningCambio;

  beforeAll(async () => {
    cambio = await startCambio({ port: PORT, idpPort: IDP_PORT, partnerPort: PARTNER_PORT, fresh: true });
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
    const { stdout } = await cli("demo.ts", "--port", String(PORT), "--idp-port", String(IDP_PORT), "--partner-port", String(PARTNER_PORT));
    expect(stdout).toContain("✓ From a mobile app to a web application");
    expect(stdout).toMatch(/"active": false/);
    expect(stdout).not.toMatch(/cambio_[a-z]+_[\w-]{40}|eyJ[\w-]{40}|web-app-secret/);
  });

  test("what was issued before a restart is valid after it, and the tenant needs no changes", async () => {
    const before = await clientToken(cambio);
    await cambio.stop();
    cambio = await startCambio({ port: PORT, idpPort: IDP_PORT, partnerPort: PARTNER_PORT });
    expect(cambio.applied.changes).toEqual([]);
    expect(await introspect(cambio, before)).toMatchObject({ active: true, client_id: "billing-worker" });
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

  test("a second start on the same ports names all and what to do", async () => {
    const failed = await cli("start.ts", "--port", String(PORT), "--idp-port", String(IDP_PORT), "--partner-port", String(PARTNER_PORT)).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 1 });
    expect((failed as { readonly stderr: string }).stderr).toBe(
      `port ${PORT} (Cambio) is taken: end what uses it, or choose another with --port PORT\n` +
        `port ${IDP_PORT} (demo identity provider) is taken: end what uses it, or choose another with --idp-port PORT\n` +
        `port ${PARTNER_PORT} (demo identity provider of the partners) is taken: end what uses it, or choose another with --partner-port PORT\n`,
    );
  });
});

describe("npm start as a process", () => {
  const ports = [18_827, 18_828, 18_829] as const;

  test("ends all and exits with 0 on Ctrl-C, and nothing listens any more", async () => {
    const started = await start(...ports);
    started.child.kill("SIGINT");
    expect(await started.exit).toBe(0);
    await expect(requireFreePorts(wanted(ports))).resolves.toBeUndefined();
  });

  test("ends all, says which died and exits with 1 when one dies", async () => {
    const started = await start(...ports);
    const [idp = 0] = childrenOf(started.child.pid ?? 0);
    process.kill(idp, "SIGKILL");
    expect(await started.exit).toBe(1);
    expect(started.errors()).toContain("the demo identity provider ended (SIGKILL) by itself, so the others were ended too");
    await expect(requireFreePorts(wanted(ports))).resolves.toBeUndefined();
  });
});

async function start(port: number, idpPort: number, partnerPort: number) {
  const args = ["--port", String(port), "--idp-port", String(idpPort), "--partner-port", String(partnerPort), "--fresh"];
  const child = spawn(process.execPath, [join(ROOT, "cli", "start.ts"), ...args], { cwd: ROOT });
  let errors = "";
  child.stderr.on("data", (data: Buffer) => {
    errors += data.toString();
  });
  const exit = new Promise<number | null>((resolve) => {
    child.once("exit", resolve);
  });
  // The lines to try are printed when all is ready.
  await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), exit]);
  return { child, exit, errors: () => errors };
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}

function wanted(ports: readonly number[]) {
  return ports.map((one) => ({ port: one, purpose: "nothing", option: "--port" }));
}

async function clientToken(cambio: RunningCambio): Promise<string> {
  const answer = await post(cambio, "/oauth2/token", "billing-worker", { grant_type: "client_credentials", audience: "orders-api", scope: "orders:read" });
  expect(answer).toMatchObject({ access_token: expect.any(String) });
  return String((answer as { readonly access_token: string }).access_token);
}

function introspect(cambio: RunningCambio, token: string): Promise<unknown> {
  return post(cambio, "/oauth2/introspect", "billing-worker", { token });
}

async function post(cambio: RunningCambio, path: string, client: string, form: Readonly<Record<string, string>>): Promise<unknown> {
  const authorization = `Basic ${Buffer.from(`${client}:${client}-secret`).toString("base64")}`;
  const response = await fetch(`${cambio.issuer}${path}`, { method: "POST", headers: { authorization }, body: new URLSearchParams(form) });
  return response.json();
}

function currentTenant() {
  return demoTenant(`http://localhost:${PORT}`, `http://localhost:${IDP_PORT}`, `http://localhost:${PARTNER_PORT}`) as {
    readonly clients: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
}

function cli(command: string, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(process.execPath, [join(ROOT, "cli", command), ...args], { cwd: ROOT });
}
