import type { Audit } from "../../audit.ts";
import { requireMediaType } from "../../protocol/form.ts";
import { parseStrictJson } from "../../protocol/json.ts";
import { Rejection, wireError } from "../../protocol/rejection.ts";
import type { Exchange } from "../../service.ts";
import type { AskName, Asks } from "../../tenants/asks.ts";
import type { Problem } from "../../tenants/check.ts";
import type { Read } from "../../tenants/schema-reader.ts";
import { json } from "../response.ts";

/** Reads a JSON body against the schema of what it asks. No body at all is an empty object. */
export async function readJson<Name extends AskName>({ service, request }: Exchange, body: Uint8Array, name: Name): Promise<Read<Asks[Name]>> {
  return await service.schemas.readAsk(name, body.byteLength === 0 ? {} : readObject(request.headers, body));
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
