import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { anotherIsolate, consistently, editTenant, familyCalls, stoppedClock } from "../faults.ts";
import { ISSUER, introspect, payloadOf, type World, world } from "../world.ts";

const clock = stoppedClock();

const WORKER = "billing-worker";
const RESOURCE = "https://orders.example.com";

interface Issued {
  readonly access_token: string;
  readonly expires_in: number;
  readonly scope?: string;
}

const ask = (w: World, form: Record<string, string> = {}, client = WORKER) => w.post("/oauth2/token", { grant_type: "client_credentials", ...form }, [client, `${client}-secret`]);
const revoke = (w: World, token: string, client = WORKER) => w.post("/oauth2/revoke", { token }, [client, `${client}-secret`]);

async function issued(w: World, form: Record<string, string> = {}): Promise<Issued> {
  const answer = await ask(w, form);
  expect(answer.status).toBe(200);
  return await answer.json();
}

/** The world of a service client whose product is SAP's, or whose access tokens are opaque. */
const sap = () => world({ tenant: (file) => Object.assign(file.clients[WORKER], { dialect: "sap" }) });
const opaquely = () => world({ tenant: (file) => Object.assign(file.clients[WORKER], { tokenPolicy: { accessTokenFormat: "opaque" }, trustedForHandoff: ["web-app"] }) });

describe("client credentials", () => {
  it("give a JWT for the client itself without any object call, and nothing that outlives it", async () => {
    const w = await world();
    const calls = familyCalls();
    const before = await listDurableObjectIds(env.FAMILIES);
    const answer = await ask(w);
    const body = (await answer.json()) as Issued;
    expect(Object.keys(body).toSorted()).toEqual(["access_token", "expires_in", "token_type"]);
    expect(body).toMatchObject({ expires_in: 300, token_type: "Bearer" });
    expect([answer.headers.get("cache-control"), answer.headers.get("pragma")]).toEqual(["no-store", "no-cache"]);
    expect(calls).not.toHaveBeenCalled();
    expect(await listDurableObjectIds(env.FAMILIES)).toEqual(before);
    const keys = (await (await w.fetch("/oauth2/certs")).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(body.access_token, createLocalJWKSet(keys), { issuer: ISSUER, audience: WORKER, typ: "at+jwt" });
    expect(payload).toMatchObject({ sub: WORKER, client_id: WORKER, iat: clock.now(), exp: clock.now() + 300 });
    for (const name of ["sid", "auth_time", "email", "nonce", "scope"]) expect(payload).not.toHaveProperty(name);
  });

  it("draw a family of its own for each token: revoking one leaves the others", async () => {
    const w = await world();
    const [one, two] = [await issued(w), await issued(w)];
    await revoke(w, one.access_token);
    expect(await introspect(w, WORKER, one.access_token)).toEqual({ active: false });
    expect(await introspect(w, WORKER, two.access_token)).toMatchObject({ active: true });
  });

  it("of a lazy root: introspected, revoked and introspected again; nothing is stored before the revocation", async () => {
    const w = await world();
    const { access_token } = await issued(w);
    for (let turn = 0; turn < 2; turn++) {
      expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true, sub: WORKER, client_id: WORKER, token_type: "Bearer", cambio_consistency: "strong" });
    }
    for (let turn = 0; turn < 2; turn++) expect((await revoke(w, access_token)).status).toBe(200);
    for (const isolate of [w, await anotherIsolate(w)]) expect(await introspect(isolate, WORKER, access_token)).toEqual({ active: false });
    expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(401);
  });

  it("revoked as soon as issued, before anyone asked, are dead", async () => {
    const w = await world();
    const { access_token } = await issued(w);
    expect((await revoke(w, access_token)).status).toBe(200);
    expect(await introspect(w, WORKER, access_token)).toEqual({ active: false });
  });

  it("are nobody else's to see or to revoke", async () => {
    const w = await world();
    const { access_token } = await issued(w);
    for (const client of ["web-app", "orders-api", "stranger"]) {
      expect(await introspect(w, client, access_token)).toEqual({ active: false });
      expect((await revoke(w, access_token, client)).status).toBe(200);
    }
    expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true });
  });

  it("as an opaque token are recorded in one call, and live and die like any other", async () => {
    const w = await opaquely();
    const calls = familyCalls();
    const { access_token, expires_in } = await issued(w);
    expect(calls).toHaveBeenCalledTimes(1);
    expect(access_token).toMatch(/^cambio_at_/);
    expect(expires_in).toBe(3600);
    for (const client of [WORKER, "web-app"])
      expect(await introspect(w, client, access_token)).toMatchObject({ active: true, sub: WORKER, aud: WORKER, client_id: WORKER, exp: clock.now() + 3600 });
    expect(await introspect(w, "stranger", access_token)).toEqual({ active: false });
    await revoke(w, access_token);
    for (const client of [WORKER, "web-app"]) expect(await introspect(w, client, access_token)).toEqual({ active: false });
  });

  it("as an opaque token expire to the second, and are gone for good after", async () => {
    const w = await opaquely();
    const { access_token } = await issued(w);
    clock.forward(3599);
    expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true });
    for (const pause of [1, 200, 100_000]) {
      clock.forward(pause);
      expect(await introspect(w, WORKER, access_token)).toEqual({ active: false });
    }
  });

  it.each(["strong", "edge", "eventual"] as const)("in %s are found dead at once where they were revoked", async (level) => {
    for (const accessTokenFormat of ["jwt", "opaque"]) {
      const w = await world({
        tenant: (file) => {
          consistently(level)(file);
          Object.assign(file.clients[WORKER], { tokenPolicy: { accessTokenFormat } });
        },
      });
      const { access_token } = await issued(w);
      for (let turn = 0; turn < 2; turn++) expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true });
      await revoke(w, access_token);
      expect(await introspect(w, WORKER, access_token)).toEqual({ active: false });
    }
  });

  it("know the scopes that the client owns for itself, and no others", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[WORKER], { ownScopes: ["billing:run", "billing:read"], scopes: ["openid", "email"] }) });
    expect((await issued(w, { scope: "billing:read" })).scope).toBe("billing:read");
    expect(await issued(w)).not.toHaveProperty("scope");
    for (const scope of ["billing:write", "openid", "billing:read openid", "offline_access", "orders:read", 'quo"te']) {
      const answer = await ask(w, { scope });
      expect([scope, answer.status, ((await answer.json()) as { error: string }).error]).toEqual([scope, 400, "invalid_scope"]);
    }
  });

  it("are for those who may have them: not for public clients, nor for clients without the grant, nor for nobody", async () => {
    const w = await world();
    const refused = [
      [await ask(w, {}, "stranger"), 400, "unauthorized_client"],
      [await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: "mobile-app" }), 400, "unauthorized_client"],
      [await w.post("/oauth2/token", { grant_type: "client_credentials" }), 401, "invalid_client"],
      [await w.post("/oauth2/token", { grant_type: "client_credentials", client_id: WORKER }), 401, "invalid_client"],
    ] as const;
    for (const [answer, status, error] of refused) expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([status, error]);
  });

  it("for a target that permitted it are in edge what everyone involved allows, though the audience names a URL too", async () => {
    const w = await world({ tenant: consistently("edge") });
    const { access_token } = await issued(w, { resource: RESOURCE });
    expect(payloadOf(access_token)).toMatchObject({ aud: [RESOURCE, "orders-api"], scope: "orders:read" });
    expect(await introspect(w, "orders-api", access_token)).toMatchObject({ active: true, cambio_consistency: "strong" });
    expect(await introspect(w, "orders-api", access_token)).toMatchObject({ active: true, cambio_consistency: "edge" });
    await editTenant(w, (file) => Object.assign(file.clients["orders-api"] ?? {}, { consistency: "strong" }));
    for (let turn = 0; turn < 2; turn++) expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true, cambio_consistency: "strong" });
  });
});

describe("a client whose id is a URL", () => {
  it("has its word in how an introspection is decided, and its claims in what it says, as any other client", async () => {
    const id = "https://api.partner.example.net";
    const w = await world({
      tenant: (file) => {
        const roles = { reader: { clients: [WORKER] } };
        Object.assign(file.clients, {
          [id]: { dialect: "keycloak", developmentSecret: "partner-secret", grants: ["token_exchange"], roles, tokenPolicy: { accessTokenFormat: "opaque" } },
        });
        file.permissions.push({ consumer: WORKER, provider: id, name: "partner", scopes: [] });
        consistently("edge")(file);
        Object.assign(file.clients, { [id]: { ...(file.clients as unknown as Record<string, object>)[id], consistency: "strong" } });
      },
    });
    const { access_token } = await issued(w, { audience: id });
    expect(access_token).toMatch(/^cambio_at_/);
    for (let turn = 0; turn < 2; turn++)
      expect(await introspect(w, WORKER, access_token)).toMatchObject({ active: true, aud: id, roles: ["reader"], cambio_consistency: "strong" });
  });
});

describe("client credentials of SAP", () => {
  it("give a JWT with SAP's claims, or an opaque token where token_format says so", async () => {
    const w = await sap();
    const jwt = await issued(w);
    expect(jwt.expires_in).toBe(3600);
    expect(payloadOf(jwt.access_token)).toMatchObject({ aud: WORKER, sub: WORKER, azp: WORKER, sap_id_type: "app" });
    const opaque = await issued(w, { token_format: "opaque" });
    expect(opaque.access_token).toMatch(/^cambio_at_/);
    expect(await introspect(w, WORKER, opaque.access_token)).toMatchObject({ active: true, sap_id_type: "app" });
    expect((await ask(w, { token_format: "xml" })).status).toBe(400);
  });

  it("give no refresh token and no ID token, whatever is asked", async () => {
    const w = await sap();
    for (const form of [{ refresh_expiry: "600" }, { max_exchange_period: "7200" }, { token_format: "opaque", refresh_expiry: "600" }]) {
      const body = await issued(w, form as unknown as Record<string, string>);
      expect(body).not.toHaveProperty("refresh_token");
      expect(body).not.toHaveProperty("id_token");
    }
  });

  it.each(["jwt", "opaque"])("revoked as a %s are dead, and the client's other tokens live: each is a session of its own", async (token_format) => {
    const w = await sap();
    const [one, two] = [await issued(w, { token_format }), await issued(w, { token_format })];
    await revoke(w, one.access_token);
    expect(await introspect(w, WORKER, one.access_token)).toEqual({ active: false });
    expect(await introspect(w, WORKER, two.access_token)).toMatchObject({ active: true });
  });
});
