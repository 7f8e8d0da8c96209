import * as z from "zod/mini";
import type { Audit } from "../../audit.ts";
import { requireMediaType } from "../../protocol/form.ts";
import { parseStrictJson } from "../../protocol/json.ts";
import { Rejection, wireError } from "../../protocol/rejection.ts";
import type { Problem } from "../../tenants/check.ts";
import { json } from "../response.ts";

/** A body in the shape that it must have, or every problem at once. */
export type ReadJson<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads a JSON body against its schema. No body at all is an empty object. */
export function readJson<T extends z.ZodMiniType>({ headers }: Request, body: Uint8Array, schema: T): ReadJson<z.output<T>> {
  const value = body.byteLength === 0 ? {} : readObject(headers, body);
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join("."), message })) };
}

function readObject(headers: Headers, body: Uint8Array): object {
  requireMediaType(headers, "application/json", "json_media_type");
  const value = parseStrictJson(body);
  if (value === undefined) throw new Rejection("malformed_json");
  return value;
}

/** The answer to a document that has problems: all of them, each with its place. */
export function problemsAnswer(audit: Audit, problems: readonly Problem[]): Response {
  const { status, error, description } = wireError("problems");
  audit.write({ status, reason: "problems" });
  return json({ error, error_description: description, problems }, status);
}
