import type { Audit } from "../audit.ts";
import { deployedKeys } from "../config.ts";
import { requireMediaType } from "../protocol/form.ts";
import { parseStrictJson } from "../protocol/json.ts";
import { Rejection, wireError } from "../protocol/rejection.ts";
import type { Service } from "../service.ts";
import { operatorRequest } from "./operator.ts";
import { json } from "./response.ts";

/** `GET /api/v1/tenant`: the tenant file that the current configuration stands for. Operators only. */
export async function readTenant(service: Service, issuer: string, request: Request, audit: Audit): Promise<Response> {
  const { operator } = await operatorRequest(service, issuer, request);
  audit.note({ operator });
  const { version, file } = await service.tenants.export(issuer);
  if (file === undefined) throw new Rejection("tenant_unknown");
  audit.write({ status: 200 });
  return json({ version, tenant: file });
}

/** `PUT /api/v1/tenant?prune&from&to&dry_run`: applies a tenant file. Works before the tenant exists. Operators only. */
export async function applyTenant(service: Service, issuer: string, request: Request, audit: Audit): Promise<Response> {
  requireMediaType(request.headers, "application/json", "json_media_type");
  const { operator, body } = await operatorRequest(service, issuer, request);
  audit.note({ operator });
  const file = parseStrictJson(body);
  if (file === undefined) throw new Rejection("malformed_json");
  const query = new URL(request.url).searchParams;
  const flag = (name: string) => query.get(name) === "true";
  const [from, to] = [query.get("from"), query.get("to")];
  const within = { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
  const applied = await service.tenants.apply(issuer, { operator, file, deployed: deployedKeys(service.config, issuer), prune: flag("prune"), within, dryRun: flag("dry_run") });
  if (applied.ok) {
    service.directory.forget(issuer);
    audit.write({ status: 200, issued: `version ${applied.version}` });
    return json({ version: applied.version, changes: applied.changes });
  }
  if (!("problems" in applied)) throw new Rejection(applied.reason);
  const { status, error, description } = wireError("problems");
  audit.write({ status, reason: "problems" });
  return json({ error, error_description: description, problems: applied.problems }, status);
}
