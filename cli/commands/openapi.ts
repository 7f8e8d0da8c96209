import { openApiDocument } from "../../src/endpoints/api/contract/document.ts";
import { type Command, readArguments } from "../command.ts";

/** `openapi`: the OpenAPI document of the JSON API. */
export const openapi: Command = {
  words: "openapi",
  summary: "print the OpenAPI document of the JSON API",
  help: `openapi

Prints the OpenAPI 3.1 document of the JSON API under /api/v1, as a server answers it at /api/v1/openapi.json.
src/reader/openapi.txt is its output; run this whenever a schema of the API has changed.`,
  async run(args, terminal) {
    readArguments(args, {});
    terminal.out(JSON.stringify(openApiDocument(), null, 2));
  },
};
