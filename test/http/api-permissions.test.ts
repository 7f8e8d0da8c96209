import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant } from "../faults.ts";
import { exchange, ISSUER, login, payloadOf, type World, world } from "../world.ts";
import { type ApiAnswer, api, type Caller } from "./api.ts";
import { lastLineOf } from "./wire.ts";

beforeEach(reset);

const PERMISSIONS = "/api/v1/permissions";
const CONSUMER: Caller = { client: "stranger" };
const PROVIDER: Caller = { client: "hr-service" };
const ASKED = { consumer: "stranger", provider: "hr-service", name: "hr", scopes: ["level:read", "budget:read"] };

const ask = (w: World, caller: Caller, changes: object = {}) => api(w, caller, "POST", PERMISSIONS, { ...ASKED, ...changes });
const decide = (w: World, caller: Caller, decision: string, body?: unknown, pair = "stranger/hr-service") => api(w, caller, "POST", `${PERMISSIONS}/${pair}/${decision}`, body);
const list = async (w: World, caller: Caller, query = "") => {
  const { body } = await api(w, caller, "GET", `${PERMISSIONS}${query}`);
  return (body.permissions as readonly { readonly consumer: string; readonly provider: string; readonly status: string }[]).map(
    ({ consumer, provider, status }) => `${consumer} ${provider} ${status}`,
  );
};
const outcome = ({ status, body }: ApiAnswer) => [status, body.status ?? body.error];

describe("a permission as it goes from one state to the next", () => {
  it("is asked for by the consumer, granted by the provider, and withdrawn; who and when is kept", async () => {
    const w = await world();
    expect(await ask(w, CONSUMER)).toEqual({
      status: 200,
      body: {
        ...{ consumer: "stranger", provider: "hr-service", name: "hr", apis: [], scopes: ["level:read", "budget:read"], tokenTypes: ["access_token"], status: "requested" },
        ...{ origin: "api", asked: { apis: [], scopes: ["level:read", "budget:read"], tokenTypes: ["access_token"] } },
        ...{ requestedBy: "client/stranger", requestedAt: expect.any(Number) },
      },
    });
    expect(lastLineOf(w)).toMatchObject({ endpoint: PERMISSIONS, client: "stranger", permission: "stranger hr-service", issued: "requested", status: 200 });
    expect((await decide(w, PROVIDER, "grant")).body).toMatchObject({ status: "granted", scopes: ["level:read", "budget:read"], decidedBy: "client/hr-service" });
    expect(await decide(w, "operator", "withdraw", {})).toMatchObject({ status: 200, body: { status: "withdrawn", decidedBy: "operator/local", requestedBy: "client/stranger" } });
    expect(lastLineOf(w)).toMatchObject({ operator: "local", permission: "stranger hr-service", issued: "withdrawn" });
  });

  it("lets a token through while it is granted, and at no other time", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const trade = () => exchange(w, "front-end-app", { subject_token: access_token, audience: "hr-service", requested_token_type: TOKEN_TYPE.access_token, scope: "level:read" });
    const pair = "front-end-app/hr-service";
    const outcomes: unknown[] = [];
    const step = async (caller: Caller, decision: string) => {
      const answer = decision === "request" ? await ask(w, caller, { consumer: "front-end-app" }) : await decide(w, caller, decision, undefined, pair);
      const traded = await trade();
      outcomes.push([answer.body.status, traded.body.error ?? payloadOf(String(traded.body.access_token)).scope]);
    };
    for (const decision of ["request", "deny", "request", "grant", "withdraw", "request", "grant"])
      await step(decision === "request" ? { client: "front-end-app" } : PROVIDER, decision);
    expect(outcomes).toEqual([
      ["requested", "invalid_target"],
      ["denied", "invalid_target"],
      ["requested", "invalid_target"],
      ["granted", "level:read"],
      ["withdrawn", "invalid_target"],
      ["requested", "invalid_target"],
      ["granted", "level:read"],
    ]);
  });

  it.each([
    ["requested", [], { grant: "granted", deny: "denied", withdraw: 409, request: 409 }],
    ["granted", ["grant"], { grant: "granted", deny: 409, withdraw: "withdrawn", request: 409 }],
    ["denied", ["deny"], { grant: 409, deny: "denied", withdraw: "withdrawn", request: "requested" }],
    ["withdrawn", ["grant", "withdraw"], { grant: 409, deny: 409, withdraw: "withdrawn", request: "requested" }],
  ] as const)("that is %s goes only where the order of states leads", async (state, path, outcomes) => {
    for (const [act, expected] of Object.entries(outcomes)) {
      await reset();
      const w = await world();
      await ask(w, CONSUMER);
      for (const decision of path) await decide(w, PROVIDER, decision);
      const answer = act === "request" ? await ask(w, CONSUMER, { name: "another" }) : await decide(w, PROVIDER, act);
      expect([state, act, answer.status === 409 ? answer.status : answer.body.status]).toEqual([state, act, expected]);
      if (answer.status === 409) expect(answer.body.error).toBe("conflict");
    }
  });

  it("stays as it is when an act is repeated: the first who and when count, and no version is made", async () => {
    const w = await world();
    const first = [await ask(w, CONSUMER), await decide(w, PROVIDER, "grant"), await decide(w, PROVIDER, "withdraw")];
    await reset();
    const v = await world();
    const again = [await ask(v, CONSUMER), await ask(v, CONSUMER), await decide(v, PROVIDER, "grant"), await decide(v, "operator", "grant")];
    expect(again.map(({ body }) => body.status)).toEqual(["requested", "requested", "granted", "granted"]);
    expect(again[3]?.body.decidedBy).toBe("client/hr-service");
    const { version } = await v.service.tenants.confirm(ISSUER, undefined);
    await decide(v, "operator", "grant");
    expect((await v.service.tenants.confirm(ISSUER, undefined)).version).toBe(version);
    expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

describe("who may do what", () => {
  const notFound = { error: "not_found", error_description: "There is no such permission, or no such client." };

  it("lets the consumer ask and the provider decide, never the other way round", async () => {
    const w = await world();
    expect(await ask(w, PROVIDER)).toEqual({ status: 404, body: notFound });
    expect((await ask(w, CONSUMER)).status).toBe(200);
    for (const decision of ["grant", "deny", "withdraw"]) expect(await decide(w, CONSUMER, decision)).toEqual({ status: 404, body: notFound });
    expect(await list(w, CONSUMER)).toEqual(["stranger hr-service requested"]);
    expect(outcome(await decide(w, PROVIDER, "grant"))).toEqual([200, "granted"]);
  });

  it("lets nobody ask in another's name, nor decide about another's permission, and says nothing of either", async () => {
    const w = await world();
    await ask(w, CONSUMER);
    const other: Caller = { client: "orders-api" };
    for (const body of [{ consumer: "travel-agent" }, { consumer: "no-such-client" }]) expect(await ask(w, CONSUMER, body)).toEqual({ status: 404, body: notFound });
    for (const pair of ["stranger/hr-service", "travel-agent/hr-service", "nobody/nothing"]) {
      for (const decision of ["grant", "deny", "withdraw"]) expect(await decide(w, other, decision, undefined, pair)).toEqual({ status: 404, body: notFound });
    }
    expect(await list(w, "operator", "?consumer=stranger")).toEqual(["stranger hr-service requested"]);
  });

  it("lets no client hold a permission for itself, nor grant one to itself; an operator may", async () => {
    const w = await world();
    const own = { consumer: "stranger", provider: "stranger", scopes: [] };
    expect((await ask(w, CONSUMER, own)).status).toBe(404);
    expect((await ask(w, "operator", own)).status).toBe(200);
    expect((await decide(w, CONSUMER, "grant", undefined, "stranger/stranger")).status).toBe(404);
    expect((await decide(w, "operator", "grant", undefined, "stranger/stranger")).body.status).toBe("granted");
  });

  it("takes an unknown provider and a disabled one for the same; an operator may ask for a disabled one", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["orders-api"], { disabled: true }) });
    for (const provider of ["orders-api", "no-such-client"]) expect(await ask(w, CONSUMER, { provider, scopes: [] })).toEqual({ status: 404, body: notFound });
    expect((await ask(w, "operator", { provider: "orders-api", scopes: [] })).status).toBe(200);
    expect((await ask(w, "operator", { provider: "no-such-client" })).status).toBe(404);
    expect((await ask(w, "operator", { consumer: "no-such-client" })).status).toBe(404);
  });

  it("shows a client its own sides only, and an operator everything, by consumer, provider and status", async () => {
    const w = await world({
      tenant: (file) => {
        file.permissions = file.permissions
          .filter(({ consumer }) => consumer === "travel-agent" || consumer === "billing-worker")
          .filter(({ provider }) => provider !== "assistant");
      },
    });
    await ask(w, CONSUMER);
    expect(await list(w, "operator")).toEqual(["billing-worker orders-api granted", "stranger hr-service requested", "travel-agent hr-service granted"]);
    expect(await list(w, "operator", "?provider=hr-service&status=requested")).toEqual(["stranger hr-service requested"]);
    expect(await list(w, PROVIDER)).toEqual(["stranger hr-service requested", "travel-agent hr-service granted"]);
    expect(await list(w, PROVIDER, "?consumer=travel-agent")).toEqual(["travel-agent hr-service granted"]);
    expect(await list(w, PROVIDER, "?consumer=billing-worker")).toEqual([]);
    expect(await list(w, { client: "web-app" })).toEqual([]);
    expect((await api(w, PROVIDER, "GET", `${PERMISSIONS}?status=maybe`)).body.error).toBe("invalid_request");
    expect((await api(w, PROVIDER, "GET", `${PERMISSIONS}?status=granted&status=denied`)).status).toBe(400);
  });

  it("HTTP-20 takes operators' tokens and clients' secrets, and no token of a client", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const send = (authorization?: string) => w.fetch(PERMISSIONS, authorization === undefined ? {} : { headers: { authorization } });
    const wrong = [undefined, `Bearer ${access_token}`, `Basic ${btoa("hr-service:wrong")}`, `Basic ${btoa("nobody:x")}`, `Basic ${btoa("mobile-app:")}`, "Basic"];
    for (const authorization of wrong) expect([authorization, (await send(authorization)).status]).toEqual([authorization, 401]);
    expect((await w.fetch(PERMISSIONS, { method: "POST", body: JSON.stringify(ASKED), headers: { "content-type": "application/json" } })).status).toBe(401);
    expect((await send(`Basic ${btoa("hr-service:hr-service-secret")}`)).status).toBe(200);
  });

  it("lets no disabled client ask or decide", async () => {
    const w = await world();
    await ask(w, CONSUMER);
    await editTenant(w, (file) => {
      for (const id of ["stranger", "hr-service"]) Object.assign(file.clients[id] ?? {}, { disabled: true });
    });
    expect((await ask(w, CONSUMER)).status).toBe(401);
    expect((await decide(w, PROVIDER, "grant")).status).toBe(401);
    expect((await decide(w, "operator", "grant")).body.status).toBe("granted");
  });
});
