import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { ISSUER, WEB_CALLBACK, world } from "../world.ts";
import { authorize, begin, comeBack, fieldsOf, logInAt } from "./login-steps.ts";

beforeEach(reset);

const EVIL = `"><script>alert(1)</script><input name='x' value="&quot;`;

/** The directives of a page's policy, by name. */
function policyOf(response: Response): Record<string, string> {
  const directives = (response.headers.get("content-security-policy") ?? "").split(";").map((directive) => directive.trim());
  return Object.fromEntries(directives.map((directive) => [directive.split(" ")[0], directive.split(" ").slice(1).join(" ")]));
}

describe("an authorization response by redirect", () => {
  it("AZ-23 is a 303 that nobody keeps and that tells the next page nothing of where it came from", async () => {
    const answer = await logInAt(await world());
    expect(answer.status).toBe(303);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  });

  it("AZ-23 is a 303 after a POST too, so that a form's fields are not sent on", async () => {
    const w = await world();
    const { query } = await (await import("./login-steps.ts")).authorizeQuery("web-app");
    expect((await w.post("/oauth2/authorize", query)).status).toBe(303);
    expect((await w.post("/oauth2/authorize", `${query}&prompt=none`)).status).toBe(303);
  });

  it("says nothing of what was sent in an error", async () => {
    const answer = await authorize(await world(), "web-app", { response_type: EVIL, scope: EVIL });
    const location = decodeURIComponent(answer.headers.get("location") ?? "");
    expect(location).toContain("error=unsupported_response_type");
    expect(location).not.toContain("alert(1)");
  });
});

describe("an authorization response by form_post", () => {
  it("AZ-18 holds everything in escaped fields, and nothing in the URL", async () => {
    const answer = await logInAt(await world(), "web-app", { response_mode: "form_post", state: EVIL });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("location")).toBeNull();
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    const page = await answer.text();
    expect(page).not.toContain("alert(1)</script>");
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page.match(/<form method="post" action="([^"]*)"/)?.[1]).toBe(WEB_CALLBACK);
    const fields = fieldsOf(page);
    expect(Object.keys(fields).toSorted()).toEqual(["code", "iss", "state"]);
    expect(fields).toMatchObject({ state: EVIL, iss: ISSUER });
    expect(fields.code).toMatch(/^cambio_code_/);
  });

  it("AZ-18 runs one script, and its policy names that script by its hash", async () => {
    const answer = await logInAt(await world(), "web-app", { response_mode: "form_post" });
    const script = (await answer.text()).match(/<script>([^<]*)<\/script>/)?.[1] ?? "";
    const base64 = (await sha256(script)).replaceAll("-", "+").replaceAll("_", "/");
    expect(policyOf(answer)).toMatchObject({ "default-src": "'none'", "script-src": `'sha256-${base64}='`, "frame-ancestors": "'none'", "base-uri": "'none'" });
  });

  it("sends errors the same way", async () => {
    const answer = await authorize(await world(), "web-app", { response_mode: "form_post", prompt: "none", state: EVIL });
    expect(fieldsOf(await answer.text())).toMatchObject({ error: "login_required", state: EVIL, iss: ISSUER });
  });

  it.each([
    ["an application on the web", "https://app.example.com/cb", "https:"],
    ["an application on this machine, which may go on to a page on the web", "http://[::1]/callback", "http: https:"],
    ["an application with a scheme of its own", "com.example.app:/callback", "com.example.app: https:"],
  ])("lets the form go to %s, and its answer go on", async (_name, redirectUri, allowed) => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { redirectUris: [redirectUri] }) });
    const answer = await logInAt(w, "web-app", { response_mode: "form_post", redirect_uri: redirectUri });
    expect(policyOf(answer)["form-action"]).toBe(allowed);
  });
});

describe("AZ-21 every page", () => {
  it("refuses to be framed, to run scripts and to name its own address to others", async () => {
    const w = await world();
    const cookie = (await import("../world.ts")).cookiesOf(await comeBack(w, await begin(w)));
    const pages = {
      "a refused request": await w.fetch("/oauth2/authorize?client_id=nobody"),
      "a lost login": await w.fetch("/oauth2/callback/corp?state=x&code=y"),
      "a form that posts itself": await logInAt(w, "web-app", { response_mode: "form_post" }),
      "a click before a code": await authorize(w, "mobile-app", {}, cookie),
      "a click before a logout": await w.fetch("/oauth2/logout", { headers: { cookie } }),
      "after a logout": await w.fetch("/oauth2/logout"),
      home: await w.fetch("/"),
    };
    for (const [name, page] of Object.entries(pages)) {
      expect([name, page.headers.get("content-type")]).toEqual([name, "text/html; charset=utf-8"]);
      expect([name, page.headers.get("x-frame-options")]).toEqual([name, "DENY"]);
      expect([name, page.headers.get("referrer-policy")]).toEqual([name, "no-referrer"]);
      expect([name, page.headers.get("x-content-type-options")]).toEqual([name, "nosniff"]);
      expect([name, page.headers.get("cache-control")]).toEqual([name, "no-store"]);
      const policy = policyOf(page);
      expect([name, policy["default-src"], policy["frame-ancestors"], policy["base-uri"]]).toEqual([name, "'none'", "'none'", "'none'"]);
      expect([name, policy["script-src"]]).not.toEqual([name, expect.stringContaining("unsafe")]);
    }
  });
});
