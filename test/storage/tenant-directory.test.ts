import { describe, expect, it, vi } from "vitest";
import { schemaReader } from "../../src/reader/schema-reader.ts";
import { memoryTenants } from "../../src/storage/memory-tenants.ts";
import { tenantDirectory } from "../../src/storage/tenant-directory.ts";
import type { TenantStore } from "../../src/storage/tenant-store.ts";
import { client, DEPLOYED, ISSUER, tenantFile } from "./tenant-files.ts";

/** A directory over a tenant's store, under a clock of the test's. */
async function directoryOf({ outage = 60, isApplied = true } = {}) {
  const clock = { now: 1000 };
  const store = memoryTenants(schemaReader, () => clock.now * 1000);
  const apply = (next: object, prune = false) => store.apply(ISSUER, { operator: "olga", file: next, deployed: DEPLOYED, prune, dryRun: false });
  if (isApplied) await apply(tenantFile());
  const confirm = vi.fn(store.confirm);
  const read = vi.fn(store.read);
  const directory = tenantDirectory({ ...store, confirm, read } satisfies TenantStore, () => clock.now, outage);
  const after: Promise<unknown>[] = [];
  const open = () => directory.open(ISSUER, (work) => void after.push(work));
  /** What the client `b` is called now, as a request sees it. */
  const nameOfB = async () => (await (await open())?.client("b"))?.displayName;
  const rename = (displayName: string) => apply(tenantFile({ clients: { a: client(), b: client({ displayName }) } }));
  return { clock, store, apply, confirm, read, directory, after, open, nameOfB, rename };
}

const DOWN = new Error("the tenant object cannot be reached");
const never = new Promise<never>(() => undefined);

describe("a tenant that an isolate asks for", () => {
  it("is asked for once, and its records are read once", async () => {
    const { open, confirm, read } = await directoryOf();
    for (let request = 0; request < 5; request++) expect(await (await open())?.client("a")).toMatchObject({ grants: ["token_exchange"] });
    expect(confirm).toHaveBeenCalledTimes(1);
    expect(read.mock.calls.map(([, names]) => names)).toEqual([
      ["tenant", "keys"],
      ["client/a", "access/a"],
    ]);
  });

  it("is none when it was never applied, and one within the bound after it was", async () => {
    const { open, apply, clock } = await directoryOf({ isApplied: false });
    expect(await open()).toBeUndefined();
    await apply(tenantFile());
    clock.now += 10;
    expect((await open())?.settings).toMatchObject({ issuer: ISSUER });
  });

  it("has whatever its records say, and nothing where there is no record", async () => {
    const tenant = await (await directoryOf()).open();
    expect(await tenant?.permission("a", "b")).toMatchObject({ name: "to-b", status: "granted" });
    expect(await tenant?.dependency("a", "to-b")).toBe("b");
    expect(await tenant?.resourceOwner("https://b.example.com")).toBe("b");
    expect(tenant?.keys).toMatchObject({ signing: [{ number: 1, role: "current" }] });
    expect(
      await Promise.all([
        tenant?.client("c"),
        tenant?.permission("b", "a"),
        tenant?.dependency("a", "b"),
        tenant?.resourceOwner("https://a.example.com"),
        tenant?.identityProvider("corp"),
      ]),
    ).toEqual(Array.from({ length: 5 }, () => undefined));
  });

  it("has no more than 20,000 of its records kept: the oldest are asked for again, the others are not", async () => {
    const { open, read } = await directoryOf();
    const tenant = await open();
    const permission = (index: number) => tenant?.permission("a", `provider-${index}`);
    for (let index = 0; index <= 20_000; index++) await permission(index);
    const { length } = read.mock.calls;
    await permission(20_000);
    await permission(10_000);
    expect(read.mock.calls).toHaveLength(length);
    await permission(0);
    expect(read.mock.calls).toHaveLength(length + 1);
    expect((await open())?.settings.issuer).toBe(ISSUER);
  });

  it("is the same object until anything changes, and so is a client with what the API has decided of it", async () => {
    const { open, clock, rename, store } = await directoryOf();
    await store.changeClient(ISSUER, { operator: "olga", id: "b", act: { action: "disable" } });
    const seen = async () => {
      const tenant = await open();
      return [tenant, tenant?.settings, await tenant?.client("b")];
    };
    await seen();
    const [tenant, settings, b] = await seen();
    expect(b).toMatchObject({ disabled: true });
    for (const [index, value] of (await seen()).entries()) expect(value).toBe([tenant, settings, b][index]);
    await rename("renamed");
    clock.now += 10;
    const after = await seen();
    expect(after[0]).not.toBe(tenant);
    expect(after[1]).toBe(settings);
    expect(after[2]).toMatchObject({ disabled: true, displayName: "renamed" });
  });

  it("has a client as the API has decided last, though nothing else of it has changed", async () => {
    const { open, clock, store } = await directoryOf();
    const seen = async () => {
      const tenant = await open();
      return [await tenant?.client("a"), await tenant?.client("b")] as const;
    };
    const [a] = await seen();
    for (const action of ["disable", "enable", "disable"] as const) {
      await store.changeClient(ISSUER, { operator: "olga", id: "b", act: { action } });
      clock.now += 10;
      const [sameA, b] = await seen();
      expect([b?.disabled, sameA === a]).toEqual([action === "disable", true]);
    }
  });

  it("is given to fifty first requests at once, none of which waits for another's", async () => {
    const { open } = await directoryOf();
    const tenants = await Promise.all(Array.from({ length: 50 }, open));
    expect(tenants.every((tenant) => tenant?.issuer === ISSUER)).toBe(true);
  });
});

describe("the age of configuration", () => {
  it("of less than five seconds asks nothing; then it is asked ahead, and no request waits for the answer; at ten it is asked first", async () => {
    const { open, clock, confirm, after } = await directoryOf();
    await open();
    clock.now += 4;
    await open();
    expect([confirm.mock.calls.length, after.length]).toEqual([1, 0]);
    clock.now += 1;
    confirm.mockReturnValueOnce(never);
    expect(await open()).toBeDefined();
    expect([confirm.mock.calls.length, after.length]).toEqual([2, 1]);
    clock.now += 5;
    await open();
    expect([confirm.mock.calls.length, after.length]).toEqual([3, 1]);
  });

  it("begins anew with what was asked ahead", async () => {
    const { open, clock, confirm, after } = await directoryOf();
    await open();
    clock.now += 5;
    await open();
    await Promise.all(after);
    clock.now += 9;
    await open();
    expect(confirm).toHaveBeenCalledTimes(3);
    expect(after).toHaveLength(2);
  });

  it("counts from when it was asked, not from when it was answered", async () => {
    const { open, clock, confirm, store } = await directoryOf();
    confirm.mockImplementationOnce(async (issuer, since) => {
      const answer = await store.confirm(issuer, since);
      clock.now += 8;
      return answer;
    });
    await open();
    clock.now += 2;
    await open();
    expect(confirm).toHaveBeenCalledTimes(2);
  });

  it("lets a change take hold within ten seconds, and leaves what did not change where it is", async () => {
    const { clock, nameOfB, rename, open, read } = await directoryOf();
    expect(await nameOfB()).toBeUndefined();
    await (await open())?.client("a");
    await rename("renamed");
    clock.now += 4;
    expect(await nameOfB()).toBeUndefined();
    clock.now += 6;
    read.mockClear();
    expect(await nameOfB()).toBe("renamed");
    await (await open())?.client("a");
    expect(read.mock.calls.map(([, names]) => names)).toEqual([["client/b", "access/b"]]);
  });

  it("lets a client that appears, and one that goes, be known within ten seconds", async () => {
    const { clock, open, apply } = await directoryOf();
    const known = async (id: string) => (await (await open())?.client(id)) !== undefined;
    expect([await known("b"), await known("c")]).toEqual([true, false]);
    await apply(tenantFile({ clients: { a: client(), c: client() }, permissions: [] }), true);
    clock.now += 10;
    expect([await known("b"), await known("c")]).toEqual([false, true]);
  });

  it("is nought after the isolate itself has applied something", async () => {
    const { nameOfB, rename, directory } = await directoryOf();
    await nameOfB();
    await rename("renamed");
    directory.forget(ISSUER);
    expect(await nameOfB()).toBe("renamed");
  });
});

describe("a tenant object that cannot be reached", () => {
  it("leaves the last confirmed configuration in force for the outage's seconds more, then nothing can be decided", async () => {
    const { clock, confirm, nameOfB, rename } = await directoryOf();
    await rename("before");
    expect(await nameOfB()).toBe("before");
    await rename("after");
    confirm.mockRejectedValue(DOWN);
    clock.now += 70;
    expect(await nameOfB()).toBe("before");
    clock.now += 1;
    await expect(nameOfB()).rejects.toBe(DOWN);
    confirm.mockReset().mockImplementation(async () => ({ version: 3, changed: "everything" }));
    expect(await nameOfB()).toBe("after");
  });

  it("leaves nothing in force where no outage is tolerated", async () => {
    const { clock, confirm, open } = await directoryOf({ outage: 0 });
    await open();
    confirm.mockRejectedValue(DOWN);
    clock.now += 9;
    expect(await open()).toBeDefined();
    clock.now += 2;
    await expect(open()).rejects.toBe(DOWN);
  });

  it("decides nothing for an isolate that never knew the tenant", async () => {
    const { confirm, open } = await directoryOf();
    confirm.mockRejectedValue(DOWN);
    await expect(open()).rejects.toBe(DOWN);
  });

  it("while it is asked ahead disturbs nobody", async () => {
    const { clock, confirm, open, after } = await directoryOf();
    await open();
    clock.now += 6;
    confirm.mockRejectedValueOnce(DOWN);
    await open();
    await expect(Promise.all(after)).resolves.toEqual([undefined]);
  });

  it("while a record is read is no record that does not exist", async () => {
    const { open, read } = await directoryOf();
    const tenant = await open();
    read.mockRejectedValueOnce(DOWN);
    await expect(tenant?.client("a")).rejects.toBe(DOWN);
    expect(await tenant?.client("a")).toBeDefined();
  });
});

describe("answers that overtake each other", () => {
  it("leave no record in force that a confirmation has called changed", async () => {
    const { clock, open, nameOfB, rename, read, store } = await directoryOf();
    await rename("old");
    const tenant = await open();
    const old = await store.read(ISSUER, ["client/b"]);
    const { promise, resolve: arrive } = Promise.withResolvers<typeof old>();
    read.mockReturnValueOnce(promise);
    const late = tenant?.client("b");
    await rename("new");
    clock.now += 10;
    await open();
    arrive(old);
    expect((await late)?.displayName).toBe("new");
    expect(await nameOfB()).toBe("new");
  });

  it("leave no settings in force that a confirmation has called changed while they were read", async () => {
    const { clock, open, apply, read, store, confirm } = await directoryOf();
    const { promise, resolve: arrive } = Promise.withResolvers<Awaited<ReturnType<typeof store.read>>>();
    const old = await store.read(ISSUER, ["tenant", "keys"]);
    read.mockReturnValueOnce(promise);
    const late = open();
    await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(1));
    await apply({ ...tenantFile(), displayName: "new" });
    clock.now += 10;
    const other = open();
    arrive(old);
    expect((await other)?.settings.displayName).toBe("new");
    await late;
    expect((await open())?.settings.displayName).toBe("new");
    expect(confirm).toHaveBeenCalledTimes(2);
  });

  it("do not turn the version back", async () => {
    const { clock, open, confirm, nameOfB, rename, store } = await directoryOf();
    await open();
    clock.now += 10;
    await rename("two");
    const late = await store.confirm(ISSUER, 1);
    const { promise, resolve: arrive } = Promise.withResolvers<typeof late>();
    confirm.mockReturnValueOnce(promise);
    const slow = open();
    await rename("three");
    expect(await nameOfB()).toBe("three");
    arrive(late);
    await slow;
    clock.now += 10;
    await open();
    expect(confirm.mock.lastCall).toEqual([ISSUER, 3]);
  });

  it("for ever mean that nothing can be decided", async () => {
    const { open, read } = await directoryOf();
    const tenant = await open();
    read.mockResolvedValue({ version: 0, records: { "client/a": null }, subjectKey: "" });
    await expect(tenant?.client("a")).rejects.toMatchObject({ reason: "unavailable" });
  });
});
