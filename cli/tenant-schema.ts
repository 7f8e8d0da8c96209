import * as z from "zod/mini";
import { TenantFile } from "../src/tenants/tenant.ts";

/** The JSON Schema of a tenant file as an operator writes it: what has a default may be left out. */
export function tenantSchemaText(): string {
  const schema = z.toJSONSchema(TenantFile, { io: "input" });
  return JSON.stringify({ ...schema, title: "Cambio tenant" }, null, 2);
}
