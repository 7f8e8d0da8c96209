import { Hono } from "hono";
import { type Audit, audit } from "./audit.ts";
import { authorize } from "./endpoints/authorize.ts";
import { callback } from "./endpoints/callback.ts";
import { certs } from "./endpoints/certs.ts";
import { discovery } from "./endpoints/discovery.ts";
import { alive, ready } from "./endpoints/health.ts";
import { home } from "./endpoints/home.ts";
import { introspect } from "./endpoints/introspect.ts";
import { logout } from "./endpoints/logout.ts";
import { errorPage } from "./endpoints/page.ts";
import { json } from "./endpoints/response.ts";
import { revoke } from "./endpoints/revoke.ts";
import { applyTenant, readTenant } from "./endpoints/tenant.ts";
import { token } from "./endpoints/token.ts";
import { userinfo } from "./endpoints/userinfo.ts";
import { randomId } from "./protocol/bytes.ts";
import { Rejection } from "./protocol/rejection.ts";
import type { Exchange, Service } from "./service.ts";

const RETRY_AFTER_SECONDS = 2;

type Method = "GET" | "POST" | "PUT";
type Endpoint = (exchange: Exchange, parameters: Readonly<Record<string, string>>) => Response | Promise<Response>;

/** One path, and what it does by method. `page`: a person is looking, so refusals are pages. */
interface Route {
  readonly paths: readonly string[];
  readonly page?: boolean;
  readonly methods: Readonly<Partial<Record<Method, Endpoint>>>;
}

const realm = (path: string): readonly string[] => [`/realms/:realm/${path}`, `/auth/realms/:realm/${path}`];
const openid = (path: string): readonly string[] => realm(`protocol/openid-connect/${path}`);

/** Every endpoint for applications and users. The aliases are where clients of other products look (design: endpoints). */
const ROUTES: readonly Route[] = [
  { paths: ["/"], page: true, methods: { GET: home } },
  { paths: ["/oauth2/authorize", ...openid("auth")], page: true, methods: { GET: authorize, POST: authorize } },
  { paths: ["/oauth2/callback/:idp"], page: true, methods: { GET: (exchange, { idp = "" }) => callback(exchange, idp) } },
  { paths: ["/oauth2/logout", ...openid("logout")], page: true, methods: { GET: logout, POST: logout } },
  { paths: ["/oauth2/token", "/oauth/token", "/api/v2/iauths_system/oauth2/token", ...openid("token")], methods: { POST: token } },
  { paths: ["/oauth2/introspect", ...openid("token/introspect")], methods: { POST: introspect } },
  { paths: ["/oauth2/revoke", ...openid("revoke")], methods: { POST: revoke } },
  { paths: ["/oauth2/userinfo", ...openid("userinfo")], methods: { GET: userinfo, POST: userinfo } },
  { paths: ["/oauth2/certs", "/api/v2/iauths_system/oauth2/jwks", ...openid("certs")], methods: { GET: certs } },
  { paths: ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", ...realm(".well-known/openid-configuration")], methods: { GET: discovery } },
];

interface Variables {
  readonly issuer: string;
  readonly audit: Audit;
  readonly page: boolean;
}

/** What the platform gives a request besides itself. */
interface Platform {
  after(work: Promise<unknown>): void;
}

/** Answers requests. `print` is standard output, where audit lines go. */
export interface App {
  fetch(request: Request, platform: Platform): Promise<Response>;
}

/** Puts the routes together: host, tenant, method, headers, and the one place where errors become answers. */
export function createApp(service: Service, print: (line: string) => void): App {
  const router = new Hono<{ Variables: Variables; Bindings: Platform }>();

  router.use(async (c, next) => {
    const url = new URL(c.req.url);
    c.set("audit", audit(randomId(12), service.now, print));
    c.set("page", false);
    const issuer = service.config.issuers.find((candidate) => new URL(candidate).origin === url.origin);
    if (issuer === undefined) throw new Rejection("not_found", { note: "host" });
    c.set("issuer", issuer);
    c.get("audit").note({ tenant: issuer, endpoint: url.pathname });
    await next();
    secure(c.res.headers, url.protocol === "https:");
  });

  router.get("/health/alive", () => alive());
  router.get("/health/ready", (c) => ready(service, c.get("issuer")));
  router.get("/api/v1/tenant", (c) => readTenant(service, c.get("issuer"), c.req.raw, c.get("audit")));
  router.put("/api/v1/tenant", (c) => applyTenant(service, c.get("issuer"), c.req.raw, c.get("audit")));

  for (const { paths, page = false, methods } of ROUTES) {
    for (const path of paths) {
      router.all(path, async (c) => {
        c.set("page", page);
        const endpoint = methods[c.req.method as Method];
        if (endpoint === undefined) return await refuseMethod(Object.keys(methods), c.req.raw, c.get("audit"), page);
        const tenant = await service.directory.open(c.get("issuer"), (work) => c.env.after(work));
        if (tenant === undefined || tenant.settings.disabled) throw new Rejection("tenant_unknown");
        const parameters: Record<string, string> = c.req.param();
        if (parameters.realm !== undefined && parameters.realm !== tenant.settings.realm) throw new Rejection("not_found", { note: "realm" });
        const ring = service.keys.ringOf(tenant.issuer, tenant.keys);
        return await endpoint({ service, tenant, ring, request: c.req.raw, audit: c.get("audit"), after: (work) => c.env.after(work) }, parameters);
      });
    }
  }

  router.notFound(() => {
    throw new Rejection("not_found");
  });

  router.onError(async (cause, c) => {
    const response = await refuse(cause, c.req.raw, c.get("audit"), c.get("page"));
    secure(response.headers, new URL(c.req.url).protocol === "https:");
    return response;
  });

  return { fetch: async (request, platform) => await router.fetch(request, platform) };
}

/** The one mapping from a refusal to an answer: the reason to the log, the table's sentence to the wire. */
async function refuse(cause: unknown, request: Request, log: Audit, isPage: boolean): Promise<Response> {
  const rejection = cause instanceof Rejection ? cause : new Rejection("server_error", { note: cause instanceof Error ? cause.name : "unknown", cause });
  const { status, error, description } = rejection.wire;
  log.write({ status, reason: rejection.reason, ...(rejection.detail.note === undefined ? {} : { note: rejection.detail.note }) });
  const retryAfter = status === 503 || status === 429 ? RETRY_AFTER_SECONDS : undefined;
  if (isPage) return await errorPage(status, description, log.trace, retryAfter);
  return json({ error, error_description: description }, status, {
    "cambio-trace": log.trace,
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    ...challengeOf(error, request, description),
  });
}

// RFC 6749 §5.2 and RFC 6750 §3: a challenge for the scheme that the client used or should use.
function challengeOf(error: string, request: Request, description: string): Record<string, string> {
  if (error === "invalid_token" || error === "insufficient_scope") return { "www-authenticate": `Bearer error="${error}", error_description="${description}"` };
  if (error === "invalid_client" && request.headers.has("authorization")) return { "www-authenticate": 'Basic realm="cambio", charset="UTF-8"' };
  return {};
}

async function refuseMethod(allowed: readonly string[], request: Request, log: Audit, isPage: boolean): Promise<Response> {
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { allow: allowed.join(", "), "cache-control": "no-store" } });
  const response = await refuse(new Rejection("method_not_allowed"), request, log, isPage);
  response.headers.set("allow", allowed.join(", "));
  return response;
}

function secure(headers: Headers, https: boolean): void {
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (https) headers.set("strict-transport-security", "max-age=31536000; includeSubDomains");
}
