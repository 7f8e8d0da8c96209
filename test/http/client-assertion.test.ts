import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { outcomeOf, UNAVAILABLE } from "../faults.ts";
import { ISSUER, login, type TenantFileInput, type World, world } from "../world.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWKS_URI = "http://localhost:8788/jwks";
const BATCH = await generateKeyPair("ES256", { extractable: true });
const STRANGER = await generateKeyPair("ES256", { extractable: true });
const BATCH_JWK = { ...(await exportJWK(BATCH.publicKey)), kid: "batch-1", alg: "ES256" };

beforeEach(reset);

const seconds = () => Math.floor(Date.now() / 1000);

function withBatchJob(change: Record<string, unknown> = {}) {
  return (file: TenantFileInput) => {
    Object.assign(file.clients, { "batch-job": { grants: ["client_credentials"], authenticationMethods: ["private_key_jwt"], jwks: { keys: [BATCH_JWK] }, ...change } });
  };
}

async function assertion(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key: CryptoKey = BATCH.privateKey): Promise<string> {
  const payload = { iss: "batch-job", sub: "batch-job", aud: ISSUER, iat: seconds(), exp: seconds() + 300, jti: crypto.randomUUID(), ...claims };
  return await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "batch-1", ...header }).sign(key);
}

const ask = (w: World, text: string, extra: Record<string, string> = {}, as?: readonly [string, string]) =>
  w.post("/oauth2/token", { grant_type: "client_credentials", client_assertion_type: ASSERTION_TYPE, client_assertion: text, ...extra }, as);

describe("private_key_jwt, by the client's own key", () => {
  it("proves the client, with its id as parameter or without", async () => {
    const w = await world({ tenant: withBatchJob() });
    expect((await ask(w, await assertion(), { audience: "orders-api" })).status).toBe(200);
    expect((await ask(w, await assertion(), { client_id: "batch-job" })).status).toBe(200);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ["CA-24 iss and sub differ", { iss: "somebody" }],
    ["CA-24 no sub", { sub: undefined }],
    ["CA-24 no iss", { iss: undefined }],
    ["CA-30 no jti", { jti: undefined }],
    ["CA-30 a jti of 10 KB", { jti: "j".repeat(10_000) }],
    ["CA-30 control characters in jti", { jti: "a\u0000b" }],
    ["no exp", { exp: undefined }],
    ["exp an hour ahead", { exp: seconds() + 3600 }],
    ["exp a minute ago", { exp: seconds() - 60 }],
    ["CA-26 iat a minute and more ahead", { iat: seconds() + 70 }],
    ["CA-26 CON-53 iat 61 s ahead", { iat: seconds() + 61 }],
    ["CA-26 nbf a minute and more ahead", { nbf: seconds() + 70 }],
    ["another audience", { aud: "https://elsewhere.example.com" }],
    ["the audience as a list", { aud: [ISSUER] }],
    ["the token endpoint as audience, where the dialect has the issuer alone", { aud: `${ISSUER}/oauth2/token` }],
    ["CA-31 an unknown kid", {}, { kid: "../../x" }],
    ["CA-34 the typ of an access token", {}, { typ: "at+jwt" }],
    ["CA-34 the typ of a logout token", {}, { typ: "logout+jwt" }],
    ["CA-34 the typ of a proof", {}, { typ: "dpop+jwt" }],
  ])("is refused: %s", async (_name, claims, header = {}) => {
    const w = await world({ tenant: withBatchJob() });
    const answer = await ask(w, await assertion(claims, header), { client_id: "batch-job" });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([401, "invalid_client"]);
  });

  it("CA-26 CON-53 accepts a clock eight seconds ahead, and one ten seconds behind", async () => {
    const w = await world({ tenant: withBatchJob() });
    expect((await ask(w, await assertion({ iat: seconds() + 8, nbf: seconds() + 8 }))).status).toBe(200);
    // What it calls the end of its assertion is ten seconds past here.
    expect((await ask(w, await assertion({ iat: seconds() - 20, exp: seconds() - 8 }))).status).toBe(200);
  });

  it("CA-36 is refused when another key has signed it, and changes nothing for the right one", async () => {
    const w = await world({ tenant: withBatchJob() });
    const jti = crypto.randomUUID();
    expect((await ask(w, await assertion({ jti }, {}, STRANGER.privateKey))).status).toBe(401);
    expect((await ask(w, await assertion({ jti }))).status).toBe(200);
  });

  it("CA-27, regression 22: is used once", async () => {
    const w = await world({ tenant: withBatchJob() });
    const text = await assertion();
    expect((await ask(w, text)).status).toBe(200);
    expect((await ask(w, text)).status).toBe(401);
    expect((await ask(await world({ tenant: withBatchJob() }), text)).status).toBe(401);
  });

  it("CA-28 of twenty at once exactly one succeeds", async () => {
    const w = await world({ tenant: withBatchJob() });
    const text = await assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(w, text)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  it("CA-02 is not combined with anything else", async () => {
    const w = await world({ tenant: withBatchJob() });
    expect((await ask(w, await assertion(), {}, ["batch-job", "x"])).status).toBe(400);
    expect((await ask(w, await assertion(), { client_id: "batch-job", client_secret: "x" })).status).toBe(400);
  });

  it("CA-38 needs its type, and the right one", async () => {
    const w = await world({ tenant: withBatchJob() });
    expect((await w.post("/oauth2/token", { grant_type: "client_credentials", client_assertion: await assertion(), client_id: "batch-job" })).status).toBe(401);
    expect((await ask(w, await assertion(), { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" })).status).toBe(401);
  });

  it("CA-22 a secret does not stand for it, nor it for a secret", async () => {
    const w = await world({ tenant: withBatchJob() });
    expect((await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["batch-job", "batch-job-secret"])).status).toBe(401);
    expect((await ask(w, await assertion({ iss: "billing-worker", sub: "billing-worker" }))).status).toBe(401);
  });

  it("CA-34 no token of ours stands for it", async () => {
    const w = await world({ tenant: withBatchJob() });
    const tokens = await login(w, "web-app");
    for (const token of [tokens.id_token, tokens.access_token]) expect((await ask(w, token, { client_id: "web-app" })).status).toBe(401);
  });

  it("accepts the token endpoint as audience where the dialect has it", async () => {
    const w = await world({ tenant: withBatchJob({ dialect: "idaas" }) });
    expect((await ask(w, await assertion({ aud: `${ISSUER}/oauth2/token` }))).status).toBe(200);
  });
});

describe("private_key_jwt, by a key set at a URL", () => {
  const byUrl = withBatchJob({ jwks: undefined, jwksUri: JWKS_URI });

  it("fetches it once, and once more for a new key after the interval", async () => {
    const w = await world({ tenant: byUrl });
    w.idp.scripts.keys = () => Response.json({ keys: [BATCH_JWK] });
    expect((await ask(w, await assertion())).status).toBe(200);
    expect((await ask(w, await assertion())).status).toBe(200);
    expect(w.idp.requests).toEqual([`GET ${JWKS_URI}`]);
    for (let n = 0; n < 20; n++) expect((await ask(w, await assertion({}, { kid: `unknown-${n}` }), { client_id: "batch-job" })).status).toBe(401);
    expect(w.idp.requests).toEqual([`GET ${JWKS_URI}`]);
  });

  it.each([
    ["a fault of its host", () => new Response("down", { status: 503 })],
    ["a page", () => new Response("<p>moved", { status: 404, headers: { "content-type": "text/html" } })],
    ["no key set", () => Response.json({ error: "not_found" }, { status: 404 })],
  ])("answers 503 for %s in its place: the assertion was not judged, and no failure counts", async (_what, keys) => {
    const w = await world({ tenant: byUrl });
    w.idp.scripts.keys = keys;
    expect(await outcomeOf(await ask(w, await assertion()))).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await ask(w, await assertion()))).toEqual(UNAVAILABLE);
  });
});

describe("private_key_jwt, by key sets at several URLs", () => {
  const TWO = [JWKS_URI, "http://localhost:8788/token"] as const;
  const byUrls = withBatchJob({ jwks: undefined, jwksUri: TWO });

  it("finds its key in whichever has it; one that is down decides nothing where another has the key", async () => {
    const w = await world({ tenant: byUrls });
    w.idp.scripts.keys = () => new Response("down", { status: 503 });
    w.idp.scripts.token = () => Response.json({ keys: [BATCH_JWK] });
    expect((await ask(w, await assertion())).status).toBe(200);
    expect((await ask(w, await assertion({}, { kid: "of-neither" }), { client_id: "batch-job" })).status).toBe(503);
  });

  it("is refused where none of them has it", async () => {
    const w = await world({ tenant: byUrls });
    w.idp.scripts.token = () => Response.json({ keys: [BATCH_JWK] });
    expect((await ask(w, await assertion({}, {}, STRANGER.privateKey))).status).toBe(401);
    expect((await ask(w, await assertion())).status).toBe(200);
  });
});

describe("private_key_jwt, by an issuer that the client trusts", () => {
  const FOREIGN = "http://localhost:8788";
  const trusting = withBatchJob({ jwks: undefined, assertionTrusts: [{ issuer: FOREIGN, jwksUri: JWKS_URI, subject: "workload-7" }] });
  const foreign = (claims: Record<string, unknown> = {}) => assertion({ iss: FOREIGN, sub: "workload-7", ...claims });

  it("proves the client that the request names", async () => {
    const w = await world({ tenant: trusting });
    w.idp.scripts.keys = () => Response.json({ keys: [BATCH_JWK] });
    expect((await ask(w, await foreign(), { client_id: "batch-job" })).status).toBe(200);
  });

  it("is refused without a name, with another subject, issuer or audience", async () => {
    const w = await world({ tenant: trusting });
    w.idp.scripts.keys = () => Response.json({ keys: [BATCH_JWK] });
    expect((await ask(w, await foreign())).status).toBe(401);
    expect((await ask(w, await foreign({ sub: "workload-8" }), { client_id: "batch-job" })).status).toBe(401);
    expect((await ask(w, await foreign({ iss: "https://elsewhere.example.com" }), { client_id: "batch-job" })).status).toBe(401);
    expect((await ask(w, await foreign({ aud: "https://elsewhere.example.com" }), { client_id: "batch-job" })).status).toBe(401);
    expect((await ask(w, await foreign(), { client_id: "orders-api" })).status).toBe(401);
  });
});
