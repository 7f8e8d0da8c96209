import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { consistently } from "../faults.ts";
import { agentToken, trade, withAgents } from "../http/delegation-steps.ts";
import { basic, ISSUER, introspect, login, refresh, type TenantFileInput, type Tokens } from "../world.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";

const CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const KEY = await generateKeyPair("ES256", { extractable: true });

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const EXTEND = "family.extend";
const STATUS = "family.status";
const ONCE = "single-use.use";
const { access_token: AT, refresh_token: RT, id_token: ID } = TOKEN_TYPE;

/** Agents, a batch job that proves its key, and a web app that may do everything. */
async function begun(consistency: "strong" | "edge" = "strong"): Promise<InterceptedWorld> {
  const jwk = { ...(await exportJWK(KEY.publicKey)), kid: "batch-1", alg: "ES256" };
  const tenant = (file: TenantFileInput) => {
    withAgents(file);
    file.clients["web-app"].grants.push("jwt_bearer");
    Object.assign(file.clients["batch-job"], { grants: ["client_credentials", "token_exchange"], jwks: { keys: [jwk] } });
    consistently(consistency)(file);
  };
  return await interceptedWorld({ tenant });
}

/** What a request costs when it has been made before: its configuration is warm. */
async function costOf(w: InterceptedWorld, ask: () => Promise<{ readonly status: number }>): Promise<readonly string[]> {
  const answer = async () => expect((await ask()).status, w.lines.at(-1)).toBe(200);
  await answer();
  return await w.during(answer);
}

const post = (w: InterceptedWorld, form: Record<string, string>, headers: Record<string, string> = {}, as?: readonly [string, string]) =>
  w.post("/oauth2/token", form, undefined, { ...headers, ...(as === undefined ? {} : { authorization: basic(...as) }) });

async function assertion(): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "batch-job", sub: "batch-job", aud: ISSUER, iat: now, exp: now + 60, jti: crypto.randomUUID() };
  return { client_assertion_type: CLIENT_ASSERTION_TYPE, client_assertion: await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "batch-1" }).sign(KEY.privateKey) };
}

async function proof(): Promise<Record<string, string>> {
  const claims = { htm: "POST", htu: `${ISSUER}/oauth2/token`, iat: Math.floor(Date.now() / 1000), jti: crypto.randomUUID() };
  return { dpop: await new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(KEY.publicKey) }).sign(KEY.privateKey) };
}

describe("what a strong exchange costs, whatever goes in and comes out: one call, no KV", () => {
  it("access token, opaque or not, ID token, refresh token; a set, an SSO token, an assertion grant", async () => {
    const w = await begun();
    const tokens = await login(w, "web-app");
    const opaque = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
    expect(opaque.access_token).toMatch(/^cambio_at_/);
    const forms: readonly Record<string, string>[] = [
      { subject_token: tokens.access_token, subject_token_type: AT },
      { subject_token: tokens.access_token, subject_token_type: AT, requested_token_type: AT, token_format: "jwt" },
      { subject_token: opaque.access_token, subject_token_type: AT },
      { subject_token: tokens.id_token, subject_token_type: ID, requested_token_type: ID },
      { subject_token: opaque.refresh_token, subject_token_type: RT },
      { subject_token: opaque.refresh_token, subject_token_type: RT, resource: "urn:sap:identity:sso" },
    ];
    const as = ["web-app", "web-app-secret"] as const;
    for (const form of forms) expect([form, await costOf(w, () => post(w, { grant_type: GRANT_TYPE.token_exchange, ...form }, {}, as))]).toEqual([form, [EXTEND]]);
    expect(await costOf(w, () => post(w, { grant_type: GRANT_TYPE.jwt_bearer, assertion: tokens.access_token }, {}, as))).toEqual([EXTEND]);
  });

  it("a client's own token, which no object knew of; and several targets", async () => {
    const w = await begun();
    const orders = await agentToken(w, "billing-worker", { audience: "orders-api" });
    expect(await costOf(w, () => trade(w, orders, undefined, {}, "orders-api"))).toEqual([EXTEND]);
    const { access_token } = await login(w, "travel-agent");
    const body = `${new URLSearchParams({ grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT })}&audience=hr-service&audience=assistant`;
    expect(await costOf(w, () => w.post("/oauth2/token", body, ["travel-agent", "travel-agent-secret"]))).toEqual([EXTEND]);
  });

  it("one more for each actor, in its own family, after the record; an opaque one is read before it too", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const [first, second] = [await agentToken(w, "agent-1"), await agentToken(w, "agent-2")];
    expect(await costOf(w, () => trade(w, access_token, first))).toEqual([EXTEND, STATUS]);
    const { token } = await trade(w, access_token, first);
    expect(await costOf(w, () => trade(w, token, second))).toEqual([EXTEND, STATUS, STATUS]);
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const dona = await login(w, "web-app");
    const opaque = (await (await refresh(w, "web-app", julie.refresh_token)).json()) as Tokens;
    expect(await costOf(w, () => trade(w, dona.access_token, opaque.access_token, {}, "web-app"))).toEqual([STATUS, EXTEND, STATUS]);
  });

  it("one more for each thing that is used once: a client's assertion, a proof of a key", async () => {
    const w = await begun();
    const { access_token } = (await (await post(w, { grant_type: "client_credentials", ...(await assertion()) })).json()) as Tokens;
    const form = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT };
    expect(await costOf(w, async () => post(w, { ...form, ...(await assertion()) }))).toEqual([ONCE, EXTEND]);
    expect(await costOf(w, async () => post(w, { ...form, ...(await assertion()) }, await proof()))).toEqual([ONCE, ONCE, EXTEND]);
    expect(await costOf(w, async () => post(w, { grant_type: "client_credentials", ...(await assertion()) }))).toEqual([ONCE]);
  });

  it("a refusal by configuration: nothing; by the family: one, and one after the response that keeps the reason", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    expect((await trade(w, access_token)).status).toBe(200);
    const refused = (form: Record<string, string>) => w.during(async () => expect((await trade(w, access_token, undefined, form)).status).toBe(400));
    await refused({ audience: "orders-api" });
    expect(await refused({ audience: "orders-api" })).toEqual([]);
    expect(await refused({ actor_token: "junk", actor_token_type: AT })).toEqual([]);
    expect(await refused({ scope: "salary:read" })).toEqual([EXTEND, "family.noteRefusal"]);
  });
});

describe("what comes after an exchange", () => {
  const active = (w: InterceptedWorld, token: string) => w.during(async () => expect(await introspect(w, "travel-agent", token)).toMatchObject({ active: true }));

  it("introspection: one, and one for each actor; at the edge none of them for five seconds", async () => {
    for (const consistency of ["strong", "edge"] as const) {
      await reset();
      const w = await begun(consistency);
      const { access_token } = await login(w, "travel-agent");
      const plain = (await trade(w, access_token, undefined, { audience: "travel-agent" })).token;
      const delegated = (await trade(w, access_token, await agentToken(w, "agent-1"))).token;
      for (const [token, first] of [
        [plain, [STATUS]],
        [delegated, [STATUS, STATUS]],
      ] as const) {
        expect(await active(w, token)).toEqual(first);
        expect(await active(w, token)).toEqual(consistency === "edge" ? [] : first);
      }
    }
  });

  it("refresh and revocation of what was exchanged: one each", async () => {
    const w = await begun();
    const { access_token } = await login(w, "front-end-app");
    const forBack = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, audience: "back-end-api" };
    const as = ["front-end-app", "front-end-app-secret"] as const;
    expect(await costOf(w, () => post(w, forBack, {}, as))).toEqual([EXTEND]);
    const { refresh_token } = (await (await post(w, forBack, {}, as)).json()) as Tokens;
    expect(await costOf(w, () => refresh(w, "front-end-app", refresh_token))).toEqual(["family.refresh"]);
    expect(await costOf(w, () => w.post("/oauth2/revoke", { token: refresh_token }, as))).toEqual(["family.revoke"]);
  });
});
