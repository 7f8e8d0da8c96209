import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { Rejection } from "../../src/protocol/rejection.ts";
import { type AppId, arrive, cookiesOf, login, type World, type WorldOptions, world } from "../world.ts";
import { begin, onHttps } from "./login-steps.ts";
import { refusal, WORKER } from "./wire.ts";

beforeEach(reset);

const HTTPS = "https://id.example.com";

/** One answer of every kind that there is, by name. */
async function everyAnswer(w: World, app: AppId = "web-app"): Promise<readonly (readonly [string, Response])[]> {
  const tokens = await login(w, app);
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const begun = await begin(w, app);
  const answers: [string, Response][] = [["login begins", begun.response]];
  const add = async (name: string, answer: Promise<Response>) => void answers.push([name, await answer]);
  await add("callback", w.fetch(w.idp.login(begun.url, "dona.moore"), { headers: { cookie: begun.cookie } }));
  await add("callback, unknown state", w.fetch("/oauth2/callback/corp?state=x&code=y"));
  await add(
    "sign-on",
    begin(w, app, {}, tokens.cookie).then(({ response }) => response),
  );
  await add(
    "authorize error to the application",
    begin(w, app, { prompt: "none" }).then(({ response }) => response),
  );
  await add(
    "form_post error",
    begin(w, app, { prompt: "none", response_mode: "form_post" }).then(({ response }) => response),
  );
  await add("token", w.post("/oauth2/token", "grant_type=client_credentials", WORKER));
  await add("token refused", w.post("/oauth2/token", "grant_type=x", WORKER));
  await add("client refused", w.post("/oauth2/token", "grant_type=x", ["nobody", "x"]));
  await add("too large", w.post("/oauth2/token", "a".repeat(70_000)));
  await add("active", w.post("/oauth2/introspect", { token: tokens.access_token }, ["web-app", "web-app-secret"]));
  await add("active, signed", w.post("/oauth2/introspect", { token: "x" }, ["web-app", "web-app-secret"], { accept: "application/token-introspection+jwt" }));
  await add("userinfo", w.fetch("/oauth2/userinfo", bearer(tokens.access_token)));
  await add("userinfo refused", w.fetch("/oauth2/userinfo", bearer("x")));
  await add("userinfo without a token", w.fetch("/oauth2/userinfo"));
  await add("revoked", w.post("/oauth2/revoke", { token: tokens.access_token }, ["web-app", "web-app-secret"]));
  await add("not found", w.fetch("/nowhere"));
  await add("unknown host", w.fetch("https://nowhere.example/"));
  await add("method", w.fetch("/oauth2/token"));
  await add("method, a page", w.fetch("/oauth2/logout", { method: "PUT" }));
  await add("head", w.fetch("/oauth2/token", { method: "HEAD" }));
  await add("preflight", w.fetch("/oauth2/token", { method: "OPTIONS", headers: { origin: "https://a.example", "access-control-request-method": "POST" } }));
  await add("home", w.fetch("/"));
  await add("discovery", w.fetch("/.well-known/openid-configuration"));
  await add("keys", w.fetch("/oauth2/certs"));
  await add("alive", w.fetch("/health/alive"));
  await add("ready", w.fetch("/health/ready"));
  await add("operator refused", w.fetch("/api/v1/tenant"));
  await add("operator's mistake", w.apply({ issuer: w.service.config.issuers[0] ?? "" }));
  await add("logout asks", w.fetch("/oauth2/logout", { headers: { cookie: tokens.cookie } }));
  await add("logout", w.fetch(`/oauth2/logout?id_token_hint=${tokens.id_token}`, { headers: { cookie: tokens.cookie } }));
  return answers;
}

describe("every answer", () => {
  it.each<[string, WorldOptions]>([
    ["http", {}],
    ["https", onHttps()],
  ])("HTTP-05 on %s says whether it may be kept, and only the public documents may be", async (_scheme, options) => {
    for (const [name, answer] of await everyAnswer(await world(options))) {
      const expected = ["discovery", "keys"].includes(name) ? "public, max-age=300, must-revalidate" : "no-store";
      expect([name, answer.headers.get("cache-control")]).toEqual([name, expected]);
      expect([name, answer.headers.get("x-content-type-options")]).toEqual([name, "nosniff"]);
      expect([name, answer.headers.has("cambio-trace")]).toEqual([name, expected === "no-store"]);
      expect([name, answer.headers.has("etag"), answer.headers.has("last-modified"), answer.headers.has("server"), answer.headers.has("x-powered-by")]).toEqual([
        name,
        false,
        false,
        false,
        false,
      ]);
    }
  });

  it("HTTP-12 on https says that http is over, and on http://localhost does not", async () => {
    const secure = await everyAnswer(await world(onHttps()));
    for (const [name, answer] of secure) expect([name, answer.headers.get("strict-transport-security")]).toEqual([name, "max-age=31536000; includeSubDomains"]);
    for (const [name, answer] of await everyAnswer(await world())) {
      if (name !== "unknown host") expect([name, answer.headers.has("strict-transport-security")]).toEqual([name, false]);
    }
  });

  it("that sends the browser on, or is a page, tells the next site nothing of this one", async () => {
    for (const [name, answer] of await everyAnswer(await world())) {
      const leads = answer.headers.has("location") || answer.headers.get("content-type")?.startsWith("text/html");
      if (leads) expect([name, answer.headers.get("referrer-policy")]).toEqual([name, "no-referrer"]);
      if (answer.headers.get("content-type")?.startsWith("text/html")) {
        expect([name, answer.headers.get("x-frame-options")]).toEqual([name, "DENY"]);
        expect([name, answer.headers.get("content-security-policy")]).toEqual([name, expect.stringContaining("default-src 'none'")]);
      }
    }
  });

  it("says what it is in ASCII: no header is anything else", async () => {
    for (const [name, answer] of await everyAnswer(await world())) {
      for (const [header, value] of answer.headers) expect([name, header, value]).toEqual([name, header, expect.stringMatching(/^[\x20-\x7e]*$/)]);
    }
  });

  it("has the headers of its own outcome alone, whatever was answered before it", async () => {
    const w = await world();
    const own = async () => {
      const answers = [await w.post("/oauth2/token", "grant_type=client_credentials", WORKER), await w.post("/oauth2/introspect", "token=x", WORKER)];
      answers.push(await w.post("/oauth2/revoke", "token=x", WORKER), await w.post("/oauth2/token", "grant_type=x", WORKER), await w.fetch("/health/alive"));
      return answers.map(({ headers }) => [...headers].filter(([name]) => name !== "cambio-trace"));
    };
    const before = await own();
    const from = { origin: "http://localhost:8789" };
    await everyAnswer(w);
    await w.post("/oauth2/token", "grant_type=x&client_id=spa", undefined, { ...from, dpop: "x" });
    await w.post("/oauth2/token", "grant_type=x", ["nobody", "x"], from);
    await w.fetch("/oauth2/token", { headers: from });
    expect(await own()).toEqual(before);
  });

  it("has a trace of its own", async () => {
    const traces = (await everyAnswer(await world())).flatMap(([, answer]) => answer.headers.get("cambio-trace") ?? []);
    expect(new Set(traces).size).toBe(traces.length);
  });
});

describe("a failure of ours", () => {
  const failing = (cause: unknown) =>
    world({
      service: (s) => ({
        ...s,
        families: { ...s.families, status: () => Promise.reject(cause), create: s.families.create },
      }),
    });

  it("HTTP-05 is 500 without a word of what went wrong", async () => {
    const w = await failing(new Error("boom at line 7 with web-app-secret"));
    const { access_token } = await login(w, "web-app");
    const answer = await w.post("/oauth2/introspect", { token: access_token }, ["web-app", "web-app-secret"]);
    expect(await answer.clone().text()).not.toMatch(/boom|line 7|web-app-secret|at /);
    expect(await refusal(answer)).toBe("500 server_error");
    expect(w.lines.at(-1)).not.toMatch(/boom|web-app-secret/);
  });

  it("that may pass is 503 with Retry-After, for applications and for people", async () => {
    const w = await failing(new Rejection("unavailable"));
    const { access_token } = await login(w, "web-app");
    const answer = await w.post("/oauth2/introspect", { token: access_token }, ["web-app", "web-app-secret"]);
    expect(answer.headers.get("retry-after")).toMatch(/^[1-9][0-9]?$/);
    expect(await refusal(answer)).toBe("503 temporarily_unavailable");
    const down = await world({ service: (s) => ({ ...s, directory: { ...s.directory, open: () => Promise.reject(new Rejection("unavailable")) } }) });
    const page = await down.fetch("/oauth2/authorize?client_id=web-app");
    expect([page.status, page.headers.get("content-type"), page.headers.get("cache-control")]).toEqual([503, "text/html; charset=utf-8", "no-store"]);
    expect(page.headers.get("retry-after")).toMatch(/^[1-9][0-9]?$/);
    expect(await refusal(await down.fetch("/oauth2/certs"))).toBe("503 temporarily_unavailable");
  });
});

describe("what an application is answered in", () => {
  it.each(["text/html", "*/*", "application/xml", "text/html,application/xhtml+xml;q=0.9", "application/json;q=0", undefined])(
    "HTTP-17 is JSON, though Accept be %s",
    async (accept) => {
      const w = await world();
      const headers: Record<string, string> = accept === undefined ? {} : { accept };
      for (const answer of [
        await w.post("/oauth2/token", "grant_type=client_credentials", WORKER, headers),
        await w.post("/oauth2/token", "grant_type=x", WORKER, headers),
        await w.post("/oauth2/introspect", "token=x", WORKER, headers),
        await w.fetch("/oauth2/certs", { headers }),
        await w.fetch("/.well-known/openid-configuration", { headers }),
        await w.fetch("/nowhere", { headers }),
      ]) {
        expect(answer.headers.get("content-type")).toBe("application/json");
        expect(await answer.json()).toBeTypeOf("object");
      }
    },
  );
});

describe("cookies", () => {
  const setCookies = async (w: World) => {
    const begun = await begin(w, "web-app");
    const back = await w.fetch(w.idp.login(begun.url, "dona.moore"), { headers: { cookie: begun.cookie } });
    const out = await w.fetch("/oauth2/logout", { headers: { cookie: cookiesOf(back) } });
    return [...begun.response.headers.getSetCookie(), ...back.headers.getSetCookie(), ...out.headers.getSetCookie()];
  };

  it("HTTP-16 on https are __Host-, Secure, HttpOnly and SameSite=Lax, without a domain, all of them", async () => {
    const cookies = await setCookies(await world(onHttps()));
    expect(cookies.length).toBeGreaterThanOrEqual(3);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/^__Host-cambio_[a-z_A-Z0-9-]+=[A-Za-z0-9_-]*; Max-Age=[0-9]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    }
  });

  it("on http://localhost carry the port in their name and are not Secure, so that every client there sends them", async () => {
    for (const cookie of await setCookies(await world())) {
      expect(cookie).toMatch(/^cambio_[a-zA-Z0-9_-]+_8787=[A-Za-z0-9_-]*; Max-Age=[0-9]+; Path=\/; HttpOnly; SameSite=Lax$/);
    }
  });

  it("are set by nothing that an application calls", async () => {
    const w = await world(onHttps());
    const arrived = await arrive(w, "web-app");
    const jar = { cookie: arrived.cookie };
    for (const answer of [
      await w.post("/oauth2/token", "grant_type=client_credentials", WORKER, jar),
      await w.post("/oauth2/introspect", "token=x", WORKER, jar),
      await w.post("/oauth2/revoke", "token=x", WORKER, jar),
      await w.fetch("/oauth2/userinfo", { headers: jar }),
      await w.fetch(`${HTTPS}/oauth2/certs`, { headers: jar }),
    ]) {
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });
});
