import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { schemaReader } from "../../src/reader/schema-reader.ts";
import type { TenantRows } from "../../src/storage/tenant/rows.ts";
import { applyTenant, prepareTenant } from "../../src/storage/tenant/rules.ts";
import { DEPLOYED, tenantFile } from "./tenant-files.ts";

const row = (name: string, body = "{}") => ({ name, hash: `hash of ${body}`, body });

/** The rows of one tenant. `within` runs a test over the rows of a tenant that was never applied. */
export function tenantRowsContract(name: string, within: (test: (rows: TenantRows) => void) => Promise<void>): void {
  describe(`${name}: rows`, () => {
    it("are none at first", () =>
      within((rows) => {
        expect([rows.version(), rows.record("a"), rows.names(), rows.changedSince(0, 9), rows.history(9)]).toEqual([0, undefined, [], [], []]);
      }));

    it("draw one key for subject ids, and keep it", () =>
      within((rows) => {
        expect(rows.subjectKey()).toMatch(/^[A-Za-z0-9_-]{43}$/);
        expect(rows.subjectKey()).toBe(rows.subjectKey());
      }));

    it("give a record as it was put last; two records may have the same body", () =>
      within((rows) => {
        rows.put(row("a", "1"), 1);
        rows.put(row("b", "1"), 1);
        rows.put(row("a", "2"), 2);
        expect([rows.record("a"), rows.record("b"), rows.names()]).toEqual([row("a", "2"), row("b", "1"), ["a", "b"]]);
      }));

    it("remember what was removed, for those who know an older version", () =>
      within((rows) => {
        rows.put(row("a"), 1);
        rows.put(row("b"), 2);
        rows.put(row("c"), 3);
        rows.remove("a", 4);
        expect([rows.record("a"), rows.names()]).toEqual([undefined, ["b", "c"]]);
        expect([0, 1, 2, 3, 4].map((version) => [...rows.changedSince(version, 9)].toSorted())).toEqual([["a", "b", "c"], ["a", "b", "c"], ["a", "c"], ["a"], []]);
        rows.put(row("a"), 5);
        expect([rows.record("a"), rows.changedSince(4, 9)]).toEqual([row("a"), ["a"]]);
      }));

    it("keep the history: who, when, what; the latest first, and its version is the tenant's", () =>
      within((rows) => {
        const entries = [1, 2, 3].map((version) => ({ version, at: 100 + version, operator: "olga", changes: `[${version}]` }));
        for (const entry of entries) rows.addHistory(entry);
        expect([rows.version(), rows.history(2), rows.history(9)]).toEqual([3, entries.toReversed().slice(0, 2), entries.toReversed()]);
      }));

    it("keep what one application changed, however long it is", () =>
      within((rows) => {
        const entry = { version: 1, at: 100, operator: "olga", changes: JSON.stringify(["😀".repeat(1_100_001)]) };
        rows.addHistory(entry);
        rows.addHistory({ version: 2, at: 101, operator: "olga", changes: "[]" });
        expect(rows.history(9)[1]).toEqual(entry);
      }));

    it("give names that begin alike, in order, and no others; and a hash without its record", () =>
      within((rows) => {
        for (const name of ["client/b", "client/a", "clients", "client.", "permission/a b", "permission/a.b c"]) rows.put(row(name), 1);
        rows.put(row("client/gone"), 1);
        rows.remove("client/gone", 2);
        expect([rows.names("client/"), rows.names("permission/a ")]).toEqual([["client/a", "client/b"], ["permission/a b"]]);
        expect(["client/a", "client/gone", "nothing"].map((name) => rows.hash(name))).toEqual([row("client/a").hash, undefined, undefined]);
      }));

    it("tell of so many changes at most", () =>
      within((rows) => {
        for (const name of ["a", "b", "c"]) rows.put(row(name), 1);
        expect([rows.changedSince(0, 2).length, rows.changedSince(0, 3).length]).toEqual([2, 3]);
      }));
  });

  describe(`${name}: applying a file`, () => {
    const preparing = async (file: object) => {
      const checked = await schemaReader.checkTenantFile(file);
      if (!checked.ok) throw new Error(JSON.stringify(checked));
      return await prepareTenant(checked.file, sha256);
    };
    const ask = { operator: "olga", deployed: DEPLOYED, prune: false, dryRun: false };

    it("is one entry of the history, with the changes that it made; no changes are no entry", async () => {
      const first = await preparing(tenantFile());
      const second = await preparing(tenantFile({ displayName: "Second" }));
      await within((rows) => {
        applyTenant(rows, 100, first, ask);
        applyTenant(rows, 150, first, ask);
        applyTenant(rows, 200, second, { ...ask, operator: "oleg" });
        applyTenant(rows, 250, first, { ...ask, dryRun: true });
        expect(rows.history(9)).toMatchObject([
          { version: 2, at: 200, operator: "oleg", changes: '[{"action":"change","record":"tenant"}]' },
          { version: 1, at: 100, operator: "olga" },
        ]);
      });
    });

    it.each([{ prune: false }, { prune: true }])("never touches a permission that was decided through the API, nor the name it goes by: %j", async ({ prune }) => {
      const prepared = await preparing(tenantFile());
      const without = await preparing(tenantFile({ permissions: [] }));
      await within((rows) => {
        applyTenant(rows, 100, prepared, ask);
        const decided = row("permission/a b", JSON.stringify({ consumer: "a", provider: "b", name: "to-b", status: "withdrawn", origin: "api" }));
        rows.put(decided, 2);
        rows.addHistory({ version: 2, at: 110, operator: "owner of b", changes: "[]" });
        for (const file of [prepared, without]) expect(applyTenant(rows, 120, file, { ...ask, prune })).toEqual({ ok: true, version: 2, changes: [] });
        expect(rows.record("permission/a b")).toEqual(decided);
        expect(rows.record("dependency/a to-b")).toBeDefined();
      });
    });
  });
}
