import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { DEPLOYMENT_ROUTES, TENANT_ROUTES } from "../../src/endpoints/index.ts";
import { exchange, ISSUER, login, type World, world } from "../world.ts";
import { api, type Caller } from "./api.ts";

beforeEach(reset);

type Json = { readonly [name: string]: unknown };
interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly responses: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
}
interface Operation {
  readonly operationId: string;
  readonly security: readonly Json[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content; readonly $ref?: string }>>;
}
type Content = { readonly "application/json": { readonly schema: Json } };

const documentOf = async (w: World) => (await (await w.fetch("/api/v1/openapi.json")).json()) as Document;

/** A schema of the document as something that judges values; named schemas are put where they are named. */
function judge(document: Document, schema: Json): z.ZodType {
  const whole = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(whole);
    if (typeof value !== "object" || value === null) return value;
    const { $ref, ...rest } = value as Json;
    if (typeof $ref === "string") return whole(document.components.schemas[$ref.slice("#/components/schemas/".length)]);
    return Object.fromEntries(Object.entries(rest).map(([name, member]) => [name, whole(member)]));
  };
  return z.fromJSONSchema(whole(schema) as Parameters<typeof z.fromJSONSchema>[0]);
}

const bodySchema = ({ requestBody }: Operation): Json => requestBody?.content["application/json"].schema ?? {};

describe("the OpenAPI document", () => {
  it("is public, may be kept, and names the issuer that was asked", async () => {
    const w = await world();
    const answer = await w.fetch("/api/v1/openapi.json");
    expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control"), answer.headers.get("access-control-allow-origin")]).toEqual([
      200,
      "application/json",
      "public, max-age=300, must-revalidate",
      "*",
    ]);
    expect(await answer.json()).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./), servers: [{ url: ISSUER }] });
    const elsewhere = await w.fetch("https://other.example.com/api/v1/openapi.json");
    expect([elsewhere.status, ((await elsewhere.json()) as Document).servers]).toEqual([200, [{ url: "https://other.example.com" }]]);
    expect((await w.fetch("/api/v1/openapi.json", { method: "POST" })).headers.get("allow")).toBe("GET, HEAD");
  });

  it("has every route under /api/v1 with every method, and no other", async () => {
    const { paths } = await documentOf(await world());
    const routes = [...DEPLOYMENT_ROUTES, ...TENANT_ROUTES].flatMap((route) =>
      route.paths.filter((path) => path.startsWith("/api/v1/")).flatMap((path) => Object.keys(route.methods).map((method) => `${method} ${path.replace(/:([a-z]+)/g, "{$1}")}`)),
    );
    const documented = Object.entries(paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`));
    expect(documented.toSorted()).toEqual(routes.toSorted());
    expect(routes.length).toBeGreaterThan(8);
  });

  it("is whole: every reference leads somewhere, every operation has a name of its own, every path its parameters", async () => {
    const document = await documentOf(await world());
    const text = JSON.stringify(document);
    for (const [, kind = "", name = ""] of text.matchAll(/"\$ref":"#\/components\/(schemas|responses)\/([A-Za-z0-9]+)"/g)) {
      expect(Object.keys(document.components[kind as "schemas"])).toContain(name);
    }
    expect(text.match(/"\$ref"/g)?.length).toBe(text.match(/"\$ref":"#\/components\/(schemas|responses)\//g)?.length);
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const { parameters = [], security } of Object.values(methods)) {
        expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => `{${name}}`)).toEqual(path.match(/\{[a-z]+\}/g) ?? []);
        for (const scheme of security.flatMap((one) => Object.keys(one))) expect(document.components.securitySchemes).toHaveProperty(scheme);
      }
    }
  });

  it("asks for who may ask, of every operation but itself", async () => {
    const w = await world();
    const { paths } = await documentOf(w);
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const url = path.replace(/\{[a-z]+\}/g, "x");
        const answer = await w.fetch(url, { method: method.toUpperCase(), ...(method === "get" ? {} : { body: "{}", headers: { "content-type": "application/json" } }) });
        expect([path, method, answer.status === 200]).toEqual([path, method, security.length === 0]);
        expect(answer.status === 200 || answer.status === 401).toBe(true);
      }
    }
  });
});

describe("what the API takes and gives", () => {
  const FRONT: Caller = { client: "front-end-app" };
  const BACK: Caller = { client: "back-end-api" };
  const PAIR = "/api/v1/permissions/{consumer}/{provider}";

  /** Asks as the document has it, and judges what was sent and what came back by the document. */
  async function conforming(w: World, document: Document) {
    return async (caller: Caller, method: "get" | "post" | "put", template: string, body?: unknown, parameters: Record<string, string> = {}, query = "") => {
      const operation = document.paths[template]?.[method];
      if (operation === undefined) throw new Error(`${method} ${template} is not in the document`);
      const path = template.replace(/\{([a-z]+)\}/g, (_all, name: string) => encodeURIComponent(parameters[name] ?? ""));
      const answer = await api(w, caller, method.toUpperCase(), `${path}${query}`, body);
      const takes = judge(document, bodySchema(operation)).safeParse(body ?? {}).success;
      if (answer.status === 200) expect([template, takes]).toEqual([template, true]);
      expect([template, answer.status, Object.keys(operation.responses).includes(String(answer.status))]).toEqual([template, answer.status, true]);
      const schema = answer.status === 200 ? operation.responses["200"]?.content?.["application/json"].schema : { $ref: "#/components/schemas/Refusal" };
      const judged = judge(document, schema ?? {}).safeParse(answer.body);
      expect([template, answer.status, judged.error?.issues ?? []]).toEqual([template, answer.status, []]);
      return { ...answer, takes };
    };
  }

  it("is what the document says, answer by answer", async () => {
    const w = await world();
    const document = await documentOf(w);
    const ask = await conforming(w, document);
    const pair = { consumer: "front-end-app", provider: "back-end-api" };
    const tokens = await login(w, "front-end-app");
    const traded = await exchange(w, "front-end-app", { subject_token: tokens.access_token, audience: "back-end-api" });
    await exchange(w, "front-end-app", { subject_token: tokens.access_token, audience: "back-end-api", scope: "nonsense" });
    const tenant = await ask("operator", "get", "/api/v1/tenant");
    const statuses = [
      await ask("operator", "put", "/api/v1/tenant", tenant.body.tenant, {}, "?dry_run=true"),
      await ask("operator", "put", "/api/v1/tenant", { issuer: ISSUER, clients: { "bad id": {} } }),
      await ask("operator", "get", "/api/v1/permissions"),
      await ask(BACK, "post", `${PAIR}/withdraw`, { cut_off: true }, pair),
      await ask(FRONT, "post", "/api/v1/permissions", { ...pair, name: "back", scopes: [] }),
      await ask(FRONT, "post", "/api/v1/permissions", { ...pair, name: "other" }),
      await ask(FRONT, "post", "/api/v1/permissions", { ...pair, name: "b:d" }),
      await ask(FRONT, "post", `${PAIR}/grant`, {}, pair),
      await ask(BACK, "post", `${PAIR}/grant`, { tokenTypes: ["access_token"] }, pair),
      await ask(BACK, "post", `${PAIR}/deny`, undefined, pair),
      await ask("operator", "get", "/api/v1/permissions", undefined, {}, "?status=granted"),
      await ask("operator", "get", "/api/v1/keys"),
      await ask("operator", "post", "/api/v1/keys/register", {}),
      await ask("operator", "post", "/api/v1/keys/{kind}/{number}/promote", {}, { kind: "signing", number: "99" }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 400, 200, 200, 200, 409, 400, 404, 200, 409, 200, 200, expect.any(Number), 404]);
    const found = await ask("operator", "post", "/api/v1/families/lookup", { token: traded.body.access_token });
    const { family, token } = found.body as { readonly family: string; readonly token: { readonly node: string } };
    expect((await ask("operator", "get", "/api/v1/families/{id}", undefined, { id: family })).body.refusals).toHaveLength(1);
    expect((await ask("operator", "post", "/api/v1/families/{id}/revoke", { node: token.node }, { id: family })).status).toBe(200);
    expect((await ask("operator", "post", "/api/v1/families/lookup", { token: "junk" })).status).toBe(404);
  });

  it.each([
    ["post", "/api/v1/permissions", { consumer: "front-end-app", provider: "back-end-api" }],
    ["post", "/api/v1/permissions", { consumer: "a b", provider: "back-end-api", name: "x" }],
    ["post", "/api/v1/permissions/{consumer}/{provider}/withdraw", { cut_off: "yes" }],
    ["post", "/api/v1/permissions/{consumer}/{provider}/deny", { why: "because" }],
    ["post", "/api/v1/families/lookup", {}],
    ["post", "/api/v1/families/{id}/revoke", { node: 7 }],
  ] as const)("the document refuses what the API refuses: %s %s %j", async (method, template, body) => {
    const w = await world();
    const document = await documentOf(w);
    const ask = await conforming(w, document);
    const answer = await ask("operator", method, template, body, { consumer: "front-end-app", provider: "back-end-api", id: "0".repeat(64) });
    expect([answer.status, answer.takes]).toEqual([400, false]);
  });
});
