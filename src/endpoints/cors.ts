import { isOrigin } from "../protocol/uri.ts";
import type { Tenant } from "../storage/tenant-directory.ts";
import type { Client } from "../tenants/client.ts";

/** Whose scripts may ask an endpoint from a page, and read what it answers: the origins that clients declare, or everyone's. */
export type Cors = "declared" | "any";

const MAX_AGE_SECONDS = 600;

/** Lets the origins that this client declares read the answer; without credentials, as every answer here. */
export function forOrigin(request: Request, client: Client, response: Response): Response {
  const origin = request.headers.get("origin");
  allow(response.headers, "declared", origin !== null && client.corsOrigins.includes(origin) ? origin : undefined);
  return response;
}

/** Lets a refusal be read: nobody knows yet for which client it is, so by any origin that the tenant knows. */
export async function refusalForOrigin(request: Request, tenant: Tenant | undefined, cors: Cors, headers: Headers): Promise<void> {
  // A refusal must not turn into another one because a look-up fails.
  allow(headers, cors, cors === "any" ? "*" : await declaredOrigin(request, tenant).catch(() => undefined));
}

/** Answers `OPTIONS`: which methods there are, and for a browser's preflight whether its page may ask (Fetch Standard §3.2). */
export async function options(request: Request, tenant: Tenant | undefined, cors: Cors | undefined, methods: readonly string[]): Promise<Response> {
  const headers = new Headers({ allow: methods.join(", "), "cache-control": "no-store" });
  if (cors === undefined) return new Response(null, { status: 204, headers });
  const origin = cors === "any" ? "*" : await declaredOrigin(request, tenant);
  allow(headers, cors, origin);
  if (origin !== undefined) {
    headers.set("access-control-allow-methods", methods.join(", "));
    headers.set("access-control-allow-headers", "Authorization, Content-Type, DPoP");
    headers.set("access-control-max-age", String(MAX_AGE_SECONDS));
  }
  return new Response(null, { status: 204, headers });
}

async function declaredOrigin({ headers }: Request, tenant: Tenant | undefined): Promise<string | undefined> {
  const origin = headers.get("origin");
  if (origin === null || tenant === undefined || !isOrigin(origin)) return undefined;
  return (await tenant.declaresOrigin(origin)) ? origin : undefined;
}

function allow(headers: Headers, cors: Cors, origin: string | undefined): void {
  if (cors === "declared") headers.append("vary", "Origin");
  if (origin === undefined) return;
  headers.set("access-control-allow-origin", origin);
  if (cors === "declared") headers.set("access-control-expose-headers", "DPoP-Nonce, WWW-Authenticate, Cambio-Trace");
}
