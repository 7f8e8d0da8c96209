import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { login, type World, world } from "../world.ts";
import { lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const GRANT = "grant_type=client_credentials";

const THE_TOKEN_ENDPOINT = [
  "/oauth2/%74oken",
  "/oauth2/introspect/../token",
  "/oauth2/./token",
  "/oauth2\\token",
  "/%6fauth2/token",
  "/x/../oauth2/token",
  "/oauth2/introspect/%2e%2e/token",
  "/oauth2/token#x",
];
const NO_TOKEN_ENDPOINT = [
  "/oauth2//token",
  "//oauth2/token",
  "/oauth2/token/",
  "/OAUTH2/TOKEN",
  "/oauth2/Token",
  "/oauth2/token%20",
  "/oauth2/token%00",
  "/oauth2%2Ftoken",
  "/oauth2%2ftoken",
  "/oauth2%5Ctoken",
  "/oauth2/%2574oken",
  "/oauth2/token;a=b",
  "/oauth2/token.",
  "/oauth2/token/x.css",
  "/oauth2/token/.well-known",
  "/oauth2/token%3Fx",
  "/oauth2/tok%65n%",
  "/oauth2/%C0%AEtoken",
  "/oauth2/toke%EF%BD%8E",
  "/;/oauth2/token",
  "/http://localhost:8787/oauth2/token",
];
const LIKE_FILES = [
  "/oauth2/userinfo;x.js",
  "/oauth2/userinfo/x.css",
  "/oauth2/userinfo.js",
  "/oauth2/userinfo%3Bx.js",
  "/oauth2/userinfo%0A.css",
  "/oauth2/userinfo%23x.css",
  "/oauth2/authorize/x.png",
  "/oauth2/logout/x.ico",
];
const NO_REALMS = ["Demo", "demo2", "dem", "demo%2F..", "..%2Fdemo", "demo%00", "demo%20", "%E2%80%8Bdemo", "ｄemo", "master"];
const ODD_REALMS = ["__proto__", "undefined", "null", "*", ":realm", "%zz", "d".repeat(300), "demo/x"];
const NOT_THERE = [
  ...["/__scheduled", "/cdn-cgi/handler/scheduled", "/debug", "/metrics", "/test", "/admin"],
  ...["/.env", "/.dev.vars", "/.git/config", "/index.ts", "/index.js.map", "/src/index.ts", "/wrangler.toml", "/package.json"],
  ...["/swagger", "/openapi.json", "/api", "/api/v1", "/api/v1/", "/api/v1/tenants", "/api/v1/tenant/", "/api/v1/tenant/x", "/api/v2/tenant"],
  ...["/health", "/favicon.ico", "/robots.txt", "/oauth2", "/oauth2/register", "/oauth2/device_authorization", "/oauth2/par"],
  ...["/realms/demo", "/realms/demo/protocol/openid-connect/", "/.well-known/", "/.well-known/jwks.json"],
];

/** What each path answers, so that a failure names the path. */
async function answers(paths: readonly string[], ask: (path: string) => Promise<Response>): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const path of paths) seen.push(`${path} ${await refusal(await ask(path))}`);
  return seen;
}

const notFound = (paths: readonly string[]) => paths.map((path) => `${path} 404 not_found`);

describe("spellings of the token endpoint", () => {
  it.each(THE_TOKEN_ENDPOINT)("TOK-30 %s is it, with the same authentication, limits and headers", async (path) => {
    const w = await world();
    expect((await w.post(path, GRANT, WORKER)).status).toBe(200);
    expect(await refusal(await w.post(path, GRANT, ["billing-worker", "wrong"]))).toBe("401 invalid_client");
    expect(await refusal(await w.post(path, "a".repeat(70_000), WORKER))).toBe("413 invalid_request");
    expect(await refusal(await w.post(path, GRANT, WORKER, { "content-type": "text/plain" }))).toBe("400 invalid_request");
    expect((await w.fetch(path)).headers.get("allow")).toBe("POST");
  });

  it("TOK-30 HTTP-08 that the URL standard does not make it are nothing, and are not logged", async () => {
    const w = await world();
    const before = w.lines.length;
    expect(await answers(NO_TOKEN_ENDPOINT, (path) => w.post(path, GRANT, WORKER))).toEqual(notFound(NO_TOKEN_ENDPOINT));
    expect(w.lines).toHaveLength(before + NO_TOKEN_ENDPOINT.length);
    expect(lastLineOf(w)).toEqual(expect.objectContaining({ status: 404, reason: "not_found" }));
    expect(w.lines.slice(before).join()).not.toMatch(/token/i);
  });
});

describe("what a cache could take for a file", () => {
  it("HTTP-08 is 404 and not to be kept, whoever asks", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const ask = (path: string) => w.fetch(path, { headers: { authorization: `Bearer ${access_token}` } });
    expect(await answers(LIKE_FILES, ask)).toEqual(notFound(LIKE_FILES));
    expect((await ask("/oauth2/userinfo")).status).toBe(200);
  });

  it("HTTP-08 is not made by a query: the answer is not to be kept", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    for (const query of ["?x=.css", "?.js", "?/x.png"]) {
      const answer = await w.fetch(`/oauth2/userinfo${query}`, { headers: { authorization: `Bearer ${access_token}` } });
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
      expect((await w.post(`/oauth2/token${query}`, GRANT, WORKER)).headers.get("cache-control")).toBe("no-store");
    }
    const page = await w.fetch("/oauth2/callback/x.css?state=a");
    expect([page.status, page.headers.get("cache-control")]).toEqual([400, "no-store"]);
  });
});

describe("the realm in a path", () => {
  const grant = async (w: World, realm: string) => (await w.post(`/realms/${realm}/protocol/openid-connect/token`, GRANT, WORKER)).status;

  it("is the tenant's own, letter by letter", async () => {
    const w = await world();
    expect([await grant(w, "demo"), await grant(w, "%64emo")]).toEqual([200, 200]);
    for (const prefix of ["/realms/demo", "/auth/realms/demo"]) expect((await w.fetch(`${prefix}/.well-known/openid-configuration`)).status).toBe(200);
  });

  it("HTTP-19 is no other word", async () => {
    const w = await world();
    const realms = [...NO_REALMS, ...ODD_REALMS];
    expect(await answers(realms, (realm) => w.post(`/realms/${realm}/protocol/openid-connect/token`, GRANT, WORKER))).toEqual(notFound(realms));
    expect(await answers(realms, (realm) => w.fetch(`/auth/realms/${realm}/.well-known/openid-configuration`))).toEqual(notFound(realms));
    expect(await answers(realms, (realm) => w.fetch(`/.well-known/openid-configuration/realms/${realm}`))).toEqual(notFound(realms));
  });

  it("is nothing at all for a tenant that declares none", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file, { realm: undefined });
      },
    });
    expect([await grant(w, "demo"), await grant(w, "undefined"), await grant(w, "")]).toEqual([404, 404, 404]);
    expect((await w.post("/oauth2/token", GRANT, WORKER)).status).toBe(200);
  });
});

describe("debugging, sources, other APIs", () => {
  it("HTTP-18 are not there", async () => {
    const w = await world();
    expect(await answers(NOT_THERE, (path) => w.fetch(path))).toEqual(notFound(NOT_THERE));
    expect(await answers(NOT_THERE, (path) => w.post(path, GRANT, WORKER))).toEqual(notFound(NOT_THERE));
  });
});
