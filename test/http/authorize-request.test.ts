import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { cookiesOf, ISSUER, WEB_CALLBACK, world } from "../world.ts";
import { authorize, authorizeQuery, begin, comeBack, sentTo } from "./login-steps.ts";

beforeEach(reset);

/** A page of ours: nothing is sent anywhere, and nobody is logged in. */
async function expectPage(response: Response): Promise<void> {
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("location")).toBeNull();
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(await response.text()).not.toContain("<script");
}

/** A refusal that the application is told of, at its registered address. */
function expectRefusal(response: Response, error: string): void {
  expect(response.status).toBe(303);
  expect(response.headers.get("location")).toMatch(/^http:\/\/localhost:8789\/callback\?/);
  expect(sentTo(response).get("error")).toBe(error);
  expect(sentTo(response).get("state")).toBe("s-1");
  expect(sentTo(response).get("iss")).toBe(ISSUER);
  expect(sentTo(response).get("code")).toBeNull();
}

describe("an authorization request that names no application", () => {
  it.each([
    ["no client_id", { client_id: undefined }],
    ["an unknown client_id", { client_id: "nobody" }],
    ["a client_id of 10 KB", { client_id: "a".repeat(10_000) }],
    ["a client_id with a separator of our storage", { client_id: "../client/web-app" }],
    ["a name that every object has", { client_id: "__proto__" }],
  ])("AZ-01 gets a page and no redirect for %s", async (_name, changes) => {
    await expectPage(await authorize(await world(), "web-app", changes));
  });

  it("CA-16 gets a page once the application is disabled", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { disabled: true }) });
    await expectPage(await authorize(w, "web-app"));
    expect((await authorize(w, "front-end-app")).headers.get("location")).toMatch(/^http:\/\/localhost:8788\/auth/);
  });
});

describe("an authorization request that is refused at the application", () => {
  it.each([
    ["AZ-07 no response_type", { response_type: undefined }, "invalid_request"],
    ["AZ-07 the implicit grant", { response_type: "token" }, "unsupported_response_type"],
    ["AZ-07 an ID token from the front", { response_type: "id_token" }, "unsupported_response_type"],
    ["AZ-07 code token", { response_type: "code token" }, "unsupported_response_type"],
    ["AZ-07 code id_token", { response_type: "code id_token" }, "unsupported_response_type"],
    ["AZ-07 none", { response_type: "none" }, "unsupported_response_type"],
    ["AZ-09 no PKCE", { code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
    ["AZ-09 PKCE without a method, which would mean plain", { code_challenge_method: undefined }, "invalid_request"],
    ["AZ-09 plain PKCE", { code_challenge_method: "plain" }, "invalid_request"],
    ["AZ-09 a method in lower case", { code_challenge_method: "s256" }, "invalid_request"],
    ["AZ-09 a challenge of 42 characters", { code_challenge: "a".repeat(42) }, "invalid_request"],
    // S256 of anything is 43 characters; RFC 7636 allows more for other methods only.
    ["AZ-09 a challenge of 129 characters", { code_challenge: "a".repeat(129) }, "invalid_request"],
    ["AZ-09 a challenge in another alphabet", { code_challenge: `${"a".repeat(42)}+` }, "invalid_request"],
    ["AZ-09 a challenge with padding", { code_challenge: `${"a".repeat(43)}=` }, "invalid_request"],
    ["a request object", { request: "eyJhbGciOiJub25lIn0.e30." }, "request_not_supported"],
    ["a request by reference", { request_uri: "https://evil.example/request" }, "request_uri_not_supported"],
    ["a fragment as response mode", { response_mode: "fragment" }, "invalid_request"],
    ["a response mode that nobody knows", { response_mode: "query.jwt" }, "invalid_request"],
    ["prompt=consent, which there is no page for", { prompt: "consent" }, "invalid_request"],
    ["prompt=none beside another", { prompt: "none login" }, "invalid_request"],
    ["a negative max_age", { max_age: "-1" }, "invalid_request"],
    ["a max_age that is no number", { max_age: "1e3" }, "invalid_request"],
    ["a scope beyond the client's", { scope: "openid salary:read" }, "invalid_scope"],
    ["a scope with a quote", { scope: 'openid "' }, "invalid_scope"],
    ["an identity provider that does not exist", { idp: "elsewhere" }, "invalid_request"],
    ["an alias that could be a path", { idp: "../corp" }, "invalid_request"],
    ["a nonce of 3 KB", { nonce: "n".repeat(3000) }, "invalid_request"],
  ])("refuses %s", async (_name, changes, error) => {
    const w = await world();
    expectRefusal(await authorize(w, "web-app", changes), error);
    expect(w.idp.requests).toEqual([]);
  });

  it("refuses a client without the grant, at its own address", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { grants: ["refresh_token"] }) });
    expectRefusal(await authorize(w, "web-app"), "unauthorized_client");
  });

  it("fetches nothing that a request names", async () => {
    const w = await world();
    await authorize(w, "web-app", { request_uri: "http://localhost:8788/request" });
    await authorize(w, "web-app", { request: "e30.e30.e30" });
    expect(w.idp.requests).toEqual([]);
  });
});

describe("parameters given twice", () => {
  it.each(["client_id", "redirect_uri", "state", "code_challenge", "scope", "prompt", "nonce", "response_type", "idp"])(
    "AZ-08 refuses %s given twice, in either order, on a page",
    async (name) => {
      const w = await world();
      const { query } = await authorizeQuery("web-app", { prompt: "login", nonce: "n", idp: "corp" });
      for (const repeated of [`${query}&${name}=evil`, `${name}=evil&${query}`]) await expectPage(await w.fetch(`/oauth2/authorize?${repeated}`));
      expect((await w.fetch(`/oauth2/authorize?${query}`)).status).toBe(303);
    },
  );

  it("AZ-08 refuses a parameter in the URL and in the body of a POST", async () => {
    const w = await world();
    const { query } = await authorizeQuery("web-app");
    await expectPage(await w.post("/oauth2/authorize?state=evil", query));
    expect((await w.post("/oauth2/authorize", query)).status).toBe(303);
  });
});

describe("the forms of an authorization request", () => {
  it("AZ-38 takes a POST as it takes a GET", async () => {
    const w = await world();
    const { query } = await authorizeQuery("web-app");
    const answer = await w.post("/oauth2/authorize", query);
    const url = answer.headers.get("location") ?? "";
    expect(url).toMatch(/^http:\/\/localhost:8788\/auth\?/);
    const back = await comeBack(w, { response: answer, url, asked: new URL(url).searchParams, cookie: cookiesOf(answer), verifier: "" });
    expect(sentTo(back).get("code")).toMatch(/^cambio_code_/);
  });

  it.each(["PUT", "DELETE", "PATCH"])("answers %s with a page that names the methods", async (method) => {
    const w = await world();
    const { query } = await authorizeQuery("web-app");
    const answer = await w.fetch(`/oauth2/authorize?${query}`, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, POST");
  });

  it("ignores parameters that nobody knows", async () => {
    expect((await authorize(await world(), "web-app", { display: "touch", ui_locales: "gsw", extra: "1" })).headers.get("location")).toMatch(/^http:\/\/localhost:8788\/auth\?/);
  });

  it("takes an empty parameter as left out", async () => {
    const w = await world();
    expectRefusal(await authorize(w, "web-app", { response_type: "" }), "invalid_request");
    expect((await authorize(w, "web-app", { prompt: "", max_age: "", idp: "" })).headers.get("location")).toMatch(/^http:\/\/localhost:8788\/auth\?/);
  });

  it.each([
    ["384 characters", "s".repeat(384)],
    ["unicode", "zustand-\u00fc-\u{1f511}-\u0e01"],
    ["quotes, angle brackets and ampersands", `"'<script>&amp;&state=2#?+ %`],
    ["a NUL and a newline", "a\u0000b\r\nc"],
  ])("AZ-17 gives a state of %s back unchanged", async (_name, state) => {
    const w = await world();
    const begun = await begin(w, "web-app", { state });
    const answer = await comeBack(w, begun);
    expect(sentTo(answer).get("code")).toMatch(/^cambio_code_/);
    expect(sentTo(answer).getAll("state")).toEqual([state]);
  });

  it("gives no state back where none was sent", async () => {
    const w = await world();
    const answer = await comeBack(w, await begin(w, "web-app", { state: undefined }));
    expect(sentTo(answer).get("code")).toMatch(/^cambio_code_/);
    expect(sentTo(answer).has("state")).toBe(false);
  });

  it.each([
    ["a long state", { state: "s".repeat(2000) }],
    ["a long state and a long nonce", { state: "s".repeat(2000), nonce: "n".repeat(2000) }],
    ["a state of many bytes a character", { state: "\u{1f511}".repeat(1000) }],
    ["a state that grows when it is written as JSON", { state: "\u0001".repeat(1500) }],
    ["everything long at once", { state: "s".repeat(2000), nonce: "n".repeat(2000), login_hint: "h".repeat(2000) }],
  ])("AZ-17 either carries %s through the login or refuses it at once", async (_name, changes) => {
    // A browser drops a cookie of more than 4096 bytes without a word: the login would end in a page that explains nothing.
    const w = await world();
    const begun = await begin(w, "web-app", changes);
    for (const cookie of begun.response.headers.getSetCookie()) expect(cookie.length).toBeLessThan(4096);
    if (begun.cookie === "") expect(sentTo(begun.response).get("error")).toBe("invalid_request");
    else expect(sentTo(await comeBack(w, begun)).get("state")).toBe(changes.state);
  });

  it("AZ-16 says who answers, in success and in error", async () => {
    const w = await world();
    expect(sentTo(await comeBack(w, await begin(w))).get("iss")).toBe(ISSUER);
    expect(sentTo(await authorize(w, "web-app", { response_type: "token" })).get("iss")).toBe(ISSUER);
    expect((await authorize(w, "web-app", { response_type: "token" })).headers.get("location")).toMatch(new RegExp(`^${WEB_CALLBACK}\\?`));
  });
});
