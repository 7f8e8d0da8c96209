import { readAsk } from "../tenants/asks.ts";
import { checkTenantFile } from "../tenants/check.ts";
import type { SchemaReader } from "../tenants/schema-reader.ts";
import openApi from "./openapi.txt";

/** Reads against the schemas in this isolate. */
export const schemaReader: SchemaReader = {
  checkTenantFile: async (file) => checkTenantFile(file),
  readAsk: async (name, body) => readAsk(name, body),
  openApi: async () => openApi,
};
