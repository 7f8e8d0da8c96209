import { describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, stoppedClock } from "../faults.ts";
import { exchange, introspect, login, payloadOf, refresh, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { AGENTS, agentToken, trade, withAgents } from "./delegation-steps.ts";
import { onHttps } from "./login-steps.ts";

const clock = stoppedClock();

const REFUSED = { status: 400, error: "invalid_request" };
const TOO_DEEP = { ...REFUSED, reason: "subject_depth" };
const DEAD = { active: false };
const OTHER = "https://other.example.com";

/** A tenant in which a chain may have so many exchanges behind it. */
const upTo = (maxHops: number) => (file: TenantFileInput) => {
  withAgents(file);
  Object.assign(file, { tokenPolicy: { maxHops } });
};

describe("DEP-01 a chain of exactly as many exchanges as are allowed, and one more", () => {
  it("of impersonation only, from client to client", async () => {
    const w = await world({ tenant: upTo(3) });
    let { access_token: token } = await login(w, "travel-agent");
    const { sub } = payloadOf(token);
    for (const [client, audience] of [
      ["travel-agent", "assistant"],
      ["assistant", "scheduler"],
      ["scheduler", "hr-service"],
    ] as const) {
      const next = await trade(w, token, undefined, { audience }, client);
      expect([client, next.status]).toEqual([client, 200]);
      token = next.token;
    }
    expect([payloadOf(token).sub, payloadOf(token).act]).toEqual([sub, undefined]);
    expect(await trade(w, token, undefined, {}, "hr-service")).toMatchObject(TOO_DEEP);
  });

  it("of delegation only, each with another actor", async () => {
    const w = await world({ tenant: upTo(3) });
    let { access_token: token } = await login(w, "travel-agent");
    for (const agent of AGENTS.slice(0, 3)) {
      const next = await trade(w, token, await agentToken(w, agent));
      expect(next.status).toBe(200);
      token = next.token;
    }
    expect(await trade(w, token, await agentToken(w, "agent-4"))).toMatchObject(TOO_DEEP);
  });

  it("DEP-05 by the least limit of tenant, requester and target, hop by hop", async () => {
    const limits = { "travel-agent": 3, "hr-service": 1 } as const;
    const w = await world({
      tenant: (file) => {
        upTo(5)(file);
        for (const [client, maxHops] of Object.entries(limits)) Object.assign(file.clients[client as keyof typeof limits], { tokenPolicy: { maxHops } });
      },
    });
    let { access_token: token } = await login(w, "travel-agent");
    expect((await trade(w, token, undefined, { audience: "hr-service" })).status).toBe(200);
    for (let hop = 1; hop <= limits["travel-agent"]; hop++) {
      const next = await trade(w, token);
      expect(next.status).toBe(200);
      token = next.token;
      // One hop is what this target takes; another takes what the requester may.
      expect(await trade(w, token, undefined, { audience: "hr-service" })).toMatchObject(TOO_DEEP);
      expect((await trade(w, token, undefined, { audience: "assistant" })).status).toBe(hop < limits["travel-agent"] ? 200 : 400);
    }
    expect(await trade(w, token)).toMatchObject(TOO_DEEP);
  });

  it("of everything in turn: access token, refreshed, its ID token, its refresh token, and an actor at the end", async () => {
    const w = await world({ tenant: upTo(4) });
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const ask = async (token: string, type: keyof typeof TOKEN_TYPE, extra: Record<string, string> = {}) => {
      const { status, body } = await exchange(w, "web-app", { subject_token: token, subject_token_type: TOKEN_TYPE[type], ...extra });
      return { status, reason: JSON.parse(w.lines.at(-1) ?? "").reason, tokens: body as unknown as Tokens };
    };
    const refreshed = async ({ refresh_token }: Tokens) => (await (await refresh(w, "web-app", refresh_token)).json()) as Tokens;
    const acting = { actor_token: julie.access_token, actor_token_type: TOKEN_TYPE.access_token };
    const first = await ask((await login(w, "web-app")).access_token, "access_token");
    const second = await ask((await refreshed(first.tokens)).id_token, "id_token");
    const third = await ask(second.tokens.refresh_token, "refresh_token");
    const renewed = await refreshed(third.tokens);
    const fourth = await ask(renewed.access_token, "access_token");
    const delegated = await ask(renewed.access_token, "access_token", acting);
    expect([first, second, third, fourth, delegated].map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    for (const type of ["access_token", "id_token", "refresh_token"] as const) {
      expect(await ask(fourth.tokens[type], type)).toMatchObject({ status: 400, reason: "subject_depth" });
    }
    expect(await ask((await refreshed(fourth.tokens)).access_token, "access_token")).toMatchObject({ status: 400, reason: "subject_depth" });
    const again = { actor_token: (await login(w, "web-app", { user: "julie.armstrong" })).id_token, actor_token_type: TOKEN_TYPE.id_token };
    expect((await ask(fourth.tokens.access_token, "access_token", again)).reason).toBe("subject_depth");
  });
});

describe("A → B → C, and A is revoked", () => {
  it.each(["jwt", "opaque"] as const)("TX-20 B and C (%s) are dead everywhere at once, whatever has been asked about them before", async (accessTokenFormat) => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["back-end-api"], { tokenPolicy: { accessTokenFormat } }) });
    const other = await anotherIsolate(w);
    const a = await login(w, "front-end-app");
    const forBack = { subject_token: a.access_token, audience: "back-end-api" };
    const set = (await exchange(w, "front-end-app", forBack)).body as unknown as Tokens;
    const own = { subject_token_type: TOKEN_TYPE.access_token, requested_token_type: TOKEN_TYPE.access_token };
    const c = String((await exchange(w, "back-end-api", { subject_token: set.access_token, ...own })).body.access_token);
    expect([set.access_token, c].map((token) => token.startsWith("cambio_at_"))).toEqual(Array(2).fill(accessTokenFormat === "opaque"));
    const dead = async (isolate: World, token: string) => ({
      introspection: await introspect(isolate, "back-end-api", token),
      userinfo: (await isolate.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })).status,
      exchange: (await exchange(isolate, "back-end-api", { subject_token: token, ...own })).status,
      list: await (await isolate.post("/oauth2/token/list", { token }, ["back-end-api", "back-end-api-secret"])).json(),
    });
    for (const isolate of [w, other]) expect(await dead(isolate, c)).toMatchObject({ introspection: { active: true }, userinfo: 200, exchange: 200, list: expect.any(Array) });
    expect((await w.post("/oauth2/revoke", { token: a.access_token }, ["front-end-app", "front-end-app-secret"])).status).toBe(200);
    for (const isolate of [w, other]) {
      for (const token of [set.access_token, c]) expect(await dead(isolate, token)).toEqual({ introspection: DEAD, userinfo: 401, exchange: 400, list: [] });
      expect((await refresh(isolate, "front-end-app", set.refresh_token)).status).toBe(400);
      expect((await exchange(isolate, "front-end-app", forBack)).body.error).toBe("invalid_request");
    }
  });
});

describe("TX-19 a subject token of ours", () => {
  const lifetimes = { accessTokenLifetime: 60, opaqueTokenLifetime: 60, idTokenLifetime: 60, refreshTokenLifetime: 60 };

  // External tokens have a skew of ten seconds: see what concerns assertions.
  it("of every kind is good until the second before its expiry, and from then on not: without any skew", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["web-app"], { tokenPolicy: lifetimes }) });
    const tokens = await login(w, "web-app");
    const opaque = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
    expect(opaque.access_token).toMatch(/^cambio_at_/);
    const subjects = [
      [tokens.access_token, TOKEN_TYPE.access_token],
      [opaque.access_token, TOKEN_TYPE.access_token],
      [tokens.id_token, TOKEN_TYPE.id_token],
      [opaque.refresh_token, TOKEN_TYPE.refresh_token],
    ] as const;
    for (const [forward, status] of [
      [59, 200],
      [1, 400],
      [1, 400],
      [10, 400],
      [50, 400],
    ] as const) {
      clock.forward(forward);
      for (const [subject_token, subject_token_type] of subjects) {
        const answer = await exchange(w, "web-app", { subject_token, subject_token_type, requested_token_type: TOKEN_TYPE.access_token });
        expect([subject_token_type, answer.status, answer.body.error]).toEqual([subject_token_type, status, status === 200 ? undefined : "invalid_request"]);
      }
    }
  });
});

describe("TX-26 a token of another tenant that has the same keys, clients and users", () => {
  it("is no subject here, no actor and no assertion; at home it is", async () => {
    const jwtBearer = (file: TenantFileInput) => void file.clients["web-app"].grants.push("jwt_bearer");
    const theirs = onHttps(OTHER);
    const b = await world({
      ...theirs,
      tenant: (file) => {
        theirs.tenant?.(file);
        jwtBearer(file);
      },
    });
    const foreign = await login(b, "web-app", { user: "julie.armstrong" });
    const opaque = (await (await refresh(b, "web-app", foreign.refresh_token)).json()) as Tokens;
    const a = await world({ tenant: jwtBearer });
    const own = await login(a, "web-app");
    const tokens = [
      [foreign.access_token, TOKEN_TYPE.access_token],
      [opaque.access_token, TOKEN_TYPE.access_token],
      [foreign.id_token, TOKEN_TYPE.id_token],
      [opaque.refresh_token, TOKEN_TYPE.refresh_token],
    ] as const;
    const subject = { subject_token: own.access_token, subject_token_type: TOKEN_TYPE.access_token };
    const bearer = (w: World) => w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: foreign.access_token }, ["web-app", "web-app-secret"]);
    for (const [token, type] of tokens) {
      const asSubject = { subject_token: token, subject_token_type: type };
      expect([type, (await exchange(a, "web-app", asSubject)).body.error]).toEqual([type, "invalid_request"]);
      expect([type, (await exchange(a, "web-app", { ...subject, actor_token: token, actor_token_type: type })).body.error]).toEqual([type, "invalid_request"]);
      expect([type, (await exchange(b, "web-app", asSubject)).status]).toEqual([type, 200]);
    }
    expect(await (await bearer(a)).json()).toMatchObject({ error: "invalid_grant" });
    expect((await bearer(b)).status).toBe(200);
  });
});
