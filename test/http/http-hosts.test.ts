import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { readConfig } from "../../src/config.ts";
import type { Service } from "../../src/service.ts";
import { basic, ISSUER, introspect, login, operatorToken, payloadOf, world } from "../world.ts";
import { onHttps } from "./login-steps.ts";
import { bytesOfAnswer, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const HTTPS = "https://id.example.com";
const OTHER = "https://other.example.com";

/** A service whose every storage counts what it is asked. */
function counting(calls: string[]) {
  const count = <T extends object>(name: string, part: T): T =>
    new Proxy(part, {
      get: (target, member) => {
        const value = Reflect.get(target, member) as unknown;
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          calls.push(`${name}.${String(member)}`);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  return (s: Service): Service => ({
    ...s,
    families: count("families", s.families),
    users: count("users", s.users),
    singleUse: count("singleUse", s.singleUse),
    tenants: count("tenants", s.tenants),
    directory: count("directory", s.directory),
    copies: count("copies", s.copies),
    keys: count("keys", s.keys),
    providers: count("providers", s.providers),
  });
}

describe("a host that is no issuer's", () => {
  it.each([
    "http://evil.example.com",
    "http://localhost",
    "http://localhost:8788",
    "https://localhost:8787",
    "http://127.0.0.1:8787",
    "http://[::1]:8787",
    "http://localhost.:8787",
    "http://x.localhost:8787",
    "http://localhost.evil.example.com:8787",
    "http://id.example.com",
    "https://id.example.com:444",
    "https://id.example.com.",
    "https://www.id.example.com",
    "https://id.example.com.evil.example",
    "https://evil-id.example.com",
    "https://idxexample.com",
    "https://іd.example.com",
  ])("is 404 before any storage is touched, on every path: %s", async (origin) => {
    const calls: string[] = [];
    const w = await world({ service: counting(calls) });
    calls.length = 0;
    const answers = [
      await w.post(`${origin}/oauth2/token`, "grant_type=client_credentials", WORKER),
      await w.fetch(`${origin}/.well-known/openid-configuration`),
      await w.fetch(`${origin}/oauth2/authorize?client_id=web-app`),
      await w.fetch(`${origin}/`),
      await w.fetch(`${origin}/health/ready`),
      await w.fetch(`${origin}/api/v1/tenant`, { headers: { authorization: `Bearer ${await operatorToken(origin, "GET", "/api/v1/tenant")}` } }),
      await w.fetch(`${origin}/oauth2/token`, { method: "OPTIONS", headers: { origin: "https://evil.example.com", "access-control-request-method": "POST" } }),
    ];
    for (const answer of answers) expect(await refusal(answer)).toBe("404 not_found");
    expect(calls).toEqual([]);
  });

  it("is spelled as URLs are: case and a default port make no other host", async () => {
    const w = await world(onHttps());
    for (const origin of ["https://ID.EXAMPLE.COM", "https://id.example.com:443", "HTTPS://id.example.com"]) {
      expect(await (await w.fetch(`${origin}/.well-known/openid-configuration`)).json()).toMatchObject({ issuer: HTTPS });
    }
  });
});

describe("what a proxy claims", () => {
  const CLAIMS = ["x-forwarded-host", "x-forwarded-server", "x-original-host", "x-host", "host", "x-original-url", "x-rewrite-url", "forwarded"];

  it("is never read: no header chooses another issuer, or shows in a URL that we print", async () => {
    const w = await world();
    const headers = Object.fromEntries([
      ...CLAIMS.map((name) => [name, "other.example.com"]),
      ["x-forwarded-proto", "https"],
      ["x-forwarded-port", "1"],
      ["forwarded", "host=evil;proto=https"],
    ]);
    const plain = await w.fetch("/.well-known/openid-configuration");
    const claimed = await w.fetch("/.well-known/openid-configuration", { headers });
    expect(await bytesOfAnswer(claimed)).toBe(await bytesOfAnswer(plain));
    const begun = await w.fetch(
      `/oauth2/authorize?${new URLSearchParams({ client_id: "web-app", response_type: "code", code_challenge: "a".repeat(43), code_challenge_method: "S256", state: "s" })}`,
      { headers },
    );
    expect(new URL(begun.headers.get("location") ?? "").searchParams.get("redirect_uri")).toBe(`${ISSUER}/oauth2/callback/corp`);
    expect(begun.headers.has("strict-transport-security")).toBe(false);
    const issued = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER, headers);
    expect(payloadOf(((await issued.json()) as { access_token: string }).access_token).iss).toBe(ISSUER);
  });

  it("HTTP-12 does not turn http into https", async () => {
    const w = await world(onHttps());
    const answer = await w.fetch("http://id.example.com/oauth2/token", {
      method: "POST",
      body: "grant_type=client_credentials",
      headers: { "content-type": "application/x-www-form-urlencoded", authorization: basic(...WORKER), "x-forwarded-proto": "https", "cf-visitor": '{"scheme":"https"}' },
    });
    expect(answer.headers.has("location")).toBe(false);
    expect(await refusal(answer)).toBe("404 not_found");
  });
});

describe("several issuers of one deployment", () => {
  it("have an origin each, or nothing starts: the host alone chooses", async () => {
    const issuersOf = async (text: string) => (await readConfig({ ...env, ISSUERS: text })).issuers;
    expect(await issuersOf(`${HTTPS}/realms/a ${OTHER}`)).toEqual([`${HTTPS}/realms/a`, OTHER]);
    for (const twice of [`${HTTPS} ${HTTPS}`, `${HTTPS} ${HTTPS}/realms/a`, `${HTTPS}/a https://ID.example.com:443/b`]) {
      await expect(issuersOf(twice)).rejects.toThrow("ISSUERS: two issuers have the same origin");
    }
    for (const wrong of [`${HTTPS}/`, `${HTTPS}?a`, `${HTTPS}#a`, "id.example.com", "ftp://id.example.com", ""])
      await expect(issuersOf(wrong)).rejects.toThrow(/^(ISSUERS|variables)/);
  });

  it("HTTP-04 answer each for itself, at the same path", async () => {
    const w = await world(onHttps());
    expect((await w.fetch(`${OTHER}/.well-known/openid-configuration`)).status).toBe(404);
    const other = await world(onHttps(OTHER));
    for (const path of ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]) {
      expect(await (await other.fetch(`${HTTPS}${path}`)).json()).toMatchObject({ issuer: HTTPS, token_endpoint: `${HTTPS}/oauth2/token`, jwks_uri: `${HTTPS}/oauth2/certs` });
      expect(await (await other.fetch(`${OTHER}${path}`)).json()).toMatchObject({ issuer: OTHER, token_endpoint: `${OTHER}/oauth2/token`, jwks_uri: `${OTHER}/oauth2/certs` });
    }
  });

  it("ENU-02 one that was never applied and one that is switched off are the same 404", async () => {
    const never = await world(onHttps());
    const options = onHttps(OTHER);
    const off = await world({
      ...options,
      tenant: (file) => {
        options.tenant?.(file);
        Object.assign(file, { disabled: true });
      },
    });
    for (const path of ["/oauth2/certs", "/.well-known/openid-configuration"]) {
      const [a, b] = [await never.fetch(`${ISSUER}${path}`), await off.fetch(`${OTHER}${path}`)];
      expect(a.status).toBe(404);
      expect(await b.json()).toEqual(await a.json());
    }
    expect((await off.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(404);
    expect((await never.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(200);
  });

  it("JWT-21 know nothing of each other's tokens, of any kind", async () => {
    const w = await world(onHttps());
    const tokens = await login(w, "web-app");
    const other = await world(onHttps(OTHER));
    for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token]) {
      expect(await introspect(other, "web-app", token)).toEqual({ active: false });
      expect(await refusal(await other.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } }))).toBe("401 invalid_token");
      expect((await other.post("/oauth2/revoke", { token }, ["web-app", "web-app-secret"])).status).toBe(200);
    }
    const refreshed = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
    expect(await refusal(await other.post("/oauth2/token", refreshed, ["web-app", "web-app-secret"]))).toBe("400 invalid_grant");
    expect(await introspect(w, "web-app", tokens.access_token)).toMatchObject({ active: true });
    expect((await w.post("/oauth2/token", refreshed, ["web-app", "web-app-secret"])).status).toBe(200);
  });
});
