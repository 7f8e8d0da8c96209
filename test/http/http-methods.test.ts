import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { arrive, login, operatorToken, redeem, world } from "../world.ts";
import { lastLineOf, refusal } from "./wire.ts";

beforeEach(reset);

const POST_ONLY = [
  "/oauth2/token",
  "/oauth2/introspect",
  "/oauth2/revoke",
  "/oauth/token",
  "/api/v2/iauths_system/oauth2/token",
  "/realms/demo/protocol/openid-connect/token",
  "/auth/realms/demo/protocol/openid-connect/token/introspect",
  "/realms/demo/protocol/openid-connect/revoke",
  "/realms/demo/api-access/token",
  "/oauth2/exchange/explain",
  "/oauth2/exchange/corporateidp",
  "/oauth2/token/list",
];
const READ_ONLY = ["/", "/oauth2/certs", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/health/alive", "/health/ready"];

describe("endpoints that applications post to", () => {
  it.each(POST_ONLY)("TOK-14 %s takes POST and nothing else", async (path) => {
    const w = await world();
    for (const method of ["GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]) {
      const answer = await w.fetch(path, { method });
      expect(answer.headers.get("allow")).toBe("POST");
      expect(await refusal(answer)).toBe("405 invalid_request");
    }
    const head = await w.fetch(path, { method: "HEAD" });
    expect([head.status, head.headers.get("allow"), head.headers.get("cache-control"), await head.text()]).toEqual([405, "POST", "no-store", ""]);
    expect((await w.post(path, "", ["nobody", "x"])).status).toBe(401);
  });

  it("TOK-14 TRACE gives nothing back of what was sent", async () => {
    const w = await world();
    const answer = await w.fetch("/oauth2/token?probe=in-the-url", { method: "TRACE", headers: { authorization: "Basic in-a-header", cookie: "probe=in-a-cookie" } });
    expect(`${JSON.stringify([...answer.headers])}${await answer.text()}`).not.toMatch(/in-the-url|in-a-header|in-a-cookie/);
  });

  it("touches no configuration for a method that is not taken", async () => {
    const w = await world({
      service: (s) => ({
        ...s,
        directory: {
          ...s.directory,
          open: () => {
            throw new Error("the tenant was opened");
          },
        },
      }),
    });
    expect(await refusal(await w.fetch("/oauth2/token"))).toBe("405 invalid_request");
    expect(lastLineOf(w)).toMatchObject({ status: 405, reason: "method_not_allowed", endpoint: "/oauth2/token" });
  });

  it("is not changed by a header that names another method", async () => {
    const w = await world();
    const answer = await w.fetch("/oauth2/token", { headers: { "x-http-method-override": "POST", "x-method-override": "POST", "x-http-method": "POST" } });
    expect(answer.status).toBe(405);
    expect((await w.post("/oauth2/token?_method=GET", "_httpMethod=GET", ["nobody", "x"])).status).toBe(401);
  });
});

describe("endpoints that only read", () => {
  it.each(READ_ONLY)("%s answers HEAD as GET, without the body", async (path) => {
    const w = await world();
    const [get, head] = [await w.fetch(path), await w.fetch(path, { method: "HEAD" })];
    const headers = (answer: Response) => [...answer.headers].filter(([name]) => name !== "cambio-trace");
    expect(get.status).toBe(200);
    expect([head.status, headers(head)]).toEqual([200, headers(get)]);
    expect((await get.text()).length).toBeGreaterThan(0);
    expect(await head.text()).toBe("");
  });

  it.each(READ_ONLY)("%s refuses everything else", async (path) => {
    const w = await world();
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "TRACE"]) {
      const answer = await w.fetch(path, { method });
      expect([answer.status, answer.headers.get("allow"), answer.headers.get("cache-control")]).toEqual([405, "GET, HEAD", "no-store"]);
    }
  });

  it("userinfo answers HEAD to the owner of a token, and to nobody else", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const ask = async (token: string) => await w.fetch("/oauth2/userinfo", { method: "HEAD", headers: { authorization: `Bearer ${token}` } });
    expect([(await ask(access_token)).status, (await ask("junk")).status]).toEqual([200, 401]);
    expect((await w.fetch("/oauth2/userinfo", { method: "PUT" })).headers.get("allow")).toBe("GET, HEAD, POST");
  });

  it("the operators' API names its methods, and HEAD needs a token for HEAD", async () => {
    const w = await world();
    expect((await w.fetch("/api/v1/tenant", { method: "DELETE" })).headers.get("allow")).toBe("GET, HEAD, PUT");
    const ask = async (signed: string) => {
      const authorization = `Bearer ${await operatorToken("http://localhost:8787", signed, "/api/v1/tenant")}`;
      return (await w.fetch("/api/v1/tenant", { method: "HEAD", headers: { authorization } })).status;
    };
    expect([await ask("HEAD"), await ask("GET")]).toEqual([200, 401]);
  });
});

describe("endpoints where GET changes something", () => {
  it.each(["/oauth2/authorize", "/oauth2/logout", "/saml2/idp/sso", "/saml2/idp/slo", "/saml2/sp/slo"])("%s refuses HEAD, which never may", async (path) => {
    const w = await world();
    const head = await w.fetch(`${path}?client_id=web-app`, { method: "HEAD" });
    expect([head.status, head.headers.get("allow"), head.headers.get("cache-control"), await head.text()]).toEqual([405, "GET, POST", "no-store", ""]);
  });

  it("a HEAD at the callback, as a scanner of links sends it, does not use the login up", async () => {
    const w = await world();
    const before = w.idp.login;
    w.idp.login = (url, user, parameters) => {
      const callback = before(url, user, parameters);
      heads.push(w.fetch(callback, { method: "HEAD" }));
      return callback;
    };
    const heads: Promise<Response>[] = [];
    const arrived = await arrive(w, "web-app");
    const [head] = await Promise.all(heads);
    expect([head?.status, head?.headers.get("allow")]).toEqual([405, "GET"]);
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
  });

  it("shows a person a page when the method is not taken", async () => {
    const w = await world();
    for (const path of ["/oauth2/authorize", "/oauth2/logout", "/oauth2/callback/corp", "/"]) {
      const answer = await w.fetch(path, { method: "DELETE" });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([405, "text/html; charset=utf-8"]);
    }
  });
});
