import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { ISSUER, operatorToken, type World, world } from "../world.ts";
import { lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const PATH = "/api/v1/tenant";
const LIMIT = 4_194_304;
const JSON_TYPE = { "content-type": "application/json" };

const authorization = async (method: string, body = "", path = PATH, issuer = ISSUER) => `Bearer ${await operatorToken(issuer, method, path, body)}`;

/** Sends a body as it is, signed for it. */
const put = async (w: World, body: string, headers: Record<string, string> = JSON_TYPE) =>
  w.fetch(PATH, { method: "PUT", body, headers: { ...headers, authorization: await authorization("PUT", body) } });

const read = async (w: World) => w.fetch(PATH, { headers: { authorization: await authorization("GET") } });

describe("applying a tenant file", () => {
  it("says what changed, and that nothing did the second time", async () => {
    const w = await world();
    const file = demoTenant();
    file.clients.stranger.displayName = "Somebody";
    expect(await (await w.apply(file)).json()).toEqual({ version: 2, changes: [{ action: "change", record: "client/stranger" }] });
    expect(await (await w.apply(file)).json()).toEqual({ version: 2, changes: [] });
  });

  it("changes nothing on a dry run", async () => {
    const w = await world();
    const file = demoTenant();
    file.clients["billing-worker"].developmentSecret = "other";
    expect(await (await w.apply(file, "?dry_run=true")).json()).toEqual({ version: 1, changes: [{ action: "change", record: "client/billing-worker" }] });
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(200);
  });

  it("deletes only when it is told to", async () => {
    const w = await world();
    const file = demoTenant();
    delete (file.clients as Partial<typeof file.clients>).stranger;
    expect(await (await w.apply(file)).json()).toMatchObject({ changes: [] });
    expect((await w.post("/oauth2/revoke", "token=x", ["stranger", "stranger-secret"])).status).toBe(200);
    for (const query of ["?prune=1", "?prune", "?prune=TRUE", "?Prune=true", "?prune=false&prune=true"])
      expect(await (await w.apply(file, query)).json()).toMatchObject({ changes: [] });
    expect(await (await w.apply(file, "?prune=true&from=stranger+a")).json()).toMatchObject({ changes: [] });
    expect(await (await w.apply(file, "?prune=true&to=stranger+")).json()).toMatchObject({ changes: [] });
    expect(await (await w.apply(file, "?prune=true")).json()).toMatchObject({ changes: [{ action: "delete", record: "client/stranger" }] });
    expect((await w.post("/oauth2/revoke", "token=x", ["stranger", "stranger-secret"])).status).toBe(401);
  });

  it("names every problem with its path, changes nothing, and logs none of the file", async () => {
    const w = await world();
    const file = demoTenant();
    Object.assign(file.clients["web-app"], { redirectUris: ["javascript:alert(1)"], dialect: "klingon" });
    Object.assign(file, { surprise: "probe-in-the-file" });
    const answer = await w.apply(file);
    const body = (await answer.json()) as { readonly error: string; readonly problems: readonly { readonly path: string }[] };
    expect([answer.status, body.error]).toEqual([400, "invalid_request"]);
    expect(answer.headers.get("cambio-trace")).toBe(lastLineOf(w).trace);
    expect(body.problems.map(({ path }) => path)).toEqual(expect.arrayContaining(["clients.web-app.redirectUris.0", "clients.web-app.dialect"]));
    expect(lastLineOf(w)).toMatchObject({ status: 400, reason: "problems", operator: "local" });
    expect(w.lines.join()).not.toMatch(/javascript|klingon|probe-in-the-file|web-app-secret/);
    expect(await (await read(w)).json()).toMatchObject({ version: 1 });
  });

  it("is for the issuer that the file names, and no other", async () => {
    const w = await world();
    const body = JSON.stringify(demoTenant("https://id.example.com"));
    expect((await put(w, body)).status).toBe(400);
    expect((await put(w, JSON.stringify({ ...demoTenant(), issuer: `${ISSUER}/` }))).status).toBe(400);
  });

  it("refuses what is not one clear JSON object", async () => {
    const w = await world();
    for (const body of [
      "",
      "null",
      "[]",
      '"x"',
      "{",
      '{"issuer":"a","issuer":"a"}',
      '{"issuer":"\\ud800"}',
      "\ufeff{}",
      `{"clients":${"[".repeat(20)}${"]".repeat(20)}}`,
      "[".repeat(100_000),
    ]) {
      expect([body.slice(0, 30), await refusal(await put(w, body))]).toEqual([body.slice(0, 30), "400 invalid_request"]);
      expect(lastLineOf(w)).toMatchObject({ reason: "malformed_json", operator: "local" });
    }
  });

  it("takes names of the language for what they are: unknown members, or no client at all", async () => {
    const w = await world();
    const file = JSON.stringify(demoTenant());
    for (const odd of ['"constructor":{}', '"toString":1', '"hasOwnProperty":{"public":true,"x":1}']) {
      expect((await put(w, `${file.slice(0, -1)},${odd}}`)).status).toBe(400);
      expect((await put(w, file.replace('"clients":{', `"clients":{${odd},`))).status).toBe(400);
    }
    await put(w, `${file.slice(0, -1)},"__proto__":{"admin":true,"disabled":true}}`);
    await put(w, file.replace('"clients":{', '"clients":{"__proto__":{"public":true},'));
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
    expect((await w.post("/oauth2/revoke", { token: "x", client_id: "__proto__" })).status).toBe(401);
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(200);
    expect(await (await put(w, file)).json()).toEqual({ version: 1, changes: [] });
  });

  it("takes JSON only", async () => {
    const w = await world();
    const body = JSON.stringify(demoTenant());
    for (const headers of [{ "content-type": "text/plain" }, { "content-type": "application/x-www-form-urlencoded" }, { "content-type": "application/json;charset=utf-16" }, {}]) {
      expect((await put(w, body, headers as Record<string, string>)).status).toBe(400);
    }
    expect((await put(w, body, { ...JSON_TYPE, "content-encoding": "gzip" })).status).toBe(400);
    expect((await put(w, body, { "content-type": "Application/JSON; charset=utf-8" })).status).toBe(200);
  });

  it("refuses a body that was changed after it was signed", async () => {
    const w = await world();
    const body = JSON.stringify(demoTenant());
    const send = async (sent: string) => w.fetch(PATH, { method: "PUT", body: sent, headers: { ...JSON_TYPE, authorization: await authorization("PUT", body) } });
    expect(await refusal(await send(body.replace("Demo", "Evil").replace("web-app-secret", "evil")))).toBe("401 invalid_token");
    expect(await refusal(await send(`${body} `))).toBe("401 invalid_token");
    expect(await refusal(await send(""))).toBe("401 invalid_token");
    expect((await send(body)).status).toBe(200);
  });
});

describe("the size of a tenant file", () => {
  it("is four MiB at most, for an operator", async () => {
    const w = await world();
    const body = JSON.stringify(demoTenant());
    expect((await put(w, body.padEnd(LIMIT))).status).toBe(200);
    expect(await refusal(await put(w, body.padEnd(LIMIT + 1)))).toBe("413 invalid_request");
  });

  it("is not read from anybody else", async () => {
    const w = await world();
    const endless = () => {
      const seen = { pulled: 0 };
      const body = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            seen.pulled++;
            controller.enqueue(new Uint8Array(65_536));
          },
        },
        { highWaterMark: 0 },
      );
      return { body, seen };
    };
    const stranger = endless();
    expect(await refusal(await w.fetch(PATH, { method: "PUT", body: stranger.body, headers: JSON_TYPE }))).toBe("401 invalid_token");
    expect(stranger.seen.pulled).toBe(0);
    const operator = endless();
    const answer = await w.fetch(PATH, { method: "PUT", body: operator.body, headers: { ...JSON_TYPE, authorization: await authorization("PUT", "x") } });
    expect(await refusal(answer)).toBe("413 invalid_request");
    expect(operator.seen.pulled).toBe(LIMIT / 65_536 + 1);
  });
});

describe("reading a tenant", () => {
  it("gives the file that was applied, good to apply again", async () => {
    const w = await world();
    const { version, tenant } = (await (await read(w)).json()) as { readonly version: number; readonly tenant: object };
    expect(version).toBe(1);
    expect(tenant).toMatchObject({ issuer: ISSUER, realm: "demo", clients: { "web-app": { dialect: "sap" } } });
    expect(await (await w.apply(tenant, "?prune=true")).json()).toEqual({ version: 1, changes: [] });
  });

  it("works for every issuer of the deployment, also before there is a tenant, and writes one line", async () => {
    const w = await world();
    const other = "https://other.example.com";
    const ask = async () => w.fetch(`${other}${PATH}`, { headers: { authorization: await authorization("GET", "", PATH, other) } });
    const before = w.lines.length;
    expect(await refusal(await ask())).toBe("404 not_found");
    expect(w.lines).toHaveLength(before + 1);
    expect(lastLineOf(w)).toMatchObject({ operator: "local", reason: "tenant_unknown", tenant: other });
    const body = JSON.stringify({ issuer: other });
    const applied = await w.fetch(`${other}${PATH}`, { method: "PUT", body, headers: { ...JSON_TYPE, authorization: await authorization("PUT", body, PATH, other) } });
    expect(applied.status).toBe(200);
    expect((await ask()).status).toBe(200);
  });
});
