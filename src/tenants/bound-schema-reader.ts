import { boundWorker } from "../protocol/bound-worker.ts";
import type { SchemaReader } from "./schema-reader.ts";

/** The schemas behind their service binding. Where they cannot be asked, nothing is read: `unavailable`. */
export function boundSchemaReader(binding: SchemaReader | undefined): SchemaReader {
  const ask = boundWorker(binding, "reader");
  return {
    checkTenantFile: (file) => ask((reader) => reader.checkTenantFile(file)),
    readAsk: (name, body) => ask((reader) => reader.readAsk(name, body)),
    openApi: () => ask((reader) => reader.openApi()),
  };
}
