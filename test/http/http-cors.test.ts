import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { ISSUER, login, refresh, type World, world } from "../world.ts";
import { WORKER } from "./wire.ts";

beforeEach(reset);

const APP = "https://app.example.com";
const WEB = "https://web.example.com:8443";
const DECLARED = ["/oauth2/token", "/oauth2/revoke", "/oauth2/userinfo", "/oauth2/introspect", "/realms/demo/protocol/openid-connect/token", "/oauth/token"];
const PUBLIC = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/certs", "/api/v2/iauths_system/oauth2/jwks"];
const CLOSED = [
  "/",
  "/oauth2/authorize",
  "/oauth2/logout",
  "/oauth2/callback/corp",
  "/saml2/idp/sso",
  "/saml2/idp/slo",
  "/saml2/sp/slo",
  "/oauth2/exchange/explain",
  "/oauth2/exchange/corporateidp",
  "/oauth2/token/list",
  "/api/v1/tenant",
  "/health/alive",
  "/health/ready",
];
const STRANGE = [
  "https://evil.example.com",
  "null",
  "",
  "*",
  "https://app.example.com.evil.example",
  "https://evil-app.example.com",
  "https://x.app.example.com",
  "http://app.example.com",
  "https://app.example.com:443",
  "https://app.example.com:8443",
  "https://app.example.com/",
  "https://APP.example.com",
  "https://app.example.com, https://evil.example.com",
  "https://app.example.com https://evil.example.com",
  "https://app.example.com%00",
  "https://web.example.com",
  "app.example.com",
  "file://",
  "https://user@app.example.com",
  "https://app.example.com?",
  `https://${"a".repeat(5000)}.example.com`,
  ISSUER,
];

/** Two clients with origins of their own, and one without. */
const declaring = () =>
  world({
    tenant: (file) => {
      Object.assign(file.clients["mobile-app"], { corsOrigins: [APP] });
      Object.assign(file.clients["web-app"], { corsOrigins: [WEB] });
    },
  });

const preflight = (w: World, path: string, origin: string, method = "POST") =>
  w.fetch(path, {
    method: "OPTIONS",
    headers: { ...(origin === "" ? {} : { origin }), "access-control-request-method": method, "access-control-request-headers": "authorization" },
  });

/** What an answer says about other origins. Which headers they may send and read is said only to those that may. */
function cors(answer: Response): Record<string, string> {
  const all = [...answer.headers].filter(([name]) => name.startsWith("access-control-") || name === "vary");
  const isAllowed = answer.headers.has("access-control-allow-origin");
  return Object.fromEntries(all.filter(([name]) => !isAllowed || !/^access-control-(allow|expose)-headers$/.test(name)));
}

describe("a preflight", () => {
  it.each(DECLARED)("HTTP-09 is answered at %s for an origin that a client declares", async (path) => {
    const w = await declaring();
    for (const origin of [APP, WEB]) {
      const answer = await preflight(w, path, origin);
      expect([answer.status, answer.headers.get("cache-control"), await answer.text()]).toEqual([204, "no-store", ""]);
      expect(answer.headers.get("access-control-allow-headers")).toMatch(/^Authorization, Content-Type\b/);
      expect(cors(answer)).toEqual({
        "access-control-allow-origin": origin,
        "access-control-allow-methods": path.endsWith("userinfo") ? "GET, HEAD, POST" : "POST",
        "access-control-max-age": "600",
        vary: "Origin",
      });
    }
  });

  it("HTTP-09 tells any other origin nothing", async () => {
    const w = await declaring();
    for (const origin of STRANGE) {
      for (const path of DECLARED) {
        const answer = await preflight(w, path, origin);
        expect([origin, answer.status, cors(answer)]).toEqual([origin, 204, { vary: "Origin" }]);
      }
    }
  });

  it("HTTP-10 is answered for everyone at the discovery documents and the key set, without credentials", async () => {
    const w = await declaring();
    for (const path of PUBLIC) {
      expect(cors(await preflight(w, path, "https://evil.example.com", "GET"))).toEqual({
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, HEAD",
        "access-control-max-age": "600",
      });
    }
  });

  it("is answered for nobody where a person or an operator comes in", async () => {
    const w = await declaring();
    for (const path of CLOSED) {
      for (const origin of [APP, "https://evil.example.com", ISSUER]) {
        const answer = await preflight(w, path, origin);
        expect([answer.status, cors(answer), answer.headers.has("allow")]).toEqual([204, {}, true]);
      }
    }
  });

  it("follows what is declared now: an origin that is declared no more is told nothing, others stay", async () => {
    const file = demoTenant();
    const clients = file.clients as Record<string, object>;
    const w = await declaring();
    const withOrigins = (app: string[], web: string[]) => {
      Object.assign(clients["mobile-app"] ?? {}, { corsOrigins: app });
      Object.assign(clients["web-app"] ?? {}, { corsOrigins: web });
      return w.apply(file);
    };
    const allowed = async (origin: string) => (await preflight(w, "/oauth2/token", origin)).headers.has("access-control-allow-origin");
    expect((await withOrigins([APP, WEB], [WEB])).status).toBe(200);
    expect([await allowed(APP), await allowed(WEB)]).toEqual([true, true]);
    await withOrigins([APP], [WEB]);
    expect([await allowed(APP), await allowed(WEB)]).toEqual([true, true]);
    await withOrigins([], [WEB]);
    expect([await allowed(APP), await allowed(WEB)]).toEqual([false, true]);
  });

  it("keeps the origins of a client that a file leaves out, as it keeps the client, until it is pruned", async () => {
    const w = await declaring();
    const file = demoTenant();
    delete (file.clients as Partial<typeof file.clients>)["web-app"];
    file.clients["mobile-app"].trustedForHandoff = [];
    file.permissions = file.permissions.filter(({ consumer }) => consumer !== "web-app");
    const allowed = async (origin: string) => (await preflight(w, "/oauth2/token", origin)).headers.has("access-control-allow-origin");
    expect((await w.apply(file)).status).toBe(200);
    expect([await allowed(APP), await allowed(WEB)]).toEqual([false, true]);
    expect((await w.apply(file, "?prune=true")).status).toBe(200);
    expect([await allowed(APP), await allowed(WEB)]).toEqual([false, false]);
  });
});

describe("an answer", () => {
  it("HTTP-09 may be read by the origins of its own client, and never with credentials", async () => {
    const w = await declaring();
    const tokens = await login(w, "mobile-app");
    const form = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: tokens.refresh_token };
    const read = async (origin: string) => [
      cors(await w.post("/oauth2/token", form, undefined, { origin })),
      cors(await w.post("/oauth2/revoke", { token: "junk", client_id: "mobile-app" }, undefined, { origin })),
      cors(await w.fetch("/oauth2/userinfo", { headers: { origin, authorization: `Bearer ${tokens.access_token}` } })),
    ];
    const allowed = { "access-control-allow-origin": APP, vary: "Origin" };
    expect(await read(APP)).toEqual([allowed, allowed, allowed]);
    for (const origin of [WEB, "https://evil.example.com", "null"]) expect(await read(origin)).toEqual([{ vary: "Origin" }, { vary: "Origin" }, { vary: "Origin" }]);
    const introspected = await w.post("/oauth2/introspect", { token: tokens.access_token }, ["web-app", "web-app-secret"], { origin: WEB });
    expect(cors(introspected)).toEqual({ "access-control-allow-origin": WEB, vary: "Origin" });
  });

  it("varies by origin also where none was sent", async () => {
    const w = await declaring();
    expect(cors(await w.post("/oauth2/token", "grant_type=client_credentials", WORKER))).toEqual({ vary: "Origin" });
    expect(cors(await w.post("/oauth2/token", "grant_type=nonsense", WORKER))).toEqual({ vary: "Origin" });
  });

  it("that refuses may be read by the declared origins, so that an app learns why", async () => {
    const w = await declaring();
    const refused = await w.post("/oauth2/token", { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: "junk" }, undefined, { origin: APP });
    expect([refused.status, cors(refused)]).toEqual([400, { "access-control-allow-origin": APP, vary: "Origin" }]);
    const unknown = await w.fetch("/oauth2/userinfo", { headers: { origin: APP, authorization: "Bearer junk" } });
    expect([unknown.status, cors(unknown)]).toEqual([401, { "access-control-allow-origin": APP, vary: "Origin" }]);
  });

  it("HTTP-09 that refuses may not be read by any other origin", async () => {
    const w = await declaring();
    for (const origin of STRANGE) {
      const headers: Record<string, string> = origin === "" ? {} : { origin };
      for (const path of DECLARED) expect([origin, cors(await w.post(path, "grant_type=x&token=x", ["nobody", "x"], headers))]).toEqual([origin, { vary: "Origin" }]);
    }
  });

  it("HTTP-10 may be read by everyone where it is the same for everyone", async () => {
    const w = await declaring();
    for (const path of PUBLIC) {
      expect(cors(await w.fetch(path, { headers: { origin: "https://evil.example.com" } }))).toEqual({ "access-control-allow-origin": "*" });
      expect(cors(await w.fetch(path))).toEqual({ "access-control-allow-origin": "*" });
    }
  });

  it("may be read by nobody's script where a person or an operator comes in", async () => {
    const w = await declaring();
    const { cookie } = await login(w, "web-app");
    for (const path of CLOSED) expect(cors(await w.fetch(path, { headers: { origin: APP, cookie } }))).toEqual({});
  });
});

describe("when the configuration cannot be asked", () => {
  it("a refusal stays the refusal that it is, whatever origin was sent", async () => {
    const w = await world({
      service: (s) => ({
        ...s,
        directory: {
          ...s.directory,
          open: async (issuer, after) => {
            const tenant = await s.directory.open(issuer, after);
            return tenant && { ...tenant, declaresOrigin: () => Promise.reject(new Error("unreachable")) };
          },
        },
      }),
    });
    const refused = await w.post("/oauth2/token", { grant_type: "x" }, ["nobody", "x"], { origin: APP });
    expect([refused.status, cors(refused)]).toEqual([401, { vary: "Origin" }]);
    const tokens = await login(w, "mobile-app");
    expect((await refresh(w, "mobile-app", tokens.refresh_token)).status).toBe(200);
  });
});
