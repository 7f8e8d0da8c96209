import { describe, expect, it } from "vitest";
import type { ChangePermission, PermissionChanged, TenantStore } from "../../src/storage/tenant-store.ts";
import { client, DEPLOYED, ISSUER, tenantFile } from "./tenant-files.ts";

const OLGA = { operator: "olga" };
const ASK: ChangePermission = {
  by: { client: "a" },
  consumer: "a",
  provider: "c",
  act: { action: "request", name: "to-c", contents: { apis: [], scopes: ["x"], tokenTypes: ["access_token"] } },
};
const PAIR = { by: { client: "c" }, consumer: "a", provider: "c" };
const GRANT: ChangePermission = { ...PAIR, act: { action: "grant", contents: {} } };
const DENY: ChangePermission = { ...PAIR, act: { action: "deny" } };
const withdrawal = (cutOff: boolean): ChangePermission => ({ ...PAIR, act: { action: "withdraw", cutOff } });

const outcome = (changed: PermissionChanged) => (changed.ok ? changed.permission.status : changed.reason);

/** The permissions of a tenant, as its one writer keeps them. */
export function tenantPermissionsContract(name: string, make: () => TenantStore): void {
  const tenant = async () => {
    const store = make();
    const file = tenantFile({ clients: { ...tenantFile().clients, c: client({ ownScopes: ["x", "y"] }), off: client({ disabled: true }) } });
    const applied = await store.apply(ISSUER, { operator: "olga", file, deployed: DEPLOYED, prune: false, dryRun: false });
    if (!applied.ok) throw new Error(JSON.stringify(applied));
    const change = async (ask: ChangePermission) => outcome(await store.changePermission(ISSUER, ask));
    const version = async () => (await store.confirm(ISSUER, undefined)).version;
    return { store, change, version };
  };

  describe(`${name}: permissions`, () => {
    it("go from one state to the next, each time in a version that names what changed", async () => {
      const { store, change } = await tenant();
      const steps: unknown[] = [];
      for (const ask of [ASK, DENY, ASK, GRANT, withdrawal(true), ASK, GRANT]) {
        const { version: before } = await store.confirm(ISSUER, undefined);
        steps.push([await change(ask), [...((await store.confirm(ISSUER, before)).changed as readonly string[])].toSorted()]);
      }
      const [alone, named] = [["permission/a c"], ["dependency/a to-c", "permission/a c"]];
      expect(steps).toEqual([
        ["requested", alone],
        ["denied", alone],
        ["requested", alone],
        ["granted", named],
        ["withdrawn", ["cutoffs/a", ...named]],
        ["requested", alone],
        ["granted", named],
      ]);
    });

    it("keep who and when, and the cutoff, whatever becomes of the permission", async () => {
      const { store, change } = await tenant();
      for (const ask of [ASK, GRANT, withdrawal(true), ASK]) await change(ask);
      const { records } = await store.read(ISSUER, ["permission/a c", "cutoffs/a"]);
      const cutoff = (records["cutoffs/a"] as Record<string, number>).c;
      expect(cutoff).toBeGreaterThan(Date.now() / 1000);
      expect(records["permission/a c"]).toMatchObject({ status: "requested", origin: "api", requestedBy: "client/a", requestedAt: expect.any(Number), cutoff });
      expect(records["permission/a c"]).not.toHaveProperty("decidedBy");
      await change({ ...GRANT, by: OLGA });
      expect((await store.read(ISSUER, ["permission/a c"])).records["permission/a c"]).toMatchObject({ decidedBy: "operator/olga", decidedAt: expect.any(Number), cutoff });
    });

    it("decided twice at the same time are decided once", async () => {
      const { store, change, version } = await tenant();
      await change(ASK);
      const before = await version();
      expect(new Set(await Promise.all(Array.from({ length: 20 }, () => change(GRANT))))).toEqual(new Set(["granted"]));
      expect(await version()).toBe(before + 1);
      await change(withdrawal(false));
      await change(ASK);
      const outcomes = await Promise.all([change(GRANT), change(DENY)]);
      const { permissions } = await store.permissions(ISSUER, { by: OLGA, consumer: "a", provider: "c" });
      expect(outcomes.toSorted()).toEqual([permissions[0]?.status, "permission_state"].toSorted());
    });

    it("refuse whoever is on the wrong side, and change nothing", async () => {
      const { change, version } = await tenant();
      await change(ASK);
      const before = await version();
      const wrong = [
        { ...ASK, by: { client: "c" } },
        { ...GRANT, by: { client: "a" } },
        { ...DENY, by: { client: "b" } },
        { ...withdrawal(true), by: { client: "nobody" } },
        { ...GRANT, by: { client: "off" }, provider: "off" },
      ];
      expect(await Promise.all(wrong.map(change))).toEqual(["permission_not_own", "permission_not_own", "permission_not_own", "client_disabled", "client_disabled"]);
      expect(await change({ ...GRANT, provider: "b", by: { client: "b" }, consumer: "c" })).toBe("permission_unknown");
      expect(await version()).toBe(before);
      expect(await change(GRANT)).toBe("granted");
    });

    it("are none before the tenant exists", async () => {
      const store = make();
      expect(outcome(await store.changePermission(ISSUER, { ...ASK, by: OLGA }))).toBe("tenant_unknown");
      expect(await store.permissions(ISSUER, { by: OLGA })).toEqual({ permissions: [], truncated: false });
      expect(await store.confirm(ISSUER, undefined)).toEqual({ version: 0, changed: "everything" });
    });

    it("are listed a thousand at most, and then it is said that there are more", async () => {
      const { store } = await tenant();
      const ids = Array.from({ length: 1001 }, (_, index) => `c${index}`);
      const clients = { ...tenantFile().clients, ...Object.fromEntries(ids.map((id) => [id, client()])) };
      const permissions = ids.map((consumer) => ({ consumer, provider: "b", name: "to-b" }));
      await store.apply(ISSUER, { operator: "olga", file: tenantFile({ clients, permissions }), deployed: DEPLOYED, prune: true, dryRun: false });
      const all = await store.permissions(ISSUER, { by: OLGA });
      expect([all.permissions.length, all.truncated]).toEqual([1000, true]);
      const one = await store.permissions(ISSUER, { by: { client: "c1000" } });
      expect([one.permissions.map(({ consumer }) => consumer), one.truncated]).toEqual([["c1000"], false]);
    });
  });
}
