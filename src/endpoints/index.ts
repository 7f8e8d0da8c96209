import type { Audit } from "../audit.ts";
import type { Exchange, Service } from "../service.ts";
import { API_ROUTES } from "./api/index.ts";
import { openApi } from "./api/openapi.ts";
import { apiAccess } from "./api-access.ts";
import { authorize } from "./authorize.ts";
import { backchannelLogout } from "./backchannel-logout.ts";
import { callback } from "./callback.ts";
import { certs } from "./certs.ts";
import { corporateIdp } from "./corporate-idp.ts";
import type { Cors } from "./cors.ts";
import { discovery } from "./discovery.ts";
import { explain } from "./explain.ts";
import { alive, ready } from "./health.ts";
import { home } from "./home.ts";
import { introspect } from "./introspect.ts";
import { logout } from "./logout.ts";
import { revoke } from "./revoke.ts";
import { samlAcs } from "./saml-acs.ts";
import { samlIdp } from "./saml-idp.ts";
import { samlMetadata } from "./saml-metadata.ts";
import { samlSlo } from "./saml-slo.ts";
import { samlSpSlo } from "./saml-sp-slo.ts";
import { applyTenant, readTenant } from "./tenant.ts";
import { token } from "./token.ts";
import { tokenList } from "./token-list.ts";
import { userinfo } from "./userinfo.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** One endpoint: its paths, and what it does by method. */
export interface Route<Endpoint> {
  readonly paths: readonly string[];
  readonly methods: Readonly<Partial<Record<Method, Endpoint>>>;
  /** A person is looking, so refusals are pages. */
  readonly page?: boolean;
  /** GET changes something, as OAuth has it; HEAD, which never may (RFC 9110 §9.2.1), is refused. */
  readonly changes?: boolean;
  /** Left out: no script of another origin. */
  readonly cors?: Cors;
}

/** A request that needs no tenant: for what answers before there is one. */
export interface DeploymentRequest {
  readonly service: Service;
  readonly issuer: string;
  readonly request: Request;
  readonly audit: Audit;
}

/** An endpoint of the deployment. */
export type DeploymentEndpoint = (asked: DeploymentRequest) => Response | Promise<Response>;

/** An endpoint of a tenant; `parameters` are those of the path. */
export type TenantEndpoint = (exchange: Exchange, parameters: Readonly<Record<string, string>>) => Response | Promise<Response>;

/** The endpoints of the deployment: health, and the operators' way in. */
export const DEPLOYMENT_ROUTES: readonly Route<DeploymentEndpoint>[] = [
  { paths: ["/health/alive"], methods: { GET: () => alive() } },
  { paths: ["/health/ready"], methods: { GET: ({ service, issuer }) => ready(service, issuer) } },
  {
    paths: ["/api/v1/tenant"],
    methods: {
      GET: ({ service, issuer, request, audit }) => readTenant(service, issuer, request, audit),
      PUT: ({ service, issuer, request, audit }) => applyTenant(service, issuer, request, audit),
    },
  },
  { paths: ["/api/v1/openapi.json"], cors: "any", methods: { GET: ({ service, issuer }) => openApi(service, issuer) } },
];

const realm = (path: string): readonly string[] => [`/realms/:realm/${path}`, `/auth/realms/:realm/${path}`];
const openid = (path: string): readonly string[] => realm(`protocol/openid-connect/${path}`);
// OpenID Connect puts the words behind the issuer, RFC 8414 §3.1 between its host and its path.
const wellKnown = (name: string): readonly string[] => [`/.well-known/${name}`, `/.well-known/${name}/realms/:realm`];

/** The endpoints for applications and users. The aliases are where clients of other products look (design: endpoints). */
export const TENANT_ROUTES: readonly Route<TenantEndpoint>[] = [
  { paths: ["/"], page: true, methods: { GET: home } },
  { paths: ["/oauth2/authorize", ...openid("auth")], page: true, changes: true, methods: { GET: authorize, POST: authorize } },
  { paths: ["/oauth2/callback/:idp"], page: true, changes: true, methods: { GET: (exchange, { idp = "" }) => callback(exchange, idp) } },
  { paths: ["/oauth2/backchannel-logout/:idp"], methods: { POST: (exchange, { idp = "" }) => backchannelLogout(exchange, idp) } },
  { paths: ["/oauth2/logout", ...openid("logout")], page: true, changes: true, methods: { GET: logout, POST: logout } },
  { paths: ["/oauth2/token", "/oauth/token", "/api/v2/iauths_system/oauth2/token", ...openid("token")], cors: "declared", methods: { POST: token } },
  { paths: realm("api-access/token"), methods: { POST: apiAccess } },
  { paths: ["/oauth2/exchange/corporateidp"], methods: { POST: corporateIdp } },
  { paths: ["/oauth2/exchange/explain"], methods: { POST: explain } },
  { paths: ["/oauth2/token/list"], methods: { POST: tokenList } },
  { paths: ["/saml2/idp/sso"], page: true, changes: true, methods: { GET: samlIdp, POST: samlIdp } },
  { paths: ["/saml2/idp/slo"], page: true, changes: true, methods: { GET: samlSlo, POST: samlSlo } },
  { paths: ["/saml2/sp/acs"], page: true, methods: { POST: samlAcs } },
  { paths: ["/saml2/sp/slo"], page: true, changes: true, methods: { GET: samlSpSlo, POST: samlSpSlo } },
  { paths: ["/saml2/metadata"], cors: "any", methods: { GET: samlMetadata } },
  { paths: ["/oauth2/introspect", ...openid("token/introspect")], cors: "declared", methods: { POST: introspect } },
  { paths: ["/oauth2/revoke", ...openid("revoke")], cors: "declared", methods: { POST: revoke } },
  { paths: ["/oauth2/userinfo", ...openid("userinfo")], cors: "declared", methods: { GET: userinfo, POST: userinfo } },
  { paths: ["/oauth2/certs", "/api/v2/iauths_system/oauth2/jwks", ...openid("certs")], cors: "any", methods: { GET: certs } },
  {
    paths: [...wellKnown("openid-configuration"), ...wellKnown("oauth-authorization-server"), ...realm(".well-known/openid-configuration")],
    cors: "any",
    methods: { GET: discovery },
  },
  ...API_ROUTES,
];

/** The methods that a route takes. */
export function methodsOf({ methods, changes = false }: Route<unknown>): readonly string[] {
  return Object.keys(methods).flatMap((method) => (method === "GET" && !changes ? ["GET", "HEAD"] : [method]));
}

/** What a route does on a method; undefined when it does not take it. HEAD is GET, and the answer's body is left out later. */
export function endpointOf<Endpoint>(route: Route<Endpoint>, method: string): Endpoint | undefined {
  if (method === "HEAD") return route.changes ? undefined : route.methods.GET;
  return Object.hasOwn(route.methods, method) ? route.methods[method as Method] : undefined;
}
