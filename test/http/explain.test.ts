import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { type InterceptedWorld, interceptedWorld } from "../worker/intercepted.ts";
import { exchange, ISSUER, login, payloadOf, type World } from "../world.ts";

beforeEach(reset);

type Explanation = Readonly<Record<string, unknown>>;
const PATH = "/oauth2/exchange/explain";
const { access_token: AT } = TOKEN_TYPE;

async function explain(w: World, client: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Explanation> {
  const answer = await w.post(PATH, form, [client, `${client}-secret`], headers);
  expect(answer.status, w.lines.at(-1)).toBe(200);
  return await answer.json();
}

/** What an exchange gives must be what was explained: the same request, both ways. */
async function bothWays(w: InterceptedWorld, client: string, form: Record<string, string>) {
  const explained = await explain(w, client, form);
  return { explained, given: await exchange(w, client, form) };
}

describe("explaining an exchange that is permitted", () => {
  it("names the permission, what was narrowed and why, the claims as they will be, and what depth and time remain", async () => {
    const w = await interceptedWorld();
    const { access_token } = await login(w, "front-end-app");
    const { explained, given } = await bothWays(w, "front-end-app", { subject_token: access_token, audience: "back-end-api" });
    const claims = payloadOf(String(given.body.access_token));
    expect(explained).toMatchObject({
      permitted: true,
      subject: { kind: "access_token", client: "front-end-app", hops: 0 },
      targets: [{ client: "back-end-api", permission: "back-end-api", token_types: ["access_token", "refresh_token", "id_token"] }],
      claims: { aud: ["back-end-api"], azp: "front-end-app", roles: ["backend_user"], resource_access: { "back-end-api": { roles: ["backend_user"] } } },
      gives: ["access_token", "refresh_token"],
      remaining: { hops: 4, exchanges: 999, exchange_period: expect.any(Number), expires_in: expect.any(Number) },
    });
    const { aud: _aud, ...told } = explained.claims as Record<string, unknown>;
    expect(claims).toMatchObject(told);
  });

  it("says which scope was left out, and that the life of the subject token is the limit", async () => {
    const w = await interceptedWorld({ tenant: (file) => void Object.assign(file.clients["travel-agent"], { tokenPolicy: { accessTokenLifetime: 60, opaqueTokenLifetime: 60 } }) });
    const { access_token } = await login(w, "travel-agent");
    const explained = await explain(w, "travel-agent", { subject_token: access_token, subject_token_type: AT, audience: "hr-service" });
    expect(explained.narrowed).toEqual(expect.arrayContaining([expect.stringMatching(/^scope: .*openid/)]));
    const { remaining } = explained as { remaining: { expires_in: number } };
    expect(remaining.expires_in).toBeLessThanOrEqual(60);
    const itself = await explain(w, "travel-agent", { subject_token: access_token, subject_token_type: AT });
    expect(itself).toMatchObject({ permitted: true, targets: [{ client: "travel-agent", self: true }], narrowed: [] });
  });

  it("issues nothing and records nothing, however often", async () => {
    const w = await interceptedWorld({ tenant: (file) => void Object.assign(file.clients["travel-agent"], { tokenPolicy: { exchangeBudget: 1 } }) });
    const { access_token, refresh_token } = await login(w, "travel-agent");
    const form = { subject_token: access_token, subject_token_type: AT, audience: "hr-service" };
    const calls = await w.during(async () => {
      for (let n = 0; n < 3; n++) expect(JSON.stringify(await explain(w, "travel-agent", form))).not.toMatch(/eyJ[\w-]{20}|cambio_[a-z]+_/);
    });
    expect(calls.filter((call) => call.startsWith("family."))).toEqual(["family.status", "family.status", "family.status"]);
    const { family } = JSON.parse(w.lines.at(-1) ?? "") as { family: string };
    const trace = await w.service.families.trace(family);
    expect(trace.ok && trace.nodes.length).toBe(1);
    expect((await exchange(w, "travel-agent", form)).status).toBe(200);
    expect(refresh_token).toMatch(/^cambio_rt_/);
  });

  it.each([
    ["an access token", AT, "access_token"],
    ["a refresh token", TOKEN_TYPE.refresh_token, "refresh_token"],
  ] as const)("counts the exchanges of %s, and says when it has been exchanged as often as allowed", async (_what, subject_token_type, name) => {
    const w = await interceptedWorld({ tenant: (file) => void Object.assign(file.clients["web-app"], { tokenPolicy: { exchangeBudget: 2 } }) });
    const form = { subject_token: (await login(w, "web-app"))[name], subject_token_type };
    for (const exchanges of [1, 0]) {
      expect(await explain(w, "web-app", form)).toMatchObject({ permitted: true, remaining: { exchanges } });
      expect((await exchange(w, "web-app", form)).status).toBe(200);
    }
    expect(await explain(w, "web-app", form)).toMatchObject({ permitted: false, reason: "subject_budget", error: "invalid_request" });
    expect((await exchange(w, "web-app", form)).body.error).toBe("invalid_request");
  });
});

describe("explaining an exchange that is refused", () => {
  it.each([
    ["scope_exceeds", { scope: "hr-service|salary:read" }],
    ["target_not_permitted", { audience: "orders-api" }],
    ["target_not_permitted", { scope: "hr-service|level:read", audience: "orders-api" }],
    ["requested_type_unsupported", { requested_token_type: TOKEN_TYPE.refresh_token }],
    ["subject_type_differs", { subject_token_type: AT, subject_token: "id" }],
    ["missing_parameter", { subject_token_type: "" }],
  ])("says %s for %j, as the exchange refuses it", async (reason, change) => {
    const w = await interceptedWorld();
    const { access_token, id_token } = await login(w, "travel-agent");
    const form: Record<string, string> = { subject_token: access_token, subject_token_type: AT, audience: "hr-service", ...change };
    if (form.subject_token === "id") form.subject_token = id_token;
    if ("scope" in change && !("audience" in change)) delete form.audience;
    const { explained, given } = await bothWays(w, "travel-agent", form);
    expect(explained).toMatchObject({ permitted: false, error: given.body.error, error_description: given.body.error_description });
    expect([explained.reason, given.status]).toEqual([reason, 400]);
  });

  it("says at which depth, and when the actor is dead though the subject lives", async () => {
    const w = await interceptedWorld({ tenant: (file) => void Object.assign(file.clients["travel-agent"], { tokenPolicy: { maxHops: 0 } }) });
    const { access_token } = await login(w, "travel-agent");
    expect(await explain(w, "travel-agent", { subject_token: access_token, subject_token_type: AT })).toMatchObject({ permitted: false, reason: "subject_depth" });
    const web = (await login(w, "web-app")).access_token;
    const actor = (await login(w, "web-app", { user: "julie.armstrong" })).access_token;
    const form = { subject_token: web, subject_token_type: AT, requested_token_type: AT, actor_token: actor, actor_token_type: AT, token_format: "jwt" };
    expect(await explain(w, "web-app", form)).toMatchObject({ permitted: true, claims: { act: { client_id: "web-app" } } });
    await w.post("/oauth2/revoke", { token: actor }, ["web-app", "web-app-secret"]);
    const { explained, given } = await bothWays(w, "web-app", form);
    expect([explained.reason, given.status]).toEqual(["actor_dead", 400]);
  });

  it("asks for the proof of a bound token as the exchange does", async () => {
    const w = await interceptedWorld();
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const proof = (path: string) =>
      new SignJWT({ htm: "POST", htu: `${ISSUER}${path}`, jti: crypto.randomUUID() }).setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk }).setIssuedAt().sign(privateKey);
    const own = await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"], { dpop: await proof("/oauth2/token") });
    const form = { subject_token: ((await own.json()) as { access_token: string }).access_token, subject_token_type: AT };
    expect(await explain(w, "billing-worker", form)).toMatchObject({ permitted: false, reason: "subject_unproven" });
    expect(await explain(w, "billing-worker", form, { dpop: await proof(PATH) })).toMatchObject({ permitted: true });
  });
});

describe("who may ask", () => {
  it("clients for themselves, with their credentials and the grant; nobody for another", async () => {
    const w = await interceptedWorld({ tenant: (file) => void file.clients["back-end-api"].grants.splice(0, 1) });
    const { access_token } = await login(w, "travel-agent");
    const form = { subject_token: access_token, subject_token_type: AT };
    expect((await w.post(PATH, form)).status).toBe(401);
    expect((await w.post(PATH, { ...form, client_id: "travel-agent" })).status).toBe(401);
    expect((await w.post(PATH, { ...form, client_id: "travel-agent" }, ["stranger", "stranger-secret"])).status).toBe(400);
    expect((await w.post(PATH, form, ["back-end-api", "back-end-api-secret"])).status).toBe(400);
    expect((await w.post(PATH, form, ["travel-agent", "travel-agent-secret"])).status).toBe(200);
  });
});
