import type { AskName, Asks } from "./asks.ts";
import type { Checked, Problem } from "./check.ts";

/** A document in the shape that it must have, or every problem at once. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads the documents of operators and owners against their schemas, apart from the Worker at the edge. */
export interface SchemaReader {
  /** A tenant file with every default filled in. */
  checkTenantFile(file: unknown): Promise<Checked>;
  /** The body of a request to `/api/v1`. */
  readAsk<Name extends AskName>(name: Name, body: unknown): Promise<Read<Asks[Name]>>;
  /** The OpenAPI 3.1 document of `/api/v1`, as JSON, without its servers. */
  openApi(): Promise<string>;
}
