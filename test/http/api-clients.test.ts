import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { demoTenant } from "../demo-tenant.ts";
import { anotherIsolate, editTenant, stoppedClock } from "../faults.ts";
import { basic, ISSUER, type World, world } from "../world.ts";
import { asOperator } from "./operator-requests.ts";
import { lastLineOf, WORKER } from "./wire.ts";

const clock = stoppedClock();

const NEW = { grants: ["client_credentials"], scopes: ["a"] };
const PATH = "/clients/billing-worker";
/** Whether a client is let in with a secret. */
const isLetIn = async (w: World, id: string, secret: string) => (await w.post("/oauth2/revoke", "token=x", [id, secret])).status === 200;
/** A client that the API added, and its secret. */
const added = async (w: World, id = "new-client", client: object = NEW) => {
  const answer = await asOperator(w, "POST", "/clients", { id, client });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as { readonly secret: string; readonly secrets: readonly { readonly hash: string; readonly since: number; readonly origin: string }[] };
};
const prefixOf = async (secret: string) => (await sha256(secret)).slice(0, 12);

describe("the list of clients, and one of them", () => {
  it("tell everything but secrets: only that they are there, and since when", async () => {
    const w = await world();
    const { secret } = await added(w);
    const list = await asOperator(w, "GET", "/clients");
    expect(list.body.clients).toContainEqual(
      expect.objectContaining({ id: "new-client", validSecrets: 1, disabled: false, authenticationMethods: ["client_secret_basic", "client_secret_post"] }),
    );
    const one = await asOperator(w, "GET", "/clients/new-client");
    expect(one.body).toMatchObject({ id: "new-client", client: { grants: ["client_credentials"] }, secrets: [{ origin: "api", since: clock.now(), by: "local", valid: true }] });
    const demo = await asOperator(w, "GET", PATH);
    expect(demo.body).toMatchObject({ developmentSecret: true, secrets: [] });
    for (const { body } of [list, one, demo]) {
      expect(JSON.stringify(body)).not.toContain(secret);
      expect(JSON.stringify(body)).not.toContain(await sha256(secret));
      expect(JSON.stringify(body)).not.toContain("billing-worker-secret");
    }
  });

  it.each([
    ["GET", "/clients/nobody"],
    ["POST", "/clients/nobody/disable"],
    ["POST", "/clients/nobody/secrets"],
    ["DELETE", "/clients/nobody/secrets/AAAAAAAA"],
    ["GET", "/clients/no%20id"],
  ])("know no client that is not there: %s %s", async (method, path) => {
    expect((await asOperator(await world(), method, path)).status).toBe(404);
  });

  it.each([
    ["GET", ""],
    ["POST", ""],
    ["GET", "/billing-worker"],
    ["POST", "/billing-worker/disable"],
    ["POST", "/billing-worker/secrets"],
    ["DELETE", "/billing-worker/secrets/AAAAAAAA"],
  ])("are for operators only: %s /clients%s", async (method, path) => {
    const w = await world();
    for (const headers of [{}, { authorization: basic(...WORKER) }] as Record<string, string>[]) {
      expect((await w.fetch(`/api/v1/clients${path}`, { method, headers })).status).toBe(401);
    }
  });
});

describe("adding a client", () => {
  it("draws its secret, says it once, keeps the hash, and logs neither", async () => {
    const w = await world();
    const { secret, secrets } = await added(w);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(secrets).toMatchObject([{ hash: await prefixOf(secret), origin: "api" }]);
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
    expect(await isLetIn(w, "new-client", `${secret}x`)).toBe(false);
    expect(w.lines.join()).not.toContain(secret);
    expect(JSON.stringify(await w.service.tenants.read(ISSUER, ["client/new-client", "access/new-client"]))).not.toContain(secret);
  });

  it("draws none where none is needed: a public client, and one with keys of its own", async () => {
    const w = await world();
    expect(await added(w, "app", { public: true, grants: ["authorization_code"], redirectUris: ["https://app.example.com/cb"] })).not.toHaveProperty("secret");
    const trusting = { authenticationMethods: ["private_key_jwt"], jwksUri: "https://app.example.com/keys", grants: ["client_credentials"] };
    expect(await added(w, "batch", trusting)).not.toHaveProperty("secret");
  });

  it("refuses an id that is taken, and leaves who has it as it was", async () => {
    const w = await world();
    expect((await asOperator(w, "POST", "/clients", { id: "billing-worker", client: NEW })).status).toBe(409);
    expect(await isLetIn(w, ...WORKER)).toBe(true);
  });

  it("judges it as a part of the whole file: what a file could not say is refused, with its place", async () => {
    const w = await world();
    for (const [client, path] of [
      [{ ...NEW, colour: "red" }, "clients.odd"],
      [{ ...NEW, trustedForHandoff: ["ghost"] }, "clients.odd.trustedForHandoff.0"],
      [{ ...NEW, resources: ["https://orders.example.com"] }, "clients.odd.resources.0"],
    ] as const) {
      const { status, body } = await asOperator(w, "POST", "/clients", { id: "odd", client });
      expect([status, body.problems.map((problem: { path: string }) => problem.path)]).toEqual([400, [path]]);
    }
    expect((await asOperator(w, "POST", "/clients", { id: "__proto__ x", client: NEW })).status).toBe(400);
    expect((await asOperator(w, "GET", "/clients/odd")).status).toBe(404);
  });

  it("stays when a file is applied that does not know it, and goes, with its secret, when told to prune", async () => {
    const w = await world();
    const { file } = await w.service.tenants.export(ISSUER);
    const { secret } = await added(w);
    await w.apply(file ?? {});
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
    await w.apply(file ?? {}, "?prune=true");
    expect(await isLetIn(w, "new-client", secret)).toBe(false);
    await added(w);
    expect(await isLetIn(w, "new-client", secret)).toBe(false);
  });
});

describe("secrets of a client", () => {
  it("two are valid at once while one takes over from the other", async () => {
    const w = await world();
    const { secret: first } = await added(w);
    const { secret: second } = (await asOperator(w, "POST", "/clients/new-client/secrets")).body;
    for (const secret of [first, second]) expect(await isLetIn(w, "new-client", secret)).toBe(true);
    expect((await asOperator(w, "POST", "/clients/new-client/secrets")).status).toBe(409);
    expect(lastLineOf(w)).toMatchObject({ reason: "client_secrets_many", client: "new-client" });
    const retired = await asOperator(w, "DELETE", `/clients/new-client/secrets/${await prefixOf(first)}`);
    expect([retired.status, retired.body.secrets.length]).toEqual([200, 1]);
    expect([await isLetIn(w, "new-client", first), await isLetIn(w, "new-client", second)]).toEqual([false, true]);
    expect((await asOperator(w, "DELETE", `/clients/new-client/secrets/${await prefixOf(first)}`)).status).toBe(200);
  });

  it("are twenty at most, where the operator asks for so many", async () => {
    const w = await world();
    await added(w);
    for (let count = 2; count <= 20; count++) expect((await asOperator(w, "POST", "/clients/new-client/secrets", { limit: 20 })).status).toBe(200);
    expect((await asOperator(w, "POST", "/clients/new-client/secrets", { limit: 20 })).status).toBe(409);
    expect((await asOperator(w, "POST", "/clients/new-client/secrets", { limit: 21 })).status).toBe(400);
  });

  it("may end by themselves, and then make room", async () => {
    const w = await world();
    await added(w);
    const { secret } = (await asOperator(w, "POST", "/clients/new-client/secrets", { expiresIn: 60 })).body;
    clock.forward(59);
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
    clock.forward(1);
    expect(await isLetIn(w, "new-client", secret)).toBe(false);
    expect((await asOperator(w, "POST", "/clients/new-client/secrets")).status).toBe(200);
  });

  it("the last one stays: without it the client could not come back", async () => {
    const w = await world();
    const { secret } = await added(w);
    expect((await asOperator(w, "DELETE", `/clients/new-client/secrets/${await prefixOf(secret)}`)).status).toBe(409);
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
  });

  it("that a file declares can be retired too, and stay so when the file is applied again", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients.stranger, { developmentSecret: undefined, secrets: [{ hash: "A".repeat(43) }] }) });
    const { secret } = (await asOperator(w, "POST", "/clients/stranger/secrets")).body;
    expect((await asOperator(w, "DELETE", `/clients/stranger/secrets/${"A".repeat(12)}`)).status).toBe(200);
    const { body } = await asOperator(w, "GET", "/clients/stranger");
    expect(body.secrets).toMatchObject([{ hash: await prefixOf(secret) }]);
    await editTenant(w, (file) => Object.assign(file.clients.stranger!, { secrets: [{ hash: "A".repeat(43) }] }));
    expect((await asOperator(w, "GET", "/clients/stranger")).body.secrets).toMatchObject([{ hash: await prefixOf(secret) }]);
    expect(await isLetIn(w, "stranger", secret)).toBe(true);
  });

  it.each(["", "short", "not!a!hash", "B".repeat(43), "A".repeat(44)])("know no hash that begins with %j", async (prefix) => {
    const w = await world();
    await added(w);
    expect((await asOperator(w, "DELETE", `/clients/new-client/secrets/${encodeURIComponent(prefix)}`)).status).toBe(404);
  });

  it("are for clients that authenticate with one", async () => {
    const w = await world();
    expect((await asOperator(w, "POST", "/clients/mobile-app/secrets")).status).toBe(409);
  });

  it("added by the API keep when a file is applied that declares the client without them", async () => {
    const w = await world();
    const { secret } = (await asOperator(w, "POST", `${PATH}/secrets`)).body;
    const file = demoTenant();
    file.clients["billing-worker"].displayName = "Changed";
    expect((await w.apply(file)).status).toBe(200);
    expect(await isLetIn(w, "billing-worker", secret)).toBe(true);
    expect(await isLetIn(w, ...WORKER)).toBe(true);
  });
});

describe("certificates of a client", () => {
  const CA = { subjectDn: "CN=new,O=Example Corporation", issuerKeyId: "0a1b2c3d4e5f60718293" };
  const GATEWAY = "/clients/gateway/certificates";

  it("are added by the subject and the CA, listed, and retired by the beginning of their id; twice is once", async () => {
    const w = await world();
    const { status, body } = await asOperator(w, "POST", GATEWAY, CA);
    expect(status, JSON.stringify(body)).toBe(200);
    const [, added] = body.certificates;
    expect(added).toEqual({ ...CA, id: expect.stringMatching(/^[\w-]{12}$/), origin: "api", since: clock.now(), by: "local" });
    expect((await asOperator(w, "POST", GATEWAY, CA)).body.certificates).toHaveLength(2);
    const retired = await asOperator(w, "DELETE", `${GATEWAY}/${added.id}`);
    expect([retired.status, retired.body.certificates]).toEqual([200, [expect.objectContaining({ origin: "file" })]]);
    expect((await asOperator(w, "DELETE", `${GATEWAY}/${added.id}`)).status).toBe(404);
  });

  it("stay with the file where the file declares them", async () => {
    const w = await world();
    const [{ id }] = (await asOperator(w, "GET", "/clients/gateway")).body.certificates;
    expect((await asOperator(w, "DELETE", `${GATEWAY}/${id}`)).status).toBe(404);
    const { secret } = await added(w);
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
  });

  it("prove the client at once, and no longer once they are retired", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients.gateway, { authenticationMethods: ["self_signed_tls_client_auth"], tlsThumbprints: ["A".repeat(43)] }) });
    const cf = {
      tlsClientAuth: {
        ...{ certPresented: "1", certVerified: "FAILED:self signed certificate", certRevoked: "0", certFingerprintSHA256: "ab".repeat(32), certSubjectDNRFC2253: "CN=x" },
        ...{ certIssuerSKI: "", certNotBefore: "Jan  1 00:00:00 2020 GMT", certNotAfter: "Jan  1 00:00:00 2120 GMT" },
      },
    };
    const init = { method: "POST", body: "grant_type=client_credentials&client_id=gateway", headers: { "content-type": "application/x-www-form-urlencoded" }, cf } as RequestInit;
    const thumbprint = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";
    expect((await w.fetch("/oauth2/token", init)).status).toBe(401);
    expect((await asOperator(w, "POST", GATEWAY, { thumbprint })).status).toBe(200);
    expect((await w.fetch("/oauth2/token", init)).status).toBe(200);
    expect((await asOperator(w, "DELETE", `${GATEWAY}/${thumbprint.slice(0, 8)}`)).status).toBe(200);
    expect((await w.fetch("/oauth2/token", init)).status).toBe(401);
  });

  it("are eighty at most, those of the file included", async () => {
    const w = await world({
      tenant: (file) => {
        const { issuerKeyId } = CA;
        Object.assign(file.clients.gateway, { tlsCertificates: Array.from({ length: 79 }, (_, n) => ({ subjectDn: `CN=${n}`, issuerKeyId })) });
      },
    });
    expect((await asOperator(w, "POST", GATEWAY, CA)).status).toBe(200);
    expect((await asOperator(w, "POST", GATEWAY, { ...CA, subjectDn: "CN=one too many" })).status).toBe(409);
    expect(lastLineOf(w)).toMatchObject({ reason: "client_certificates_many", client: "gateway" });
  });

  it.each([{}, { subjectDn: "CN=x" }, { thumbprint: "short" }, { ...CA, thumbprint: "A".repeat(43) }, { ...CA, issuerKeyId: "AB:CD" }])("are nothing else: %j", async (body) => {
    expect((await asOperator(await world(), "POST", GATEWAY, body)).status).toBe(400);
  });

  it("are for clients that authenticate with one, and of that kind", async () => {
    const w = await world();
    expect((await asOperator(w, "POST", `${PATH}/certificates`, CA)).status).toBe(409);
    expect((await asOperator(w, "POST", GATEWAY, { thumbprint: "A".repeat(43) })).status).toBe(409);
    expect((await w.fetch(`/api/v1${GATEWAY}`, { method: "POST", headers: { authorization: basic(...WORKER) } })).status).toBe(401);
  });
});

describe("how much a client may have", () => {
  const hash = (n: number) => `${String(n).padStart(3, "0")}${"A".repeat(40)}`;
  const many = <T>(length: number, make: (n: number) => T) => Array.from({ length }, (_, n) => make(n));
  const key = (n: number) => `https://keys.example.com/${n}`;
  const trust = (n: number) => ({ issuer: `https://sts${n}.example.com`, subject: "s" });
  const byKey = { authenticationMethods: ["private_key_jwt"] };
  const byTls = { authenticationMethods: ["tls_client_auth", "self_signed_tls_client_auth"] };
  const dn = (n: number) => ({ subjectDn: `CN=${n}`, issuerKeyId: "0a1b2c3d" });

  it.each<[string, object, object]>([
    ["20 secrets", { secrets: many(20, (n) => ({ hash: hash(n) })) }, { secrets: many(21, (n) => ({ hash: hash(n) })) }],
    ["20 key sets at URLs", { ...byKey, jwksUri: many(20, key) }, { ...byKey, jwksUri: many(21, key) }],
    ["20 trusted issuers beside them", { ...byKey, jwksUri: many(20, key), assertionTrusts: many(20, trust) }, { ...byKey, assertionTrusts: many(21, trust) }],
    [
      "80 certificates, of both kinds together",
      { ...byTls, tlsCertificates: many(40, dn), tlsThumbprints: many(40, hash) },
      { ...byTls, tlsCertificates: many(40, dn), tlsThumbprints: many(41, hash) },
    ],
  ])("is at most %s", async (_what, most, more) => {
    const w = await world();
    expect((await asOperator(w, "POST", "/clients", { id: "full", client: { ...NEW, ...most } })).status).toBe(200);
    const { status, body } = await asOperator(w, "POST", "/clients", { id: "fuller", client: { ...NEW, ...more } });
    expect([status, body.problems.length]).toEqual([400, 1]);
  });
});

describe("a client that the API disables", () => {
  it("is refused everywhere within the bound of configuration, until it is enabled", async () => {
    const w = await world();
    const other = await anotherIsolate(w);
    expect(await isLetIn(other, ...WORKER)).toBe(true);
    expect((await asOperator(w, "POST", `${PATH}/disable`)).body).toMatchObject({ disabled: true, disabledBy: ["api"] });
    expect(await isLetIn(w, ...WORKER)).toBe(false);
    clock.forward(10);
    expect(await isLetIn(other, ...WORKER)).toBe(false);
    expect((await asOperator(w, "POST", `${PATH}/enable`)).body).toMatchObject({ disabled: false, disabledBy: [] });
    expect(await isLetIn(w, ...WORKER)).toBe(true);
  });

  it("stays disabled when its file is applied again: an incident does not end with the next deployment", async () => {
    const w = await world();
    await asOperator(w, "POST", `${PATH}/disable`);
    const file = demoTenant();
    file.clients["billing-worker"].displayName = "Changed";
    await w.apply(file, "?prune=true");
    expect(await isLetIn(w, ...WORKER)).toBe(false);
  });

  it("is not enabled against its file", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["billing-worker"], { disabled: true }) });
    expect((await asOperator(w, "POST", `${PATH}/enable`)).status).toBe(409);
    expect(await isLetIn(w, ...WORKER)).toBe(false);
  });

  it("has been so since the first time: what is repeated makes no version", async () => {
    const w = await world();
    await asOperator(w, "POST", `${PATH}/disable`);
    const { version } = await w.service.tenants.export(ISSUER);
    await asOperator(w, "POST", `${PATH}/disable`);
    expect((await w.service.tenants.export(ISSUER)).version).toBe(version);
  });
});

describe("what is exported", () => {
  it("is what holds, so that it makes the same tenant again; applied here it changes what is declared, once", async () => {
    const w = await world();
    const { secret } = await added(w);
    await asOperator(w, "POST", `${PATH}/disable`);
    const { file } = await w.service.tenants.export(ISSUER);
    expect(file?.clients).toMatchObject({ "new-client": { secrets: [{ hash: await sha256(secret) }] }, "billing-worker": { disabled: true } });
    expect((await w.apply(file ?? {}, "?prune=true")).status).toBe(200);
    expect(await (await w.apply(file ?? {}, "?prune=true")).json()).toMatchObject({ changes: [] });
    expect(await isLetIn(w, "new-client", secret)).toBe(true);
  });
});
