import * as z from "zod/mini";
import { CLIENT_OPERATIONS } from "./clients.ts";
import { FAMILY_OPERATIONS } from "./families.ts";
import { KEY_OPERATIONS } from "./keys.ts";
import type { Named, Operation } from "./operation.ts";
import { PERMISSION_OPERATIONS } from "./permissions.ts";
import { TENANT_OPERATIONS } from "./tenant.ts";
import { USER_OPERATIONS } from "./users.ts";

const OPERATIONS: readonly Operation[] = [
  ...TENANT_OPERATIONS,
  ...PERMISSION_OPERATIONS,
  ...FAMILY_OPERATIONS,
  ...USER_OPERATIONS,
  ...KEY_OPERATIONS,
  ...CLIENT_OPERATIONS,
  {
    method: "get",
    path: "/api/v1/openapi.json",
    id: "readDocument",
    summary: "This document.",
    who: [],
    answer: { name: "Document", schema: z.looseObject({ openapi: z.string() }) },
    refusals: [],
  },
];

/** Every refusal of the API; a document that has problems names all of them, each with its place. */
export const Refusal = z.object({
  error: z.string(),
  error_description: z.optional(z.string()),
  problems: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
});

const REASONS = {
  400: "The request is malformed, or what it says cannot be.",
  401: "Who asks has not been proven.",
  404: "It is not there, or not for you to know.",
  409: "Its state does not allow this.",
  413: "The body is too large.",
  429: "Too many failures to prove who asks.",
  503: "This cannot be decided now; see Retry-After.",
} as const;
const ALWAYS: readonly number[] = [400, 401, 413, 429, 503];

/** The OpenAPI 3.1 document of the JSON API, made from the schemas that its requests are read by. */
export function openApiDocument(): object {
  const paths = Map.groupBy(OPERATIONS, ({ path }) => path);
  const inputs = OPERATIONS.flatMap(({ body }) => body ?? []);
  const outputs = [...OPERATIONS.map(({ answer }) => answer), { name: "Refusal", schema: Refusal }];
  return {
    openapi: "3.1.1",
    info: {
      title: "Cambio",
      version: "1",
      summary: "The JSON API of Cambio, for operators and for applications on their own side.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths: Object.fromEntries([...paths].map(([path, operations]) => [path, Object.fromEntries(operations.map((operation) => [operation.method, written(operation)]))])),
    components: {
      schemas: Object.fromEntries([...inputs.map((named) => entry(named, "input")), ...outputs.map((named) => entry(named, "output"))]),
      responses: Object.fromEntries(Object.entries(REASONS).map(([status, description]) => [status, { description, content: json({ name: "Refusal", schema: Refusal }) }])),
      securitySchemes: {
        operator: { type: "http", scheme: "bearer", bearerFormat: "operator+jwt", description: "A JWT by an operator's key, bound to method, path and body, used once" },
        client: { type: "http", scheme: "basic", description: "Client id and secret, each form-urlencoded (RFC 6749 section 2.3.1)" },
      },
    },
  };
}

function written({ id, summary, who, parameters = [], body, answer, refusals }: Operation): object {
  const statuses = who.length === 0 ? [] : [...ALWAYS, ...refusals];
  return {
    operationId: id,
    summary,
    security: who.map((scheme) => ({ [scheme]: [] })),
    ...(parameters.length === 0
      ? {}
      : { parameters: parameters.map(({ schema, ...parameter }) => ({ ...parameter, required: parameter.in === "path", schema: schemaOf(schema, "input") })) }),
    ...(body === undefined ? {} : { requestBody: { required: !z.safeParse(body.schema, {}).success, content: json(body) } }),
    responses: Object.fromEntries([
      ["200", { description: "Done.", content: json(answer) }],
      ...statuses.map((status) => [String(status), { $ref: `#/components/responses/${status}` }]),
    ]),
  };
}

function json({ name }: Named): object {
  return { "application/json": { schema: reference(name) } };
}

function entry({ name, schema, members = {} }: Named, io: "input" | "output"): readonly [string, object] {
  const { properties, ...rest } = schemaOf(schema, io);
  const named = Object.entries(members).map(([member, type]) => [member, reference(type)] as const);
  return [name, properties === undefined ? rest : { ...rest, properties: { ...properties, ...Object.fromEntries(named) } }];
}

function schemaOf(schema: z.ZodMiniType, io: "input" | "output") {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

function reference(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}
