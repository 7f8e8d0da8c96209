import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { ISSUER, type World, world } from "../world.ts";
import { api, apiRequest, type Caller } from "./api.ts";

beforeEach(reset);

const PERMISSIONS = "/api/v1/permissions";
const CONSUMER: Caller = { client: "stranger" };
const PROVIDER: Caller = { client: "hr-service" };
const ASKED = { consumer: "stranger", provider: "hr-service", name: "hr", scopes: ["level:read", "budget:read"], apis: ["one", "two"], tokenTypes: ["access_token", "id_token"] };

const ask = (w: World, changes: object = {}, caller: Caller = CONSUMER) => api(w, caller, "POST", PERMISSIONS, { ...ASKED, ...changes });
const decide = (w: World, decision: string, body?: unknown, pair = "stranger/hr-service", caller: Caller = PROVIDER) =>
  api(w, caller, "POST", `${PERMISSIONS}/${pair}/${decision}`, body);
const apply = async (w: World, change: (file: Record<string, never>) => void, query = "") => {
  const { file } = await w.service.tenants.export(ISSUER);
  change(file as never);
  const answer = await w.apply(file ?? {}, query);
  return (await answer.json()) as { readonly changes?: readonly { readonly action: string; readonly record: string }[]; readonly problems?: readonly { readonly path: string }[] };
};

describe("what is granted", () => {
  it("is what was asked for, or less of it; what was asked for stays on record", async () => {
    const w = await world();
    await ask(w);
    const granted = await decide(w, "grant", { scopes: ["level:read"], tokenTypes: ["access_token"] });
    expect(granted.body).toMatchObject({ status: "granted", scopes: ["level:read"], tokenTypes: ["access_token"], apis: ["one", "two"] });
    expect(granted.body.asked).toEqual({ scopes: ASKED.scopes, apis: ASKED.apis, tokenTypes: ASKED.tokenTypes });
    expect((await decide(w, "grant", { scopes: ["level:read", "budget:read"], apis: [] })).body).toMatchObject({ scopes: ["level:read", "budget:read"], apis: [] });
    expect((await decide(w, "grant")).body).toMatchObject({ scopes: ["level:read", "budget:read"], apis: [], tokenTypes: ["access_token"] });
  });

  it.each([
    [{ scopes: ["level:read", "salary:read"] }, "scopes.1"],
    [{ apis: ["three"] }, "apis.0"],
    [{ tokenTypes: ["refresh_token"] }, "tokenTypes.0"],
  ])("is never more than was asked for: %j", async (body, path) => {
    const w = await world();
    await ask(w);
    const answer = await decide(w, "grant", body);
    expect([answer.status, answer.body.error, answer.body.problems]).toEqual([400, "invalid_request", [{ path, message: expect.stringMatching(/never more than the request/) }]]);
    expect((await api(w, CONSUMER, "GET", PERMISSIONS)).body).toMatchObject({ permissions: [{ status: "requested" }] });
    expect((await decide(w, "grant")).body.status).toBe("granted");
  });

  it("lists scopes of the provider only, when it is asked for and still when it is granted", async () => {
    const w = await world();
    expect((await ask(w, { scopes: ["orders:read"] })).body.problems).toEqual([{ path: "scopes.0", message: expect.stringMatching(/no scope of the provider/) }]);
    await ask(w);
    await apply(w, (file: { clients?: Record<string, { ownScopes: readonly string[] }>; permissions?: readonly { provider: string }[] }) => {
      Object.assign(file.clients?.["hr-service"] ?? {}, { ownScopes: ["level:read"] });
      Object.assign(file, { permissions: file.permissions?.filter(({ provider }) => provider !== "hr-service") });
    });
    expect((await decide(w, "grant")).body.problems).toEqual([{ path: "scopes.1", message: expect.stringMatching(/no scope of the provider/) }]);
    expect((await decide(w, "grant", { scopes: ["level:read"] })).body.status).toBe("granted");
  });

  it("has a name that no other permission of the consumer has while it is granted", async () => {
    const w = await world();
    const orders: Caller = { client: "orders-api" };
    await ask(w);
    await ask(w, { provider: "orders-api", scopes: [] });
    expect((await decide(w, "grant")).body.status).toBe("granted");
    const taken = await decide(w, "grant", undefined, "stranger/orders-api", orders);
    expect([taken.status, taken.body.problems]).toEqual([400, [{ path: "name", message: expect.stringMatching(/another permission of this name/) }]]);
    await decide(w, "withdraw");
    expect((await decide(w, "grant", undefined, "stranger/orders-api", orders)).body.status).toBe("granted");
    expect((await w.service.tenants.read(ISSUER, ["dependency/stranger hr"])).records).toEqual({ "dependency/stranger hr": { provider: "orders-api" } });
  });
});

describe("what is sent", () => {
  it.each([
    ["a consumer that is no client id", { consumer: "no spaces" }, "consumer"],
    ["a missing name", { name: undefined }, "name"],
    ["a name that no URN can hold", { name: "a:b" }, "name"],
    ["a scope that is none", { scopes: ['a"b'] }, "scopes.0"],
    ["a token type that is not issued", { tokenTypes: ["sso_token"] }, "tokenTypes.0"],
    ["a status", { status: "granted" }, ""],
    ["who decided", { decidedBy: "operator/local" }, ""],
  ])("is refused with %s, and where", async (_case, changes, path) => {
    const w = await world();
    const answer = await ask(w, changes);
    expect([answer.status, answer.body.error, (answer.body.problems as readonly { readonly path: string }[])[0]?.path]).toEqual([400, "invalid_request", path]);
    expect((await ask(w)).status).toBe(200);
  });

  it.each([
    ["text that is no JSON", "{"],
    ["a list", "[]"],
    ["a member named twice", '{"consumer":"stranger","consumer":"travel-agent","provider":"hr-service","name":"hr"}'],
  ])("is refused as a whole when it is %s", async (_case, text) => {
    const w = await world();
    const answer = await api(w, CONSUMER, "POST", PERMISSIONS, text);
    expect([answer.status, answer.body.error_description]).toEqual([400, "The body is not one well-formed JSON object."]);
  });

  it("is JSON by its media type, and not large", async () => {
    const w = await world();
    const request = await apiRequest(CONSUMER, "POST", PERMISSIONS, ASKED);
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-16"]) {
      expect((await w.fetch(PERMISSIONS, { ...request, headers: { ...request.headers, "content-type": type } })).status).toBe(400);
    }
    expect((await api(w, CONSUMER, "POST", PERMISSIONS, { ...ASKED, scopes: Array.from({ length: 9000 }, () => "level:read") })).status).toBe(413);
    expect((await w.fetch(PERMISSIONS, { ...request, headers: { ...request.headers, "content-type": "application/json; charset=utf-8" } })).status).toBe(200);
  });

  it("names clients in the path percent-encoded; a name that is none leads nowhere", async () => {
    const uri = "api://hr.example.com/v1";
    const w = await world({ tenant: (file) => Object.assign(file.clients, { [uri]: { developmentSecret: `${uri}-secret`, grants: ["token_exchange"] } }) });
    await ask(w, { provider: uri, scopes: [] });
    const pair = `stranger/${encodeURIComponent(uri)}`;
    expect((await decide(w, "grant", undefined, pair, { client: uri })).body).toMatchObject({ provider: uri, status: "granted" });
    expect((await decide(w, "withdraw", undefined, `stranger/${uri}`, { client: uri })).status).toBe(404);
    for (const odd of ["%00", "a%20b", "%zz", "x".repeat(200), "__proto__"])
      expect([odd, (await decide(w, "grant", undefined, `stranger/${odd}`, "operator" as Caller)).status]).toEqual([odd, 404]);
  });
});

describe("a tenant file and the API", () => {
  type File = { clients: Record<string, { ownScopes: readonly string[] }>; permissions: { consumer: string; provider: string; name: string }[] };
  const edit = (w: World, change: (file: File) => void, query = "") => apply(w, change as never, query);

  it("a permission that was decided through the API is not touched by a file, declared or left out, pruned or not", async () => {
    const w = await world();
    const declared = (await w.service.tenants.export(ISSUER)).file;
    await decide(w, "withdraw", undefined, "travel-agent/hr-service");
    await ask(w);
    await decide(w, "grant");
    for (const query of ["", "?prune=true"]) expect(await (await w.apply(declared ?? {}, query)).json()).toMatchObject({ changes: [] });
    const { body } = await api(w, PROVIDER, "GET", PERMISSIONS);
    expect((body.permissions as readonly { consumer: string; status: string }[]).map(({ consumer, status }) => `${consumer} ${status}`)).toEqual(
      expect.arrayContaining(["stranger granted", "travel-agent withdrawn"]),
    );
  });

  it("what is exported is a file again: with what is granted, without what was refused, and applying it changes nothing", async () => {
    const w = await world();
    await decide(w, "withdraw", undefined, "travel-agent/hr-service");
    await ask(w);
    await decide(w, "grant", { scopes: ["level:read"] });
    const permissions = (await w.service.tenants.export(ISSUER)).file?.permissions.filter(({ provider }) => provider === "hr-service");
    expect(permissions).toContainEqual({ ...ASKED, scopes: ["level:read"], status: "granted" });
    expect(permissions?.map(({ consumer }) => consumer)).not.toContain("travel-agent");
    expect(await edit(w, () => undefined, "?prune=true")).toMatchObject({ changes: [] });
  });

  it("a file that says against what is granted through the API is refused, and says where", async () => {
    const w = await world();
    await ask(w);
    await decide(w, "grant");
    const lost = await edit(w, (file) => {
      file.clients["hr-service"] = { ...file.clients["hr-service"], ownScopes: ["level:read"] };
      file.permissions = file.permissions.filter(({ provider }) => provider !== "hr-service");
    });
    expect(lost.problems).toEqual([{ path: "clients.hr-service.ownScopes", message: expect.stringMatching(/budget:read, which is granted to stranger/) }]);
    const named = await edit(w, (file) => {
      file.permissions = [{ consumer: "stranger", provider: "orders-api", name: "hr" }];
    });
    expect(named.problems).toEqual([{ path: "permissions.0.name", message: expect.stringMatching(/granted through the API/) }]);
    await decide(w, "withdraw");
    const free = await edit(w, (file) => {
      file.permissions = [{ consumer: "stranger", provider: "orders-api", name: "hr" }];
    });
    expect(free.changes).toEqual(expect.arrayContaining([{ action: "create", record: "dependency/stranger hr" }]));
  });

  it("what was granted to a client goes with the client: nobody inherits it by its name", async () => {
    const w = await world();
    await ask(w);
    await decide(w, "grant");
    const before = (await w.service.tenants.export(ISSUER)).file;
    const { changes } = await edit(
      w,
      (file) => {
        const { stranger: _gone, ...clients } = file.clients;
        Object.assign(file, { clients, permissions: file.permissions.filter(({ consumer }) => consumer !== "stranger") });
      },
      "?prune=true",
    );
    expect(changes).toEqual(expect.arrayContaining([{ action: "delete", record: "permission/stranger hr-service" }]));
    await w.apply({ ...before, permissions: [] });
    expect((await api(w, CONSUMER, "GET", PERMISSIONS)).body).toEqual({ permissions: [], truncated: false });
  });
});
