import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TenantPart, tenantParts } from "../../cli/tenant-parts.ts";
import { checkTenantFile } from "../../src/tenants/check.ts";
import type { TenantFile } from "../../src/tenants/tenant.ts";
import { type ApiServer, apiServer } from "./api-server.ts";

const MOST = 3000;

const id = (index: number) => `c${String(index).padStart(2, "0")}`;
const client = (changes: object = {}) => ({ secrets: [{ hash: "A".repeat(43) }], grants: ["token_exchange"], ownScopes: ["x"], ...changes });

/** Forty clients, each with permissions for the next two, in no order; the first trusts two of the others. */
const FILE = {
  issuer: "https://id.example.com",
  displayName: "Large",
  clients: Object.fromEntries(Array.from({ length: 40 }, (_none, index) => [id(39 - index), client(index === 39 ? { trustedForHandoff: [id(20), id(30)] } : {})])),
  permissions: Array.from({ length: 80 }, (_none, index) => ({
    consumer: id(index % 40),
    provider: id((index + 1 + Math.floor(index / 40)) % 40),
    name: `p${Math.floor(index / 40)}`,
    scopes: ["x"],
  })),
};

const filesOf = (parts: readonly TenantPart[]) => parts.map(({ file }) => file as TenantFile);
const placesOf = ({ permissions }: TenantFile) => permissions.map(({ consumer, provider }) => `${consumer} ${provider}`);

describe("a tenant file in parts", () => {
  test("is one part, as it was written and without bounds, when one request carries it", () => {
    expect(tenantParts(FILE)).toEqual([{ file: FILE }]);
    const settings = { issuer: FILE.issuer };
    expect(tenantParts(settings, 10)).toEqual([{ file: settings }]);
  });

  test("is otherwise several, each right by itself and within the bound", () => {
    const parts = tenantParts(FILE, MOST);
    expect(parts.length).toBeGreaterThan(3);
    for (const { file } of parts) {
      expect(checkTenantFile(file)).toMatchObject({ ok: true, file: { displayName: "Large" } });
      expect(Buffer.byteLength(JSON.stringify(file))).toBeLessThanOrEqual(MOST);
    }
  });

  test("has every client, and every permission once", () => {
    const files = filesOf(tenantParts(FILE, MOST));
    expect(Object.assign({}, ...files.map(({ clients }) => clients))).toEqual(FILE.clients);
    expect(files.flatMap(placesOf).toSorted()).toEqual(FILE.permissions.map(({ consumer, provider }) => `${consumer} ${provider}`).toSorted());
  });

  test("has bounds that leave nothing out, and each part is the whole of what lies within its own", () => {
    const parts = tenantParts(FILE, MOST);
    expect([parts[0]?.from, parts.at(-1)?.to]).toEqual([undefined, undefined]);
    for (const [index, { to }] of parts.slice(0, -1).entries()) expect(parts[index + 1]?.from).toBe(to);
    const places = [...Object.keys(FILE.clients).map((name) => `${name} `), ...FILE.permissions.map(({ consumer, provider }) => `${consumer} ${provider}`)];
    for (const { file, from = "", to } of parts) {
      const own = file as TenantFile;
      const declared = [...Object.keys(own.clients).map((name) => `${name} `), ...placesOf(own)];
      const within = places.filter((place) => place >= from && (to === undefined || place < to));
      expect(within.length).toBeGreaterThan(0);
      expect(declared).toEqual(expect.arrayContaining(within));
    }
  });

  test("cannot be made where a client is too large for any", () => {
    const large = { ...FILE, clients: { ...FILE.clients, [id(7)]: client({ scopes: Array.from({ length: 600 }, (_none, index) => `scope-${index}`) }) } };
    expect(() => tenantParts(large, MOST)).toThrow(/c06 and c07.*too much for one request|c07, with.*too much for one request/);
  });
});

describe("tenant apply of a large file", () => {
  let server: ApiServer;
  const folder = mkdtempSync(join(tmpdir(), "cambio-cli-"));
  beforeAll(async () => {
    server = await apiServer();
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test("sends its parts one after the other, says which, and reports every record once", async () => {
    const scopes = Array.from({ length: 3500 }, (_none, index) => `${"s".repeat(120)}-${index}`);
    const clients = Object.fromEntries(Array.from({ length: 12 }, (_none, index) => [id(index), client({ scopes })]));
    const file = join(folder, "large.json");
    writeFileSync(file, JSON.stringify({ ...FILE, clients, permissions: [] }));
    server.answerBy(({ body }) => {
      const { clients: sent } = body as TenantFile;
      return {
        status: 200,
        body: {
          version: server.sent.length,
          changes: [{ action: "change", record: "tenant" }, ...Object.keys(sent).map((name) => ({ action: "create", record: `client/${name}` }))],
        },
      };
    });
    const { status, stdout, stderr } = await server.cambio(["tenant", "apply", file, "--prune", "--json"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("part 1 of ") });
    const { length } = server.sent;
    expect(length).toBeGreaterThan(1);
    expect(stderr).toContain(`part ${length} of ${length}`);
    expect(server.sent[0]?.path).toMatch(/^\/api\/v1\/tenant\?prune=true&to=c\d\d\+$/);
    expect(server.sent.at(-1)?.path).toMatch(/^\/api\/v1\/tenant\?prune=true&from=c\d\d\+$/);
    const applied = JSON.parse(stdout) as { readonly version: number; readonly changes: readonly { readonly record: string }[] };
    expect(applied.version).toBe(length);
    expect(applied.changes.map(({ record }) => record)).toEqual(["tenant", ...Object.keys(clients).map((name) => `client/${name}`)]);
  });
});
