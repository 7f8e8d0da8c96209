import type { Service } from "../../service.ts";
import { publicJson } from "../response.ts";

const MAX_AGE_SECONDS = 300;

/** `GET /api/v1/openapi.json`: the OpenAPI 3.1 document of this API. */
export async function openApi({ schemas }: Service, issuer: string): Promise<Response> {
  return publicJson({ ...JSON.parse(await schemas.openApi()), servers: [{ url: new URL(issuer).origin }] }, MAX_AGE_SECONDS);
}
