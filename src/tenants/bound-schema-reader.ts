import { Rejection } from "../protocol/rejection.ts";
import type { SchemaReader } from "./schema-reader.ts";

/** The schemas behind their service binding. Where they cannot be asked, nothing is read: `unavailable`. */
export function boundSchemaReader(binding: SchemaReader | undefined): SchemaReader {
  const ask = async <Answer>(call: (reader: SchemaReader) => Promise<Answer>): Promise<Answer> => {
    if (binding === undefined) throw new Rejection("unavailable", { note: "no reader" });
    try {
      return await call(binding);
    } catch (cause) {
      throw new Rejection("unavailable", { note: "reader", cause });
    }
  };
  return {
    checkTenantFile: (file) => ask((reader) => reader.checkTenantFile(file)),
    readAsk: (name, body) => ask((reader) => reader.readAsk(name, body)),
    openApi: () => ask((reader) => reader.openApi()),
  };
}
