import { describe, expect, it } from "vitest";
import type { ApplyTenant, Confirmation, TenantStore } from "../../src/storage/tenant-store.ts";
import { checkTenantFile } from "../../src/tenants/check.ts";
import { client, DEPLOYED, ISSUER, tenantFile } from "./tenant-files.ts";

const ask = (file: object, changes: Partial<ApplyTenant> = {}): ApplyTenant => ({ operator: "olga", file, deployed: DEPLOYED, prune: false, dryRun: false, ...changes });
const named = ({ changed }: Confirmation) => (changed === "everything" ? changed : [...changed].toSorted());

/** The one writer of a tenant's configuration. */
export function tenantStoreContract(name: string, make: () => TenantStore): void {
  const applied = async (file: object) => {
    const store = make();
    const answer = await store.apply(ISSUER, ask(file));
    if (!answer.ok) throw new Error(JSON.stringify(answer));
    return store;
  };
  const changesOf = async (store: TenantStore, file: object, changes: Partial<ApplyTenant> = {}) => {
    const answer = await store.apply(ISSUER, ask(file, changes));
    return answer.ok ? answer.changes.map(({ action, record }) => `${action} ${record}`).toSorted() : answer.reason;
  };

  describe(`${name}: a tenant that was never applied`, () => {
    it("is at version zero and has no records and no file", async () => {
      const store = make();
      expect(await store.confirm(ISSUER, undefined)).toEqual({ version: 0, changed: "everything" });
      expect((await store.read(ISSUER, ["tenant", "client/a"])).records).toEqual({ tenant: null, "client/a": null });
      expect(await store.export(ISSUER)).toEqual({ version: 0, file: undefined });
    });

    it("stays so after a dry run, which says what would be created", async () => {
      const store = make();
      expect(await changesOf(store, tenantFile(), { dryRun: true })).toContain("create tenant");
      expect(await store.confirm(ISSUER, undefined)).toEqual({ version: 0, changed: "everything" });
      expect((await store.read(ISSUER, ["keys"])).records).toEqual({ keys: null });
    });

    it("stays so when the file has problems, which are named; also when it is for another issuer", async () => {
      const store = make();
      expect(await store.apply(ISSUER, ask({ ...tenantFile(), realm: "not a realm!" }))).toMatchObject({ ok: false, reason: "problems", problems: [{ path: "realm" }] });
      expect(await store.apply(ISSUER, ask({ ...tenantFile(), issuer: "https://other.example.com" }))).toMatchObject({ ok: false, problems: [{ path: "issuer" }] });
      expect(await store.export(ISSUER)).toEqual({ version: 0, file: undefined });
    });
  });

  describe(`${name}: applying a file`, () => {
    it("makes version one; what is exported is what was declared, with every default filled in", async () => {
      const file = tenantFile();
      const store = await applied(file);
      expect({ ok: true, file: (await store.export(ISSUER)).file }).toEqual(checkTenantFile(file));
      expect({ ok: true, file: (await store.export(ISSUER, "permissions")).file }).toEqual(checkTenantFile({ ...file, permissions: [] }));
      expect(await changesOf(store, (await store.export(ISSUER)).file ?? {})).toEqual([]);
    });

    it("a second time says no changes and makes no version", async () => {
      const store = await applied(tenantFile());
      const before = await store.read(ISSUER, ["keys"]);
      expect(await store.apply(ISSUER, ask(tenantFile(), { prune: true, deployed: { signing: [], token: [9] } }))).toEqual({ ok: true, version: 1, changes: [] });
      expect(await store.read(ISSUER, ["keys"])).toEqual(before);
    });

    it("creates and changes what it declares, and says since which version", async () => {
      const store = await applied(tenantFile());
      const changed = tenantFile({ clients: { ...tenantFile().clients, b: client({ scopes: ["x"], resources: ["https://b.example.com"] }), c: client() } });
      expect(await changesOf(store, changed)).toEqual(["change client/b", "create client/c"]);
      expect(named(await store.confirm(ISSUER, 1))).toEqual(["client/b", "client/c"]);
      expect(await store.confirm(ISSUER, 2)).toEqual({ version: 2, changed: [] });
      expect((await store.read(ISSUER, ["client/b"])).records).toMatchObject({ "client/b": { scopes: ["x"] } });
    });

    it("says everything to one who has missed more than a thousand changes", async () => {
      const store = await applied(tenantFile());
      const many = (count: number) =>
        tenantFile({ clients: { ...tenantFile().clients, ...Object.fromEntries(Array.from({ length: count }, (_none, index) => [`c${index}`, client()])) } });
      await changesOf(store, many(1000));
      expect((await store.confirm(ISSUER, 1)).changed).toHaveLength(1000);
      await changesOf(store, many(1001));
      expect([await store.confirm(ISSUER, 1), await store.confirm(ISSUER, 2)]).toEqual([
        { version: 3, changed: "everything" },
        { version: 3, changed: ["client/c1000"] },
      ]);
    });

    it.each([undefined, 99])("says everything to one who knows version %s", async (since) => {
      const store = await applied(tenantFile());
      expect(await store.confirm(ISSUER, since)).toEqual({ version: 1, changed: "everything" });
    });

    it("shows in a dry run what it would do, and does nothing", async () => {
      const store = await applied(tenantFile());
      expect(await changesOf(store, tenantFile({ clients: {}, permissions: [] }), { dryRun: true, prune: true })).toContain("delete client/a");
      expect(await store.confirm(ISSUER, 1)).toEqual({ version: 1, changed: [] });
    });

    it("twice at the same time makes two versions, one after the other", async () => {
      const store = await applied(tenantFile());
      const files = ["one", "two"].map((displayName) => tenantFile({ displayName }));
      const answers = await Promise.all(files.map((file) => store.apply(ISSUER, ask(file))));
      expect(answers.map((answer) => (answer.ok ? answer.version : 0)).toSorted()).toEqual([2, 3]);
      const last = files[answers.findIndex((answer) => answer.ok && answer.version === 3)];
      expect((await store.export(ISSUER)).file?.displayName).toBe(last?.displayName);
    });

    it("of one issuer touches no other's", async () => {
      const store = await applied(tenantFile());
      expect(await store.confirm("https://other.example.com", undefined)).toEqual({ version: 0, changed: "everything" });
    });

    it("keeps the key that subject ids are derived with, whatever is applied", async () => {
      const store = await applied(tenantFile());
      const { subjectKey } = await store.read(ISSUER, []);
      await store.apply(ISSUER, ask(tenantFile({ clients: {}, permissions: [] }), { prune: true }));
      expect((await store.read(ISSUER, ["tenant"])).subjectKey).toBe(subjectKey);
      expect(subjectKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    });
  });

  describe(`${name}: what a file leaves out`, () => {
    const without = tenantFile({ clients: { a: client() }, permissions: [] });

    it("stays, with every look-up that leads to it", async () => {
      const store = await applied(tenantFile());
      expect(await changesOf(store, without)).toEqual([]);
      const { records } = await store.read(ISSUER, ["client/b", "permission/a b", "dependency/a to-b", "resource/https://b.example.com"]);
      expect(Object.values(records)).not.toContain(null);
    });

    it("goes when it is told to: the change is named as every other, and the record is no more", async () => {
      const store = await applied(tenantFile());
      const gone = ["client/b", "dependency/a to-b", "permission/a b", "resource/https://b.example.com"];
      expect(await changesOf(store, without, { prune: true })).toEqual(gone.map((record) => `delete ${record}`));
      expect(named(await store.confirm(ISSUER, 1))).toEqual(gone);
      expect(Object.values((await store.read(ISSUER, gone)).records)).toEqual([null, null, null, null]);
      expect((await store.read(ISSUER, ["keys"])).records.keys).not.toBeNull();
    });

    it("goes within the bounds of the part that it was left out of, and stays elsewhere", async () => {
      const clients = Object.fromEntries(["a", "b", "c", "d"].map((id) => [id, client({ resources: [`https://${id}.example.com`], corsOrigins: ["https://shared.example.com"] })]));
      const permissions = ["b", "c", "d"].flatMap((provider) => ["a", "c"].filter((id) => id !== provider).map((consumer) => ({ consumer, provider, name: `to-${provider}` })));
      const store = await applied(tenantFile({ clients, permissions }));
      const part = tenantFile({ clients: { a: clients.a }, permissions: [] });
      const prune = (within: object) => changesOf(store, part, { prune: true, within, dryRun: true });
      expect(await prune({ from: "a b", to: "a d" })).toEqual(["delete dependency/a to-b", "delete dependency/a to-c", "delete permission/a b", "delete permission/a c"]);
      const gone = ["client/d", "resource/https://d.example.com"].map((record) => `delete ${record}`);
      expect(await prune({ from: "c d\u0020" })).toEqual(gone);
      expect(await prune({ from: "b ", to: "c " })).toEqual(["delete client/b", "delete resource/https://b.example.com"]);
      expect(await prune({ to: "a " })).toEqual([]);
      expect(await prune({})).toContain("delete client/c");
    });

    it("comes back when it is declared again", async () => {
      const store = await applied(tenantFile());
      await changesOf(store, without, { prune: true });
      expect(await changesOf(store, tenantFile())).toContain("create client/b");
      expect(named(await store.confirm(ISSUER, 2))).toContain("client/b");
      expect((await store.read(ISSUER, ["client/b"])).records["client/b"]).not.toBeNull();
    });
  });

  describe(`${name}: a look-up`, () => {
    it("goes when what it follows from is declared differently", async () => {
      const store = await applied(tenantFile());
      const moved = tenantFile({
        clients: { a: client(), b: client({ resources: ["https://new.example.com"] }) },
        permissions: [{ consumer: "a", provider: "b", name: "renamed" }],
      });
      expect(await changesOf(store, moved)).toEqual([
        "change client/b",
        "change permission/a b",
        "create dependency/a renamed",
        "create resource/https://new.example.com",
        "delete dependency/a to-b",
        "delete resource/https://b.example.com",
      ]);
    });

    it("stays while a client that the file leaves out declares the same", async () => {
      const origins = (...corsOrigins: string[]) => client({ corsOrigins });
      const store = await applied(
        tenantFile({ clients: { a: origins("https://one.example.com", "https://two.example.com"), b: origins("https://two.example.com") }, permissions: [] }),
      );
      expect(await changesOf(store, tenantFile({ clients: { a: origins() }, permissions: [] }))).toEqual(["change client/a", "delete origin/https://one.example.com"]);
      expect(await changesOf(store, tenantFile({ clients: { b: origins() }, permissions: [] }))).toEqual(["change client/b", "delete origin/https://two.example.com"]);
    });

    it("of a permission's name follows the name, also to another permission of a later part", async () => {
      const clients = { a: client(), b: client(), c: client() };
      const named = (b: string, c: string) => [
        { consumer: "a", provider: "b", name: b },
        { consumer: "a", provider: "c", name: c },
      ];
      const store = await applied(tenantFile({ clients, permissions: named("one", "two") }));
      const [first, second] = named("two", "one");
      expect(await changesOf(store, tenantFile({ clients, permissions: [first ?? {}] }))).toEqual(["change dependency/a two", "change permission/a b", "delete dependency/a one"]);
      expect(await changesOf(store, tenantFile({ clients, permissions: [second ?? {}] }))).toEqual(["change permission/a c", "create dependency/a one"]);
      expect((await store.read(ISSUER, ["dependency/a one", "dependency/a two"])).records).toEqual({
        "dependency/a one": { provider: "c" },
        "dependency/a two": { provider: "b" },
      });
    });

    it("follows a resource from one client to another", async () => {
      const store = await applied(tenantFile());
      await changesOf(store, tenantFile({ clients: { a: client({ resources: ["https://b.example.com"] }), b: client() } }));
      expect((await store.read(ISSUER, ["resource/https://b.example.com"])).records).toEqual({ "resource/https://b.example.com": { client: "a" } });
    });
  });

  describe(`${name}: the jurisdiction of a tenant`, () => {
    it.each([
      [undefined, "eu"],
      ["eu", undefined],
      ["eu", "fedramp"],
    ] as const)("is fixed at its creation: from %s to %s is refused and nothing changes", async (from, to) => {
      const store = await applied(tenantFile(from === undefined ? {} : { jurisdiction: from }));
      const other = tenantFile({ displayName: "moved", ...(to === undefined ? {} : { jurisdiction: to }) });
      expect(await changesOf(store, other)).toBe("tenant_jurisdiction_fixed");
      expect(await changesOf(store, other, { dryRun: true })).toBe("tenant_jurisdiction_fixed");
      expect((await store.export(ISSUER)).file).not.toHaveProperty("displayName");
      expect(await changesOf(store, tenantFile({ displayName: "stays", ...(from === undefined ? {} : { jurisdiction: from }) }))).toEqual(["change tenant"]);
    });
  });
}
