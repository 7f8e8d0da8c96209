import type { Context } from "hono";
import { HonoBase } from "hono/hono-base";
import { type Audit, audit } from "./audit.ts";
import { type Cors, options, refusalForOrigin } from "./endpoints/cors.ts";
import { DEPLOYMENT_ROUTES, endpointOf, methodsOf, type Route, TENANT_ROUTES } from "./endpoints/index.ts";
import { errorPage } from "./endpoints/page.ts";
import { json } from "./endpoints/response.ts";
import { PathTable } from "./path-table.ts";
import { randomId } from "./protocol/bytes.ts";
import { Rejection } from "./protocol/rejection.ts";
import type { Service } from "./service.ts";
import type { Tenant } from "./storage/tenant-directory.ts";

const RETRY_AFTER_SECONDS = 2;

interface Variables {
  readonly issuer: string;
  readonly audit: Audit;
  readonly page: boolean;
  readonly cors: Cors | undefined;
  readonly tenant: Tenant | undefined;
}

/** What the platform gives a request besides itself. */
interface Platform {
  after(work: Promise<unknown>): void;
}

type Ctx = Context<{ Variables: Variables; Bindings: Platform }>;

/** Answers requests. `print` is standard output, where audit lines go. */
export interface App {
  fetch(request: Request, platform: Platform): Promise<Response>;
}

/** Puts the routes together: host, tenant, method, headers, and the one place where errors become answers. */
export function createApp(service: Service, print: (line: string) => void): App {
  const router = new HonoBase<{ Variables: Variables; Bindings: Platform }>({ router: new PathTable() });
  const { issuers, mtlsAliases } = service.config;
  const origins = new Map(issuers.map((issuer) => [new URL(issuer).origin, issuer]));
  const aliases = new Map([...mtlsAliases].map(([issuer, alias]) => [alias, issuer]));

  router.use(async (c, next) => {
    c.set("audit", audit(randomId(12), service.now, print));
    const { origin } = new URL(c.req.url);
    const issuer = origins.get(origin) ?? aliases.get(origin);
    if (issuer === undefined) throw new Rejection("not_found", { note: "host" });
    c.set("issuer", issuer);
    c.get("audit").note({ tenant: issuer });
    await next();
    finish(c, c.res.headers);
  });

  // `open` finds the tenant; undefined for what answers without one.
  function mount<Endpoint>(routes: readonly Route<Endpoint>[], open: (c: Ctx) => Promise<Tenant> | undefined, answer: (c: Ctx, endpoint: Endpoint) => Promise<Response>): void {
    for (const route of routes) {
      for (const path of route.paths) {
        router.all(path, async (c) => {
          c.set("page", route.page ?? false);
          c.set("cors", route.cors);
          // A browser that is asked for a certificate asks its user: nobody logs in there.
          if (route.page && aliases.has(new URL(c.req.url).origin)) throw new Rejection("not_found", { note: "alias" });
          // The pattern, never the path: what stands in a path is anybody's text.
          c.get("audit").note({ endpoint: path });
          const endpoint = endpointOf(route, c.req.method);
          if (endpoint === undefined && c.req.method !== "OPTIONS") return await refuseMethod(c, methodsOf(route));
          c.set("tenant", await open(c));
          return endpoint === undefined ? await options(c.req.raw, c.get("tenant"), route.cors, methodsOf(route)) : await answer(c, endpoint);
        });
      }
    }
  }

  mount(
    DEPLOYMENT_ROUTES,
    () => undefined,
    async (c, endpoint) => await endpoint({ service, issuer: c.get("issuer"), request: c.req.raw, audit: c.get("audit") }),
  );

  mount(
    TENANT_ROUTES,
    async (c) => {
      const tenant = await service.directory.open(c.get("issuer"), (work) => c.env.after(work));
      if (tenant === undefined || tenant.settings.disabled) throw new Rejection("tenant_unknown");
      const realm: string | undefined = c.req.param("realm");
      if (realm !== undefined && realm !== tenant.settings.realm) throw new Rejection("not_found", { note: "realm" });
      return tenant;
    },
    async (c, endpoint) => {
      const tenant = c.get("tenant") as Tenant;
      const ring = service.keys.ringOf(tenant.issuer, tenant.keys);
      return await endpoint({ service, tenant, ring, request: c.req.raw, audit: c.get("audit"), after: (work) => c.env.after(work) }, c.req.param());
    },
  );

  router.notFound(() => {
    throw new Rejection("not_found");
  });

  router.onError(async (cause, c) => {
    const response = await refuse(c, cause);
    finish(c, response.headers);
    return response;
  });

  return { fetch: async (request, platform) => await router.fetch(request, platform) };
}

/** The one mapping from a refusal to an answer: the reason to the log, the table's sentence to the wire. */
async function refuse(c: Ctx, cause: unknown): Promise<Response> {
  const rejection = cause instanceof Rejection ? cause : new Rejection("server_error", { note: cause instanceof Error ? cause.name : "unknown", cause });
  const { status, error, description } = rejection.wire;
  const log = c.get("audit");
  log.write({ status, reason: rejection.reason, ...(rejection.detail.note === undefined ? {} : { note: rejection.detail.note }) });
  const retryAfter = status === 503 || status === 429 ? RETRY_AFTER_SECONDS : undefined;
  if (c.get("page")) return await errorPage(status, description, log.trace, retryAfter);
  const response = json({ error, error_description: description }, status, {
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    ...challengeOf(rejection, c.req.raw),
    ...rejection.detail.headers,
  });
  const cors = c.get("cors");
  if (cors !== undefined) await refusalForOrigin(c.req.raw, c.get("tenant"), cors, response.headers);
  return response;
}

// RFC 6749 §5.2 and RFC 6750 §3: a challenge for the scheme that the client used or should use.
function challengeOf({ reason, wire: { error, description } }: Rejection, request: Request): Record<string, string> {
  if (reason === "bearer_missing") return { "www-authenticate": 'Bearer realm="cambio"' };
  if (error === "invalid_token" || error === "insufficient_scope") return { "www-authenticate": `Bearer realm="cambio", error="${error}", error_description="${description}"` };
  if (error === "invalid_client" && request.headers.has("authorization")) return { "www-authenticate": 'Basic realm="cambio", charset="UTF-8"' };
  return {};
}

async function refuseMethod(c: Ctx, allowed: readonly string[]): Promise<Response> {
  const response = await refuse(c, new Rejection("method_not_allowed"));
  response.headers.set("allow", allowed.join(", "));
  return response;
}

// What stands on every answer. One that may be kept has no trace: it is not one request's.
function finish(c: Ctx, headers: Headers): void {
  headers.set("x-content-type-options", "nosniff");
  const kept = headers.get("cache-control");
  if (kept === null) headers.set("cache-control", "no-store");
  if (kept === null || kept === "no-store") headers.set("cambio-trace", c.get("audit").trace);
  if (c.req.url.startsWith("https:")) headers.set("strict-transport-security", "max-age=31536000; includeSubDomains");
}
