import { publicJson } from "../response.ts";
import document from "./openapi.txt";

const MAX_AGE_SECONDS = 300;

/** `GET /api/v1/openapi.json`: the OpenAPI 3.1 document of this API. It is made beforehand and lies beside the code: a text that nobody reads until it is asked for. */
export function openApi(issuer: string): Response {
  return publicJson({ ...JSON.parse(document), servers: [{ url: new URL(issuer).origin }] }, MAX_AGE_SECONDS);
}
