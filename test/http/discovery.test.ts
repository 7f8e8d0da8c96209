import { reset } from "cloudflare:test";
import { calculateJwkThumbprint, type JWK } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { arrive, ISSUER, introspect, login, payloadOf, redeem, type World, world } from "../world.ts";
import { authorize, onHttps, sentTo } from "./login-steps.ts";
import { lastLineOf, refusal, WORKER } from "./wire.ts";

beforeEach(reset);

type Document = Readonly<Record<string, string | readonly string[]>>;

const read = async (w: World, path = "/.well-known/openid-configuration") => (await (await w.fetch(path)).json()) as Document;
/** A member that is a list. */
const list = (document: Document, member: string): readonly string[] => [document[member] ?? []].flat();

const keysOf = async (w: World, path = "/oauth2/certs") => ((await (await w.fetch(path)).json()) as { readonly keys: readonly JWK[] }).keys;

describe("the discovery documents", () => {
  it("are one and the same at every address, as plain JSON", async () => {
    const w = await world();
    const document = await read(w);
    expect(document.issuer).toBe(ISSUER);
    for (const path of [
      "/.well-known/oauth-authorization-server",
      "/realms/demo/.well-known/openid-configuration",
      "/auth/realms/demo/.well-known/openid-configuration",
      "/.well-known/openid-configuration/realms/demo",
      "/.well-known/oauth-authorization-server/realms/demo",
    ]) {
      const answer = await w.fetch(path);
      expect([path, answer.status, answer.headers.get("content-type"), answer.headers.has("pragma")]).toEqual([path, 200, "application/json", false]);
      expect(await answer.json()).toEqual(document);
    }
  });

  it("DSC-05 of an issuer with a path stand behind it and before it, and name that issuer", async () => {
    const issuer = "https://id.example.com/realms/demo";
    const w = await world({ ...onHttps(issuer), service: (s) => ({ ...s, config: { ...s.config, issuers: [issuer] } }) });
    const appended = await read(w, "/realms/demo/.well-known/openid-configuration");
    expect(appended).toMatchObject({ issuer, token_endpoint: "https://id.example.com/oauth2/token" });
    expect(await read(w, "/.well-known/oauth-authorization-server/realms/demo")).toEqual(appended);
    const granted = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER);
    expect(payloadOf(((await granted.json()) as { access_token: string }).access_token).iss).toBe(issuer);
    expect((await w.fetch("/realms/other/.well-known/openid-configuration")).status).toBe(404);
  });

  it("name endpoints that are there, on the issuer's own origin", async () => {
    const w = await world();
    const document = await read(w);
    const endpoints = Object.entries(document).filter(([name]) => name.endsWith("_endpoint") || name === "jwks_uri");
    expect(endpoints.length).toBe(7);
    for (const [name, url] of endpoints as [string, string][]) {
      expect([name, url.startsWith(`${ISSUER}/`)]).toEqual([name, true]);
      const statuses = [(await w.fetch(url)).status, (await w.post(url, "")).status];
      expect([name, ...statuses]).not.toContain(404);
    }
  });

  it("DSC-04 say the methods of each endpoint, that iss is sent, and what is not taken", async () => {
    expect(await read(await world())).toMatchObject({
      introspection_endpoint_auth_methods_supported: expect.not.arrayContaining(["none"]),
      revocation_endpoint_auth_methods_supported: expect.arrayContaining(["client_secret_basic", "client_secret_post", "none"]),
      authorization_response_iss_parameter_supported: true,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      claims_parameter_supported: false,
      subject_types_supported: ["public"],
    });
  });
});

describe("DSC-03 what is advertised works, and nothing else does", () => {
  it("grants", async () => {
    const w = await world();
    const advertised = list(await read(w), "grant_types_supported");
    const others = ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"];
    const error = async (grant: string) => refusal(await w.post("/oauth2/token", { grant_type: grant, client_id: "stranger", client_secret: "stranger-secret" }));
    for (const grant of advertised) expect([grant, await error(grant)]).not.toEqual([grant, "400 unsupported_grant_type"]);
    for (const grant of others) expect([grant, advertised.includes(grant), await error(grant)]).toEqual([grant, false, "400 unsupported_grant_type"]);
    expect(advertised).toEqual(expect.arrayContaining(["authorization_code", "refresh_token", "client_credentials"]));
  });

  it.each<[string, string, readonly string[], readonly string[]]>([
    ["response_types_supported", "response_type", ["code"], ["token", "id_token", "code token", "code id_token", "none", "CODE"]],
    ["response_modes_supported", "response_mode", ["query", "form_post"], ["fragment", "jwt", "query.jwt", "web_message"]],
    ["code_challenge_methods_supported", "code_challenge_method", ["S256"], ["plain", "s256", "S512"]],
    ["prompt_values_supported", "prompt", ["login", "select_account", "none"], ["consent", "create", "none login", "LOGIN"]],
    ["scopes_supported", "scope", ["openid", "email", "profile", "groups", "offline_access"], ["address", "phone", "OPENID", "openid admin"]],
  ])("%s", async (member, parameter, advertised, others) => {
    const w = await world();
    const document = await read(w);
    expect(list(document, member).toSorted()).toEqual(advertised.toSorted());
    const accepted = async (value: string) => {
      const answer = await authorize(w, "web-app", { [parameter]: value });
      return answer.headers.get("location")?.startsWith(w.idp.issuer) === true || sentTo(answer).get("error") === "login_required";
    };
    for (const value of advertised) expect([value, await accepted(value)]).toEqual([value, true]);
    for (const value of others) expect([value, await accepted(value)]).toEqual([value, false]);
  });

  it("authentication methods: the advertised ones may be registered and used, others not even registered", async () => {
    const w = await world();
    const advertised = list(await read(w), "token_endpoint_auth_methods_supported");
    const others = ["private_key_jwt", "client_secret_jwt", "tls_client_auth", "self_signed_tls_client_auth"].filter((method) => !advertised.includes(method));
    expect(advertised).toEqual(expect.arrayContaining(["client_secret_basic", "client_secret_post", "none"]));
    for (const method of others) {
      const file = demoTenant();
      Object.assign(file.clients["billing-worker"], { authenticationMethods: [method] });
      expect([method, (await w.apply(file)).status]).toEqual([method, 400]);
    }
    expect((await w.post("/oauth2/token", "grant_type=client_credentials", WORKER)).status).toBe(200);
    expect((await w.post("/oauth2/token", "grant_type=client_credentials&client_id=billing-worker&client_secret=billing-worker-secret")).status).toBe(200);
    expect((await w.post("/oauth2/revoke", "token=x&client_id=mobile-app")).status).toBe(200);
  });

  it("algorithms: tokens are signed with each advertised one that a client is set to, and with no other", async () => {
    const w = await world();
    const advertised = list(await read(w), "id_token_signing_alg_values_supported");
    expect([...advertised].toSorted()).toEqual(["ES256", "RS256"]);
    const grant = async (signingAlgorithm: string) => {
      const file = demoTenant();
      Object.assign(file.clients["billing-worker"], { tokenPolicy: { signingAlgorithm } });
      const applied = await w.apply(file);
      if (applied.status !== 200) return applied.status;
      const answer = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER);
      if (answer.status !== 200) return answer.status;
      const { access_token } = (await answer.json()) as { access_token: string };
      return (JSON.parse(atob((access_token.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/"))) as { alg: string }).alg;
    };
    for (const algorithm of advertised) expect(await grant(algorithm)).toBe(algorithm);
    // No key of this deployment can: it is said that it cannot be done now, not done otherwise.
    expect(await grant("EdDSA")).toBe(503);
    for (const algorithm of ["none", "HS256", "RS512", "ES384"]) expect([algorithm, await grant(algorithm)]).toEqual([algorithm, 400]);
  });

  it("claims: an ID token with every scope holds each of them", async () => {
    const w = await world();
    const advertised = list(await read(w), "claims_supported");
    const arrived = await arrive(w, "front-end-app", { scope: "openid email profile groups", authorize: { nonce: "n-1" } });
    const { id_token } = (await (await redeem(w, "front-end-app", arrived)).json()) as { id_token: string };
    const held = Object.keys(payloadOf(id_token));
    expect(advertised.filter((claim) => !held.includes(claim))).toEqual([]);
  });

  it("request and request_uri: refused, as the document says", async () => {
    const w = await world();
    expect(sentTo(await authorize(w, "web-app", { request: "e30.e30." })).get("error")).toBe("request_not_supported");
    expect(sentTo(await authorize(w, "web-app", { request_uri: "https://evil.example.com/r" })).get("error")).toBe("request_uri_not_supported");
    expect(w.idp.requests.filter((request) => request.includes("evil"))).toEqual([]);
  });
});

describe("the key set", () => {
  it("DSC-02 holds public keys only, each with its own kid, use and algorithm", async () => {
    const w = await world(onHttps("https://other.example.com"));
    const keys = await keysOf(w);
    expect(keys).toHaveLength(3);
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual((key.kty === "RSA" ? ["alg", "e", "kid", "kty", "n", "use"] : ["alg", "crv", "kid", "kty", "use", "x", "y"]).toSorted());
      expect(key.use).toBe("sig");
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
      if (key.kty === "RSA") expect((key.n ?? "").length).toBeGreaterThanOrEqual(342);
    }
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(3);
  });

  it("has a tenant's own key for that tenant alone", async () => {
    const w = await world();
    const other = await world(onHttps("https://other.example.com"));
    const [here, there] = [await keysOf(w), await keysOf(other)];
    expect(here).toHaveLength(2);
    expect(there.filter(({ kid }) => !here.some((key) => key.kid === kid))).toHaveLength(1);
  });

  it("is the same at every address, and holds the key of every token that is issued", async () => {
    const w = await world();
    const keys = await keysOf(w);
    for (const path of ["/api/v2/iauths_system/oauth2/jwks", "/realms/demo/protocol/openid-connect/certs"]) expect(await keysOf(w, path)).toEqual(keys);
    const tokens = await login(w, "web-app");
    for (const token of [tokens.access_token, tokens.id_token]) {
      const header = JSON.parse(atob((token.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/"))) as { readonly kid: string; readonly alg: string };
      expect(keys).toContainEqual(expect.objectContaining({ kid: header.kid, alg: header.alg }));
    }
  });

  it("leaves a dropped key out, and its tokens are dead at once", async () => {
    let dropped: number | undefined;
    const w = await world({
      service: (s) => ({
        ...s,
        directory: {
          ...s.directory,
          open: async (issuer, after) => {
            const tenant = await s.directory.open(issuer, after);
            const signing = tenant?.keys.signing.map((key) => (key.number === dropped ? { ...key, role: "dropped" as const } : key)) ?? [];
            return tenant && { ...tenant, keys: { ...tenant.keys, signing } };
          },
        },
      }),
    });
    const { access_token } = await login(w, "web-app");
    expect(await introspect(w, "web-app", access_token)).toMatchObject({ active: true });
    dropped = 1;
    expect((await keysOf(w)).map(({ alg }) => alg)).toEqual(["RS256"]);
    expect((await read(w)).id_token_signing_alg_values_supported).toEqual(["RS256"]);
    expect(await introspect(w, "web-app", access_token)).toEqual({ active: false });
    expect(lastLineOf(w).reason).toBe("signature");
    expect(await refusal(await w.post("/oauth2/token", "grant_type=client_credentials", WORKER))).toBe("503 temporarily_unavailable");
  });
});
