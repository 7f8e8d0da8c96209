import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { type World, world } from "../world.ts";
import { authorize, begin, comeBack } from "./login-steps.ts";

const REGISTERED = "https://good.example/cb?tenant=1&lang=en";

beforeEach(reset);

async function worldWith(...redirectUris: string[]): Promise<World> {
  return await world({ tenant: (file) => Object.assign(file.clients["web-app"], { redirectUris }) });
}

async function isTaken(w: World, redirectUri: string | undefined, extra: Record<string, string> = {}): Promise<boolean> {
  const answer = await authorize(w, "web-app", { redirect_uri: redirectUri, ...extra });
  if (answer.status === 303) return (answer.headers.get("location") ?? "").startsWith("http://localhost:8788/auth?");
  expect(answer.status).toBe(400);
  expect(answer.headers.get("location")).toBeNull();
  expect(answer.headers.get("content-type")).toContain("text/html");
  return false;
}

describe("AZ-02 a redirect URI", () => {
  it("is compared as bytes: every variant of a registered one gets a page", async () => {
    const w = await worldWith(REGISTERED, "https://good.example/path");
    expect(await isTaken(w, REGISTERED)).toBe(true);
    const variants = [
      "https://good.example/cb",
      "https://good.example/cb/",
      "https://good.example/cb/?tenant=1&lang=en",
      "https://good.example/CB?tenant=1&lang=en",
      "https://GOOD.example/cb?tenant=1&lang=en",
      "HTTPS://good.example/cb?tenant=1&lang=en",
      "http://good.example/cb?tenant=1&lang=en",
      "https://good.example:443/cb?tenant=1&lang=en",
      "https://good.example:8443/cb?tenant=1&lang=en",
      "https://good.example./cb?tenant=1&lang=en",
      "https://good.example/cb?lang=en&tenant=1",
      "https://good.example/cb?tenant=1&lang=en&x=1",
      "https://good.example/cb?tenant=1&lang=en&",
      "https://good.example/cb?tenant=1&lang=en#",
      "https://good.example/cb?tenant=1&lang=en#x",
      "https://good.example@evil.example/cb?tenant=1&lang=en",
      "https://good.example:pass@evil.example/cb?tenant=1&lang=en",
      "https://user@good.example/cb?tenant=1&lang=en",
      "https://good.example.evil.example/cb?tenant=1&lang=en",
      "https://good.example\\@evil.example/cb?tenant=1&lang=en",
      "https:\\\\good.example/cb?tenant=1&lang=en",
      "https:good.example/cb?tenant=1&lang=en",
      "https:///good.example/cb?tenant=1&lang=en",
      "//good.example/cb?tenant=1&lang=en",
      "/cb?tenant=1&lang=en",
      "https://good.example//cb?tenant=1&lang=en",
      "https://good.example/./cb?tenant=1&lang=en",
      "https://good.example/x/../cb?tenant=1&lang=en",
      "https://good.example/x/%2e%2e/cb?tenant=1&lang=en",
      "https://good.example/x%2f..%2fcb?tenant=1&lang=en",
      "https://good.example/%63b?tenant=1&lang=en",
      "https://good.example/cb;jsessionid=1?tenant=1&lang=en",
      "https://g\u043e\u043ed.example/cb?tenant=1&lang=en",
      "https://good\u3002example/cb?tenant=1&lang=en",
      "https://g\tood.example/cb?tenant=1&lang=en",
      "https://good.example/cb\n?tenant=1&lang=en",
      " https://good.example/cb?tenant=1&lang=en",
      "https://good.example/cb?tenant=1&lang=en ",
      "https://good.example/cb?tenant=1&lang=en\u0000",
      "https://good.example/cb?tenant=1%26lang=en",
      "https://good.example/cb*",
      "https://good.example/path/below",
      "https://good.example/path?x=1",
      "javascript:alert(1)//https://good.example/cb?tenant=1&lang=en",
      "null",
    ];
    for (const variant of variants) expect([variant, await isTaken(w, variant)]).toEqual([variant, false]);
  });

  it("AZ-01 AZ-05 is required where two are registered, and its error is never sent to an address that is not", async () => {
    const w = await worldWith("https://one.example/cb", "https://two.example/cb");
    expect(await isTaken(w, undefined)).toBe(false);
    expect(await isTaken(w, "")).toBe(false);
    expect(await isTaken(w, "https://three.example/cb", { response_type: "token" })).toBe(false);
    expect(await isTaken(w, "https://two.example/cb")).toBe(true);
  });

  it("may be left out where exactly one is registered", async () => {
    const w = await worldWith("https://one.example/cb");
    const answer = await comeBack(w, await begin(w, "web-app", { redirect_uri: undefined }));
    expect(answer.headers.get("location")).toMatch(/^https:\/\/one\.example\/cb\?code=cambio_code_/);
  });

  it("keeps its own query, byte for byte, in front of ours", async () => {
    const w = await worldWith(REGISTERED);
    const answer = await comeBack(w, await begin(w, "web-app", { redirect_uri: REGISTERED }));
    expect(answer.headers.get("location")).toMatch(/^https:\/\/good\.example\/cb\?tenant=1&lang=en&code=cambio_code_/);
  });

  it("of another application is not this application's", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { redirectUris: ["https://front.example/cb"] }) });
    expect(await isTaken(w, "https://front.example/cb")).toBe(false);
  });
});

describe("AZ-04 a loopback redirect URI", () => {
  it("matches any port, of the registered address and path only", async () => {
    const w = await worldWith("http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost:8789/callback");
    for (const taken of [
      "http://127.0.0.1/callback",
      "http://127.0.0.1:1/callback",
      "http://127.0.0.1:65535/callback",
      "http://[::1]:49152/callback",
      "http://localhost:8789/callback",
    ]) {
      expect([taken, await isTaken(w, taken)]).toEqual([taken, true]);
    }
    const refused = [
      "http://127.0.0.1:5000/callback/",
      "http://127.0.0.1:5000/other",
      "http://127.0.0.1:5000",
      "http://127.0.0.1:5000/callback?x=1",
      "http://127.0.0.1:5000/callback#x",
      "https://127.0.0.1:5000/callback",
      "http://127.0.0.1:/callback",
      "http://127.0.0.1:x/callback",
      "http://127.0.0.1:123456/callback",
      "http://127.0.0.1:65536/callback",
      "http://127.0.0.1:99999/callback",
      "http://127.0.0.1.evil.example/callback",
      "http://127.0.0.1:5000.evil.example/callback",
      "http://127.0.0.1:5000@evil.example/callback",
      "http://127.0.0.1@evil.example/callback",
      "http://evil@127.0.0.1:5000/callback",
      "http://127.0.0.2:5000/callback",
      "http://127.1:5000/callback",
      "http://0x7f.0.0.1:5000/callback",
      "http://2130706433:5000/callback",
      "http://0.0.0.0:5000/callback",
      "http://[::]:5000/callback",
      "http://[0:0:0:0:0:0:0:1]:5000/callback",
      "http://[::ffff:127.0.0.1]:5000/callback",
      "http://localhost:5000/callback",
      "http://localhost/callback",
      "http://localhost.evil.example:8789/callback",
    ];
    for (const uri of refused) expect([uri, await isTaken(w, uri, { response_mode: "form_post" })]).toEqual([uri, false]);
  });

  it("sends the code to the port that was asked for", async () => {
    const w = await world();
    const answer = await comeBack(w, await begin(w, "mobile-app", { redirect_uri: "http://127.0.0.1:61234/callback" }));
    expect(answer.headers.get("location")).toMatch(/^http:\/\/127\.0\.0\.1:61234\/callback\?code=cambio_code_/);
  });

  it("registered with one port matches every port, and one of another kind only its own", async () => {
    const w = await worldWith("http://127.0.0.1:7000/callback", "https://127.0.0.1:7000/callback");
    expect(await isTaken(w, "http://127.0.0.1:7001/callback")).toBe(true);
    expect(await isTaken(w, "https://127.0.0.1:7001/callback")).toBe(false);
  });
});

describe("AZ-03 at registration", () => {
  const path = "clients.web-app.redirectUris.0";

  async function problems(w: World, redirectUri: string): Promise<readonly string[]> {
    const { demoTenant } = await import("../demo-tenant.ts");
    const file = demoTenant();
    Object.assign(file.clients["web-app"], { redirectUris: [redirectUri] });
    const answer = await w.apply(file, "?dry_run=true");
    const body = (await answer.json()) as { problems?: { path: string }[] };
    return (body.problems ?? []).map((problem) => problem.path);
  }

  it("refuses schemes that a browser runs, reads files with, or hands to another program", async () => {
    const w = await world();
    const refused = [
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      "java\tscript:alert(1)",
      " javascript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc/passwd",
      "blob:https://app.example.com/1",
      "filesystem:https://app.example.com/temporary/x",
      "view-source:https://app.example.com/",
      "intent://scan/#Intent;scheme=zxing;end",
      "intent://scan",
      "about:blank",
      "mailto:a@example.com",
      "ms-settings:privacy",
      "myapp:/callback",
      "ftp://app.example.com/",
      "ws://app.example.com/",
    ];
    for (const uri of refused) expect([uri, await problems(w, uri)]).toEqual([uri, [path]]);
  });

  it("refuses what is no plain absolute URI: fragment, user info, wildcard, white space, other alphabets", async () => {
    const w = await world();
    const refused = [
      "https://app.example.com/cb#",
      "https://app.example.com/cb#x",
      "https://user@app.example.com/cb",
      "https://user:pass@app.example.com/cb",
      "https://*.example.com/cb",
      "https://app.example.com/*",
      "https://app.example.com/a b",
      "https://app.example.com/a\nb",
      "https://app.example.com\\cb",
      "https://b\u00fccher.example/cb",
      "https://app.example.com/\u00fcber",
      "http://app.example.com/cb",
      "http://127.0.0.1.evil.example/cb",
      "http://localhost.evil.example/cb",
      "//app.example.com/cb",
      "/cb",
      "app.example.com",
      "",
    ];
    for (const uri of refused) expect([uri, await problems(w, uri)]).toEqual([uri, [path]]);
  });

  it("takes https, http on localhost and loopback, and a scheme with a domain of one's own", async () => {
    const w = await world();
    const taken = [
      "https://app.example.com/cb?x=1",
      "http://localhost:3000/cb",
      "http://127.0.0.1/cb",
      "http://[::1]/cb",
      "com.example.app:/callback",
      "com.example.app://callback",
    ];
    for (const uri of taken) expect([uri, await problems(w, uri)]).toEqual([uri, []]);
  });
});
