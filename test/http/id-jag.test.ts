import { reset } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { providerCache } from "../../src/federation/provider-cache.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { exchange, introspect, login, payloadOf, type Tokens, type World, type WorldOptions, world } from "../world.ts";
import { bear } from "./external-steps.ts";
import { lastReason, onHttps } from "./login-steps.ts";

const A = "http://localhost:8787";
const B = "https://other.example.com";
const RESOURCE = "https://orders.example.com";

/** A Worker that serves one issuer alone: the other's host is not its own. */
const alone =
  (issuer: string): Exclude<WorldOptions["service"], undefined> =>
  (made) => ({ ...made, providers: providerCache(made.now, new Set([new URL(issuer).host])) });

let a: World;
let b: World;
let tokens: Tokens;
let others: readonly [Tokens, Tokens];

// Two Cambios that trade with each other: users log in at A, the orders are at B. What A publishes, B asks A for.
beforeAll(async () => {
  await reset();
  a = await world({
    service: alone(A),
    tenant: (file) => {
      const server = { issuer: B, clientId: "billing-worker", grants: ["id_jag", "jwt"], scopes: ["orders:read", "orders:write"], resources: [RESOURCE], attributes: ["email"] };
      Object.assign(file.clients["web-app"], { dialect: "rfc8693", authorizationServers: [server], grants: [...file.clients["web-app"].grants, "jwt_bearer"] });
      Object.assign(file.clients["front-end-app"], { authorizationServers: [{ issuer: B, grants: ["jwt"] }] });
    },
  });
  tokens = await login(a, "web-app");
  others = [await login(a, "web-app"), await login(a, "travel-agent")];
  const https = onHttps(B);
  b = await world({
    ...https,
    service: alone(B),
    tenant: (file) => {
      https.tenant?.(file);
      const trusted = { issuer: A, clientId: "cambio-b", clientSecretName: "OTHER_CLIENT_SECRET", subjectTokens: { audiences: [B] } };
      Object.assign(file.identityProviders, { "domain-a": trusted });
      for (const id of ["billing-worker", "assistant"] as const) Object.assign(file.clients[id], { subjectIssuers: ["domain-a"], grants: ["jwt_bearer", "token_exchange"] });
    },
  });
  const elsewhere = vi.mocked(globalThis.fetch).getMockImplementation();
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    const request = new Request(input as RequestInfo, init as RequestInit);
    return request.url.startsWith(`${A}/`) ? await a.fetch(request.url) : ((await elsewhere?.(input, init)) ?? Response.error());
  });
});

const ask = async (extra: Record<string, string> = {}, client = "web-app") =>
  await exchange(a, client, { subject_token: tokens.id_token, subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.id_jag, audience: B, ...extra });

const idJag = async (extra: Record<string, string> = {}): Promise<string> => String((await ask(extra)).body.access_token);

/** What became of an assertion at B: 200, or why it was refused. */
async function taken(assertion: string, extra: Record<string, string> = {}, client?: string): Promise<unknown> {
  const { status, body } = await bear(b, assertion, extra, client);
  return status === 200 ? 200 : [status, body.error, lastReason(b)];
}

const REFUSED = [400, "invalid_grant", "assertion_refused"];

describe("an ID-JAG", () => {
  it("is given for an ID token: for one server, one client there, one short time, and no token of ours", async () => {
    const { status, body } = await ask({ scope: "orders:read", resource: RESOURCE });
    expect([status, body.issued_token_type, body.scope, body.refresh_token]).toEqual([200, TOKEN_TYPE.id_jag, "orders:read", undefined]);
    expect(Number(body.expires_in)).toBeLessThanOrEqual(300);
    const jwt = String(body.access_token);
    expect(JSON.parse(atob(jwt.split(".")[0] ?? ""))).toMatchObject({ typ: "oauth-id-jag+jwt", alg: "ES256" });
    const claims = payloadOf(jwt);
    expect(claims).toMatchObject({
      iss: A,
      aud: B,
      client_id: "billing-worker",
      sub: payloadOf(tokens.id_token).sub,
      scope: "orders:read",
      resource: RESOURCE,
      email: "dona.moore@example.com",
    });
    expect(Object.keys(claims).toSorted()).toEqual(["aud", "auth_time", "client_id", "email", "email_verified", "exp", "iat", "iss", "jti", "resource", "scope", "sub"]);
    // Here it is nothing: not active, no subject, no assertion.
    expect(await introspect(a, "web-app", jwt)).toEqual({ active: false });
    expect((await exchange(a, "web-app", { subject_token: jwt, subject_token_type: TOKEN_TYPE.jwt })).status).toBe(400);
    expect((await bear(a, jwt, {}, "web-app")).body.error).toBe("invalid_grant");
  });

  it("is traded at the other server for an access token of that user, within what it allows", async () => {
    const { status, body } = await bear(b, await idJag({ scope: "orders:read", resource: RESOURCE }));
    expect([status, body.token_type, body.refresh_token]).toEqual([200, "Bearer", undefined]);
    const claims = payloadOf(String(body.access_token));
    expect(claims).toMatchObject({ iss: B, aud: [RESOURCE, "orders-api"], client_id: "billing-worker", scope: "orders:read" });
    expect(claims.sub).not.toBe(payloadOf(tokens.id_token).sub);
    const again = await bear(b, await idJag({ scope: "orders:read", resource: RESOURCE }));
    expect(payloadOf(String(again.body.access_token)).sub).toBe(claims.sub);
    expect((await introspect(b, "orders-api", String(body.access_token))).active).toBe(true);
  });

  it("is used once, whoever comes second", async () => {
    const jwt = await idJag({ resource: RESOURCE });
    const outcomes = await Promise.all([taken(jwt), taken(jwt), taken(jwt)]);
    expect(outcomes.filter((outcome) => outcome === 200)).toHaveLength(1);
    // Of requests at the same time the log's last line is anybody's: the answers tell.
    expect(outcomes.flatMap((outcome) => (Array.isArray(outcome) ? [outcome.slice(0, 2)] : []))).toEqual([REFUSED.slice(0, 2), REFUSED.slice(0, 2)]);
  });

  it("is refused of another client than it names, and without being used up", async () => {
    const jwt = await idJag({ resource: RESOURCE });
    expect(await taken(jwt, {}, "assistant")).toEqual(REFUSED);
    expect(await taken(jwt)).toBe(200);
  });

  it("allows no other resource or scope than it names", async () => {
    expect(await taken(await idJag({ resource: RESOURCE }), { audience: "back-end-api" })).toEqual([400, "invalid_target", "target_forbidden"]);
    expect(await taken(await idJag({ resource: RESOURCE, scope: "orders:read" }), { scope: "orders:write" })).toEqual([400, "invalid_scope", "scope_exceeds"]);
  });

  it("is not taken as a subject token, nor an ID token of the other server as an ID-JAG", async () => {
    const jwt = await idJag({ resource: RESOURCE });
    for (const subject_token_type of [TOKEN_TYPE.jwt, TOKEN_TYPE.id_token, TOKEN_TYPE.access_token]) {
      const { status } = await exchange(b, "billing-worker", { subject_token: jwt, subject_token_type, audience: "orders-api" });
      expect([subject_token_type, status]).toEqual([subject_token_type, 400]);
    }
    expect(await taken(tokens.id_token)).toEqual(REFUSED);
  });

  const WRONG: Readonly<Record<string, Record<string, string>>> = {
    "an unknown server": { audience: "https://evil.example.net" },
    "a client of ours": { audience: "orders-api" },
    "a resource that is not listed": { resource: "https://evil.example.net" },
    ourselves: { audience: A },
  };

  it.each(Object.entries(WRONG))("is refused for %s, in the same words", async (_name, extra) => {
    const { status, body } = await ask(extra);
    expect([status, body.error, body.access_token]).toEqual([400, "invalid_target", undefined]);
  });

  it("is refused without a server, with a scope that is not listed, for an access token, and to a client that may not ask", async () => {
    const subject = { subject_token: tokens.id_token, subject_token_type: TOKEN_TYPE.id_token, requested_token_type: TOKEN_TYPE.id_jag };
    expect((await exchange(a, "web-app", subject)).body.error).toBe("invalid_target");
    expect((await ask({ scope: "salary:read" })).body.error).toBe("invalid_scope");
    expect((await ask({ subject_token: tokens.access_token, subject_token_type: TOKEN_TYPE.access_token })).body.error).toBe("invalid_request");
    const [, theirs] = others;
    // IDaaS knows no such type; the other may ask for plain grants alone.
    expect((await ask({ subject_token: theirs.id_token }, "travel-agent")).body.error).toBe("invalid_request");
    expect((await ask({}, "front-end-app")).body.error).toBe("invalid_target");
    expect((await ask()).status).toBe(200);
  });

  it("is given for a refresh token too, and ends with the login: none is given once that is over", async () => {
    const [mine] = others;
    const forRefresh = { subject_token: mine.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token };
    expect((await ask(forRefresh)).status).toBe(200);
    await a.post("/oauth2/revoke", { token: mine.refresh_token }, ["web-app", "web-app-secret"]);
    expect((await ask(forRefresh)).body.error).toBe("invalid_request");
  });
});

describe("a JWT authorization grant (identity chaining)", () => {
  it("is given for any token of the user, and traded at the other server", async () => {
    const chaining = { subject_token: tokens.access_token, subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.jwt };
    const { status, body } = await ask(chaining, "web-app");
    expect([status, body.issued_token_type]).toEqual([200, TOKEN_TYPE.jwt]);
    expect(payloadOf(String(body.access_token))).toMatchObject({ iss: A, aud: B });
    const traded = await bear(b, String(body.access_token), { audience: "orders-api", scope: "orders:read" });
    expect([traded.status, payloadOf(String(traded.body.access_token)).aud]).toEqual([200, "orders-api"]);
  });

  it("metadata says which assertions there are, and not who is trusted", async () => {
    const metadata = (await (await b.fetch("/.well-known/oauth-authorization-server")).json()) as Record<string, unknown>;
    expect(metadata.authorization_grant_profiles_supported).toEqual(["urn:ietf:params:oauth:grant-profile:id-jag"]);
    expect(metadata.identity_chaining_requested_token_types_supported).toEqual([TOKEN_TYPE.jwt, TOKEN_TYPE.id_jag]);
    expect(JSON.stringify(metadata)).not.toContain(A);
  });
});
