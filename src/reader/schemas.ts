import { WorkerEntrypoint } from "cloudflare:workers";
import type { AskName, Asks } from "../tenants/asks.ts";
import type { Checked } from "../tenants/check.ts";
import type { Read, SchemaReader } from "../tenants/schema-reader.ts";
import { schemaReader } from "./schema-reader.ts";

/** Reads the documents of operators for the Worker at the edge. */
export class Schemas extends WorkerEntrypoint implements SchemaReader {
  async checkTenantFile(file: unknown): Promise<Checked> {
    return await schemaReader.checkTenantFile(file);
  }

  async readAsk<Name extends AskName>(name: Name, body: unknown): Promise<Read<Asks[Name]>> {
    return await schemaReader.readAsk(name, body);
  }

  async openApi(): Promise<string> {
    return await schemaReader.openApi();
  }
}
