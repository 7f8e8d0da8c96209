import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { arrive, basic, login, payloadOf, redeem, world } from "../world.ts";
import { FORM_ENDPOINTS, goodBody, lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

describe("repeated parameters", () => {
  it.each(FORM_ENDPOINTS)("TOK-02 %s refuses client_id given twice, in either order", async (endpoint) => {
    const w = await world();
    expect((await w.post(endpoint, goodBody(endpoint))).status).toBe(200);
    expect(await refusal(await w.post(endpoint, `${goodBody(endpoint)}&client_id=stranger`))).toBe("400 invalid_request");
    expect(await refusal(await w.post(endpoint, `client_id=stranger&${goodBody(endpoint)}`))).toBe("400 invalid_request");
    expect(await refusal(await w.post(endpoint, `${goodBody(endpoint)}&client_id=billing-worker`))).toBe("400 invalid_request");
    expect(await refusal(await w.post(endpoint, `${goodBody(endpoint)}&client_id=`))).toBe("400 invalid_request");
  });

  it.each(["scope=a&scope=a", "requested_token_type=x&requested_token_type=y", "actor_token=x&actor_token=", "grant_type=password", "client_secret=x", "x=1&x=1"])(
    "TOK-04 refuses the repetition in %s",
    async (extra) => {
      const w = await world();
      expect(await refusal(await w.post("/oauth2/token", `${goodBody("/oauth2/token")}&${extra}`))).toBe("400 invalid_request");
      expect(lastLineOf(w).reason).toBe("repeated_parameter");
    },
  );

  it("TOK-03 refuses a token given twice, the good one first or last", async () => {
    const w = await world();
    const { refresh_token: good } = await login(w, "mobile-app");
    const form = (first: string, second: string) => `grant_type=refresh_token&client_id=mobile-app&refresh_token=${first}&refresh_token=${second}`;
    expect(await refusal(await w.post("/oauth2/token", form(good, "evil")))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/token", form("evil", good)))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/revoke", `client_id=mobile-app&token=${good}&token=evil`))).toBe("400 invalid_request");
    expect((await w.post("/oauth2/token", { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: good })).status).toBe(200);
  });

  it("TOK-03 TOK-04 refuses the repetition of any parameter of an exchange but audience and resource", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const exchange = `grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token=${access_token}&subject_token_type=urn:ietf:params:oauth:token-type:access_token&requested_token_type=urn:ietf:params:oauth:token-type:access_token`;
    const ask = (form: string) => w.post("/oauth2/token", form, ["web-app", "web-app-secret"]);
    expect((await ask(exchange)).status).toBe(200);
    for (const name of ["subject_token", "subject_token_type", "requested_token_type", "scope", "actor_token", "actor_token_type"]) {
      expect(await refusal(await ask(`${exchange}&${name}=evil&${name}=evil`))).toBe("400 invalid_request");
    }
    for (const evil of ["subject_token=evil", "subject_token_type=evil", "requested_token_type=evil"]) {
      expect(await refusal(await ask(`${exchange}&${evil}`))).toBe("400 invalid_request");
      expect(await refusal(await ask(`${evil}&${exchange}`))).toBe("400 invalid_request");
      expect(lastLineOf(w).reason).toBe("repeated_parameter");
    }
    expect(await refusal(await ask(`${exchange}&audience=stranger&audience=stranger`))).toBe("400 invalid_target");
  });

  it("refuses a name that stands in the URL and in the body, where the client's dialect takes a query at all", async () => {
    const w = await world();
    const body = "grant_type=refresh_token&refresh_token=junk";
    expect(await refusal(await w.post("/oauth2/token?client_id=mobile-app", `${body}&client_id=mobile-app`))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/token?scope=a", `${body}&client_id=mobile-app&scope=a`))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/token?client_id=mobile-app", body))).toBe("400 invalid_grant");
  });
});

describe("parameters in the URL", () => {
  it.each(FORM_ENDPOINTS)("TOK-06 %s refuses the secret in the URL with an empty body, and does not log it", async (endpoint) => {
    const w = await world();
    const answer = await w.post(`${endpoint}?${goodBody(endpoint)}`, "");
    expect(await refusal(answer)).toBe("400 invalid_request");
    expect(w.lines.join()).not.toContain("billing-worker-secret");
  });

  it("TOK-06 refuses secrets and tokens in the URL in every dialect, whatever stands in the body", async () => {
    const w = await world();
    const { refresh_token: token } = await login(w, "mobile-app");
    expect(await refusal(await w.post(`/oauth2/token?refresh_token=${token}`, "grant_type=refresh_token&client_id=mobile-app"))).toBe("400 invalid_request");
    expect(await refusal(await w.post(`/oauth2/revoke?token=${token}`, "client_id=mobile-app"))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/token?client_secret=web-app-secret", "grant_type=client_credentials&client_id=web-app"))).toBe("400 invalid_request");
    expect((await w.post("/oauth2/token", { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: token })).status).toBe(200);
  });

  it("takes the others there from clients of the sap dialect only", async () => {
    const w = await world();
    expect((await w.post("/oauth2/revoke?client_id=web-app", "token=junk", ["web-app", "web-app-secret"])).status).toBe(200);
    for (const client of ["billing-worker", "front-end-app", "travel-agent"]) {
      expect(await refusal(await w.post("/oauth2/revoke?token_type_hint=access_token", "token=junk", [client, `${client}-secret`]))).toBe("400 invalid_request");
      expect(lastLineOf(w).reason).toBe("query_parameter");
    }
  });
});

describe("grant_type", () => {
  it.each([
    "foo",
    "CLIENT_CREDENTIALS",
    "client_credentials ",
    " client_credentials",
    "client_credentials\n",
    "client_credentials\u0000",
    "client_credentials;client_id=y",
    "client%5Fcredentials",
    "URN:IETF:PARAMS:OAUTH:GRANT-TYPE:TOKEN-EXCHANGE",
    "urn:ietf:params:oauth:grant-type:token-exchange ",
    "urn:ietf:params:oauth:grant-type:token-exchange\u0000",
    "urn:ietf:params:oauth:grant-type:device_code",
    "password",
    "implicit",
    "__proto__",
    "%25".repeat(2000),
  ])("TOK-16 TOK-28 TOK-35 refuses %j as unsupported", async (grantType) => {
    const w = await world();
    expect(await refusal(await w.post("/oauth2/token", { grant_type: grantType }, WORKER))).toBe("400 unsupported_grant_type");
    expect((await w.post("/oauth2/token", { grant_type: "client_credentials" }, WORKER)).status).toBe(200);
  });

  it("TOK-17 counts an empty one as missing, and missing as an invalid request", async () => {
    const w = await world();
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "" }, WORKER))).toBe("400 invalid_request");
    expect(await refusal(await w.post("/oauth2/token", {}, WORKER))).toBe("400 invalid_request");
  });

  it("is judged after the client: a stranger learns nothing of what is supported", async () => {
    const w = await world();
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "foo" }, ["nobody", "x"]))).toBe("401 invalid_client");
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["stranger", "stranger-secret"]))).toBe("400 unauthorized_client");
  });
});

describe("empty and unknown parameters", () => {
  it("TOK-17 counts an empty parameter as omitted: a required one is missing, an optional one has its default", async () => {
    const w = await world();
    for (const [endpoint, form] of [
      ["/oauth2/token", { grant_type: "refresh_token", refresh_token: "" }],
      ["/oauth2/introspect", { token: "" }],
      ["/oauth2/revoke", { token: "" }],
    ] as const) {
      expect(await refusal(await w.post(endpoint, form, ["web-app", "web-app-secret"]))).toBe("400 invalid_request");
    }
    const { refresh_token } = await login(w, "mobile-app", { scope: "openid email" });
    const answer = await w.post("/oauth2/token", { grant_type: "refresh_token", client_id: "mobile-app", refresh_token, scope: "", token_format: "", client_secret: "" });
    expect(await answer.json()).toMatchObject({ scope: "openid email" });
  });

  it("TOK-18 ignores a parameter that it does not know", async () => {
    const w = await world();
    for (const endpoint of FORM_ENDPOINTS) expect((await w.post(endpoint, `${goodBody(endpoint)}&extra=foobar`)).status).toBe(200);
  });

  it("TOK-29 ignores names of the language, and the next request is as before", async () => {
    const w = await world();
    const odd = "__proto__=1&constructor[prototype][admin]=1&toString=1&hasOwnProperty=1&__proto__[client_id]=x&valueOf=1&then=1";
    for (const endpoint of FORM_ENDPOINTS) {
      expect((await w.post(endpoint, `${goodBody(endpoint)}&${odd}`)).status).toBe(200);
      expect((await w.post(endpoint, goodBody(endpoint))).status).toBe(200);
    }
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
    expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials&client_id=__proto__&client_secret=x"))).toBe("401 invalid_client");
    expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials&client_id=constructor&client_secret=x"))).toBe("401 invalid_client");
  });
});

describe("encoding", () => {
  it("TOK-23 never takes bytes that are not UTF-8 for anything, whichever they are", async () => {
    const w = await world();
    for (const id of ["%FF%FE", "%FE%FF", "%EF%BF%BD%EF%BF%BD"]) {
      const answer = await refusal(await w.post("/oauth2/token", `grant_type=client_credentials&client_id=${id}&client_secret=x`));
      expect(["400 invalid_request", "401 invalid_client"]).toContain(answer);
    }
    const authorization = (bytes: string) => ({ authorization: `Basic ${btoa(bytes)}` });
    for (const bytes of ["\xff\xfe:x", "billing-worker:\xff", "%FF%FE:x", "%EF%BF%BD%EF%BF%BD:x"]) {
      expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials", undefined, authorization(bytes)))).toBe("401 invalid_client");
    }
  });

  it("TOK-27 reads + as a space and %2B as a plus, and the two spellings of a space as one", async () => {
    const w = await world({
      tenant: (file) => {
        file.clients["billing-worker"].developmentSecret = "a+b c";
        Object.assign(file.clients["billing-worker"], { ownScopes: ["a", "b"] });
      },
    });
    const scopeOf = async (scope: string, secret = "a%2Bb+c") => {
      const answer = await w.post("/oauth2/token", `grant_type=client_credentials&client_id=billing-worker&client_secret=${secret}&scope=${scope}`);
      return answer.status === 200 ? payloadOf(((await answer.json()) as { access_token: string }).access_token).scope : answer.status;
    };
    expect(await scopeOf("a+b")).toBe("a b");
    expect(await scopeOf("a%20b")).toBe("a b");
    expect(await scopeOf("a%2Bb")).toBe(400);
    expect(await scopeOf("a", "a%2Bb%20c")).toBe("a");
    expect(await scopeOf("a", "a+b+c")).toBe(401);
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", undefined, { authorization: basic("billing-worker", "a+b c") })).status).toBe(200);
  });

  it("TOK-26 refuses a malformed escape anywhere, also in a parameter that nobody reads", async () => {
    const w = await world();
    for (const extra of ["x=%", "x=%zz", "x=%u0041", "%=1"]) {
      for (const endpoint of FORM_ENDPOINTS) expect(await refusal(await w.post(endpoint, `${goodBody(endpoint)}&${extra}`))).toBe("400 invalid_request");
    }
  });
});

describe("sizes", () => {
  it("TOK-25 refuses overlong values without failing", async () => {
    const w = await world();
    const long = (count: number) => "a".repeat(count);
    const post = async (path: string, form: Record<string, string>) => await refusal(await w.post(path, form, WORKER));
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: long(10_240), client_secret: "x" }))).toBe("401 invalid_client");
    expect(await refusal(await w.post("/oauth2/token", { grant_type: "client_credentials" }, [long(10_240), "x"]))).toBe("401 invalid_client");
    expect(await post("/oauth2/token", { grant_type: "client_credentials", scope: long(102_400) })).toBe("413 invalid_request");
    expect(await post("/oauth2/token", { grant_type: "client_credentials", scope: long(60_000) })).toBe("400 invalid_scope");
    expect(await post("/oauth2/token", { grant_type: "client_credentials", audience: long(2048) })).toBe("400 invalid_target");
    expect(await post("/oauth2/token", { grant_type: "client_credentials", resource: `https://${long(3000)}` })).toBe("400 invalid_target");
    expect(await post("/oauth2/token", { grant_type: long(60_000) })).toBe("400 unsupported_grant_type");
    expect(await (await w.post("/oauth2/introspect", { token: long(60_000) }, WORKER)).json()).toEqual({ active: false });
    expect((await w.post("/oauth2/revoke", { token: long(60_000) }, WORKER)).status).toBe(200);
  });

  it("TOK-21 refuses ten thousand parameters", async () => {
    const w = await world();
    const many = Array.from({ length: 10_000 }, (_, index) => `${index.toString(36)}=`).join("&");
    expect(many.length).toBeLessThan(65_536);
    for (const endpoint of FORM_ENDPOINTS) expect(await refusal(await w.post(endpoint, many))).toBe("400 invalid_request");
  });
});

describe("what a refusal says", () => {
  const PROBES = ["<script>alert(1)</script>", "%0d%0aSet-Cookie: x=1", "\r\nX: y", 'probe"\\', "probe".repeat(1000)];
  const NAMES = [
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "audience",
    "resource",
    "token",
    "token_format",
    "refresh_expiry",
    "consistency",
    "access_token",
  ];

  it.each(PROBES)("TOK-32 is never what was sent: %j", async (probe) => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const good = { grant_type: "authorization_code", code: arrived.code, redirect_uri: arrived.redirectUri, code_verifier: "v".repeat(43), token: "x" };
    for (const name of NAMES) {
      for (const endpoint of [...FORM_ENDPOINTS, "/oauth2/userinfo"]) {
        const answer = await w.post(endpoint, { ...good, [name]: probe }, name.startsWith("client_") ? undefined : ["web-app", "web-app-secret"]);
        const seen = `${JSON.stringify([...answer.headers])}${await answer.text()}`;
        for (const text of [probe, probe.trim(), JSON.stringify(probe).slice(1, -1), "alert(1)", "Set-Cookie: x", "probeprobe"]) expect(seen).not.toContain(text);
        expect(answer.status).toBeLessThan(500);
      }
    }
    expect(w.lines.join("\n")).not.toMatch(/alert|Set-Cookie|probe/);
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
  });
});
