import type { Context } from "hono";
import { HonoBase } from "hono/hono-base";
import { type Audit, audit } from "./audit.ts";
import { options, refusalForOrigin } from "./endpoints/cors.ts";
import { DEPLOYMENT_ROUTES, endpointOf, methodsOf, type Route, TENANT_ROUTES } from "./endpoints/index.ts";
import { errorPage } from "./endpoints/page.ts";
import { json } from "./endpoints/response.ts";
import { PathTable } from "./path-table.ts";
import { randomId } from "./protocol/bytes.ts";
import { Rejection } from "./protocol/rejection.ts";
import type { Service } from "./service.ts";
import type { Tenant } from "./storage/tenant-directory.ts";

const RETRY_AFTER_SECONDS = 2;

/** What the platform gives a request besides itself. */
interface Platform {
  readonly after: (work: Promise<unknown>) => void;
}

type Ctx = Context<{ Bindings: Platform }>;

/** Answers requests. `print` is standard output, where audit lines go. */
export interface App {
  fetch(request: Request, platform: Platform): Response | Promise<Response>;
}

/** One request on its way; what is found out about it is kept here, so that a refusal can be shaped by it. */
interface Visit {
  readonly request: Request;
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly log: Audit;
  readonly after: (work: Promise<unknown>) => void;
  issuer: string;
  route?: Route<unknown>;
  tenant?: Tenant | undefined;
}

interface Host {
  readonly issuer: string;
  readonly isAlias: boolean;
}

/** Puts the routes together: host, tenant, method, headers, and the one place where errors become answers. */
export function createApp(service: Service, print: (line: string) => void): App {
  const router = new HonoBase<{ Bindings: Platform }>({ router: new PathTable() });
  const { issuers, mtlsAliases } = service.config;
  const hosts = new Map<string, Host>(issuers.map((issuer) => [new URL(issuer).origin, { issuer, isAlias: false }]));
  for (const [issuer, alias] of mtlsAliases) hosts.set(alias, { issuer, isAlias: true });

  // The one handler of a path: with nothing before it Hono has nothing to put together.
  async function answer(c: Ctx, route: Route<unknown> | undefined, work: (visit: Visit) => Promise<Response>): Promise<Response> {
    const { raw: request } = c.req;
    const visit: Visit = { request, url: request.url, parameters: c.req.param(), log: audit(randomId(12), service.now, print), after: c.env.after, issuer: "" };
    let response: Response;
    try {
      const host = hostOf(visit.url, hosts);
      if (host === undefined) throw new Rejection("not_found", { note: "host" });
      visit.issuer = host.issuer;
      visit.log.note({ tenant: host.issuer });
      if (route !== undefined) visit.route = route;
      // A browser that is asked for a certificate asks its user: nobody logs in there.
      if (host.isAlias && route?.page) throw new Rejection("not_found", { note: "alias" });
      response = await work(visit);
    } catch (cause) {
      response = await refuse(visit, cause);
    }
    finish(visit, response.headers);
    return response;
  }

  // `open` finds the tenant; undefined for what answers without one.
  function mount<Endpoint>(
    routes: readonly Route<Endpoint>[],
    open: (visit: Visit) => Promise<Tenant> | undefined,
    ask: (endpoint: Endpoint, visit: Visit) => Response | Promise<Response>,
  ): void {
    for (const route of routes) {
      for (const path of route.paths) {
        const work = async (visit: Visit): Promise<Response> => {
          // The pattern, never the path: what stands in a path is anybody's text.
          visit.log.note({ endpoint: path });
          const { method } = visit.request;
          const endpoint = endpointOf(route, method);
          if (endpoint === undefined && method !== "OPTIONS") return await refuseMethod(visit, methodsOf(route));
          visit.tenant = await open(visit);
          return await (endpoint === undefined ? options(visit.request, visit.tenant, route.cors, methodsOf(route)) : ask(endpoint, visit));
        };
        router.all(path, (c) => answer(c, route, work));
      }
    }
  }

  mount(
    DEPLOYMENT_ROUTES,
    () => undefined,
    (endpoint, { issuer, request, log }) => endpoint({ service, issuer, request, audit: log }),
  );

  mount(
    TENANT_ROUTES,
    async ({ issuer, parameters: { realm }, after }) => {
      const tenant = await service.directory.open(issuer, after);
      if (tenant === undefined || tenant.settings.disabled) throw new Rejection("tenant_unknown");
      if (realm !== undefined && realm !== tenant.settings.realm) throw new Rejection("not_found", { note: "realm" });
      return tenant;
    },
    (endpoint, visit) => {
      const { request, log, after, parameters } = visit;
      const tenant = visit.tenant as Tenant;
      return endpoint({ service, tenant, ring: service.keys.ringOf(tenant.issuer, tenant.keys), request, audit: log, after }, parameters);
    },
  );

  router.notFound((c) =>
    answer(c, undefined, () => {
      throw new Rejection("not_found");
    }),
  );

  return router;
}

// The URL as the platform gives it begins with an origin as we know it; whatever else means the same is parsed.
function hostOf(url: string, hosts: ReadonlyMap<string, Host>): Host | undefined {
  return hosts.get(url.slice(0, url.indexOf("/", "https://".length))) ?? hosts.get(new URL(url).origin);
}

/** The one mapping from a refusal to an answer: the reason to the log, the table's sentence to the wire. */
async function refuse({ request, route, tenant, log }: Visit, cause: unknown): Promise<Response> {
  const rejection = cause instanceof Rejection ? cause : new Rejection("server_error", { note: cause instanceof Error ? cause.name : "unknown", cause });
  const { status, error, description } = rejection.wire;
  log.write({ status, reason: rejection.reason, ...(rejection.detail.note === undefined ? {} : { note: rejection.detail.note }) });
  const retryAfter = status === 503 || status === 429 ? RETRY_AFTER_SECONDS : undefined;
  if (route?.page) return await errorPage(status, description, log.trace, retryAfter);
  const response = json({ error, error_description: description }, status, {
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    ...challengeOf(rejection, request),
    ...rejection.detail.headers,
  });
  if (route?.cors !== undefined) await refusalForOrigin(request, tenant, route.cors, response.headers);
  return response;
}

// RFC 6749 §5.2 and RFC 6750 §3: a challenge for the scheme that the client used or should use.
function challengeOf({ reason, wire: { error, description } }: Rejection, request: Request): Record<string, string> {
  if (reason === "bearer_missing") return { "www-authenticate": 'Bearer realm="cambio"' };
  if (error === "invalid_token" || error === "insufficient_scope") return { "www-authenticate": `Bearer realm="cambio", error="${error}", error_description="${description}"` };
  if (error === "invalid_client" && request.headers.has("authorization")) return { "www-authenticate": 'Basic realm="cambio", charset="UTF-8"' };
  return {};
}

async function refuseMethod(visit: Visit, allowed: readonly string[]): Promise<Response> {
  const response = await refuse(visit, new Rejection("method_not_allowed"));
  response.headers.set("allow", allowed.join(", "));
  return response;
}

// What stands on every answer. One that may be kept has no trace: it is not one request's.
function finish({ url, log }: Visit, headers: Headers): void {
  headers.set("x-content-type-options", "nosniff");
  const kept = headers.get("cache-control");
  if (kept === null) headers.set("cache-control", "no-store");
  if (kept === null || kept === "no-store") headers.set("cambio-trace", log.trace);
  if (url.startsWith("https:")) headers.set("strict-transport-security", "max-age=31536000; includeSubDomains");
}
