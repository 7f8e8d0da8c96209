import { describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, editTenant, stoppedClock } from "../faults.ts";
import { exchange, introspect, login, payloadOf, type TenantFileInput, type Tokens, type World, world } from "../world.ts";
import { AGENTS, agentToken, trade, withAgents } from "./delegation-steps.ts";

const clock = stoppedClock();

const REFUSED = { status: 400, error: "invalid_request" };
const DEAD = { active: false };
const AGENT = ["travel-agent", "travel-agent-secret"] as const;
const begun = (change: (file: TenantFileInput) => void = () => undefined) =>
  world({
    tenant: (file) => {
      withAgents(file);
      change(file);
    },
  });
const revoke = (w: World, token: string, client = "travel-agent") => w.post("/oauth2/revoke", { token }, [client, `${client}-secret`]);

describe("who may be an actor", () => {
  it("an actor of each kind: a client, a user's access token, opaque or not, an ID token", async () => {
    const w = await begun((file) => Object.assign(file.clients["web-app"], { tokenPolicy: { accessTokenFormat: "opaque" } }));
    const dona = await login(w, "web-app");
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const { sub } = payloadOf(julie.id_token);
    expect(julie.access_token).toMatch(/^cambio_at_/);
    const asked = { requested_token_type: TOKEN_TYPE.access_token, token_format: "jwt" };
    const opaque = await trade(w, dona.access_token, julie.access_token, asked, "web-app");
    expect([opaque.status, payloadOf(opaque.token).act]).toEqual([200, { sub, client_id: "web-app" }]);
    const byId = await trade(w, dona.access_token, julie.id_token, { ...asked, actor_token_type: TOKEN_TYPE.id_token }, "web-app");
    expect([byId.status, payloadOf(byId.token).act]).toEqual([200, { sub, client_id: "web-app" }]);
    const agent = await login(w, "travel-agent");
    const own = await trade(w, agent.access_token, await agentToken(w, "agent-1"));
    expect(payloadOf(own.token)).toMatchObject({ sub: payloadOf(agent.access_token).sub, act: { sub: "agent-1", client_id: "agent-1" } });
  });

  it("nobody twice in one chain, nobody for oneself, nobody who is acted for, and four at most", async () => {
    const w = await begun((file) => Object.assign(file, { tokenPolicy: { maxHops: 7 } }));
    const { access_token, id_token } = await login(w, "travel-agent");
    expect(await trade(w, access_token, access_token)).toMatchObject({ ...REFUSED, reason: "actor_is_subject" });
    expect(await trade(w, access_token, id_token, { actor_token_type: TOKEN_TYPE.id_token })).toMatchObject({ ...REFUSED, reason: "actor_is_subject" });
    const actors = await Promise.all(AGENTS.map((agent) => agentToken(w, agent)));
    let { token } = await trade(w, access_token, actors[0]);
    const delegated = token;
    expect(await trade(w, token, actors[0])).toMatchObject({ ...REFUSED, reason: "actor_repeated" });
    const { access_token: other } = await login(w, "travel-agent", { user: "julie.armstrong" });
    expect(await trade(w, other, delegated)).toMatchObject({ ...REFUSED, reason: "actor_delegated" });
    for (const actor of actors.slice(1, 4)) {
      const next = await trade(w, token, actor);
      expect(next.status).toBe(200);
      token = next.token;
    }
    // Not only the last one: the whole chain is looked at.
    expect(await trade(w, token, actors[1])).toMatchObject({ ...REFUSED, reason: "actor_repeated" });
    expect(await trade(w, token, actors[4])).toMatchObject({ ...REFUSED, reason: "actor_too_many" });
    const chain = ["agent-4", "agent-3", "agent-2", "agent-1"].reduceRight<object | undefined>(
      (act, agent) => ({ sub: agent, client_id: agent, ...(act === undefined ? {} : { act }) }),
      undefined,
    );
    expect(payloadOf(token).act).toEqual(chain);
  });

  it("regression: no client that is disabled or cut off, neither as the new actor nor as an earlier one", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const [first, second] = [await agentToken(w, "agent-1"), await agentToken(w, "agent-2")];
    const { token } = await trade(w, access_token, first);
    clock.forward(1);
    for (const change of [{ disabled: true }, { cutoff: clock.now() }]) {
      await editTenant(w, (file) => void Object.assign(file.clients["agent-1"] ?? {}, { disabled: false, ...change }));
      expect(await trade(w, access_token, first)).toMatchObject({ ...REFUSED, reason: "actor_dead" });
      expect(await trade(w, token, second)).toMatchObject({ ...REFUSED, reason: "actor_dead" });
      expect(await introspect(w, "travel-agent", token)).toEqual(DEAD);
    }
    expect((await trade(w, access_token, second)).status).toBe(200);
  });
});

describe("a chain of actors is never laundered away", () => {
  it("not by leaving the actor out, not by another type, not by an assertion grant, not by a refresh token", async () => {
    const w = await begun((file) => file.clients["web-app"].grants.push("jwt_bearer"));
    const dona = await login(w, "web-app");
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const acting = { actor_token: julie.access_token, actor_token_type: TOKEN_TYPE.access_token };
    const ask = (form: Record<string, string>) => exchange(w, "web-app", { subject_token: dona.access_token, subject_token_type: TOKEN_TYPE.access_token, ...form });
    const set = await ask(acting);
    expect([set.status, Object.keys(set.body).includes("refresh_token")]).toEqual([200, false]);
    expect((await ask({ ...acting, resource: "urn:sap:identity:sso" })).body.error).toBe("invalid_request");
    const idToken = await ask({ ...acting, requested_token_type: TOKEN_TYPE.id_token });
    const jwt = await ask({ ...acting, requested_token_type: TOKEN_TYPE.access_token, token_format: "jwt" });
    for (const [token, type] of [
      [set.body.access_token, TOKEN_TYPE.access_token],
      [jwt.body.access_token, TOKEN_TYPE.jwt],
      [idToken.body.access_token, idToken.body.issued_token_type],
    ] as const) {
      const { body } = await ask({ subject_token: String(token), subject_token_type: String(type) });
      expect([type, body.error, JSON.parse(w.lines.at(-1) ?? "").reason]).toEqual([type, "invalid_request", "subject_needs_actor"]);
    }
    const bearer = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: String(jwt.body.access_token) }, ["web-app", "web-app-secret"]);
    expect(await bearer.json()).toMatchObject({ error: "invalid_grant" });
    const plain = await w.post("/oauth2/token", { grant_type: GRANT_TYPE.jwt_bearer, assertion: dona.access_token }, ["web-app", "web-app-secret"]);
    expect(plain.status).toBe(200);
  });

  it("TX-49 may_act: the one that it names acts, nobody else, and not nobody; from access token, ID token and refresh token alike", async () => {
    const w = await begun((file) => Object.assign(file.clients["travel-agent"], { mayAct: "agent-1", dialect: "rfc8693" }));
    const tokens = await login(w, "travel-agent");
    const subjects = [
      [tokens.access_token, TOKEN_TYPE.access_token],
      [tokens.id_token, TOKEN_TYPE.id_token],
      [tokens.refresh_token, TOKEN_TYPE.refresh_token],
    ] as const;
    const [named, another] = [await agentToken(w, "agent-1"), await agentToken(w, "agent-2")];
    for (const [subject, subject_token_type] of subjects) {
      const asked = { subject_token_type, requested_token_type: TOKEN_TYPE.access_token };
      expect(await trade(w, subject, undefined, asked)).toMatchObject({ ...REFUSED, reason: "subject_needs_actor" });
      expect(await trade(w, subject, another, asked)).toMatchObject({ ...REFUSED, reason: "actor_not_allowed" });
      const { status, token } = await trade(w, subject, named, asked);
      expect(status, w.lines.at(-1)).toBe(200);
      expect(payloadOf(token).may_act).toBeUndefined();
      // From now on it carries `act`, and still needs an actor.
      expect(await trade(w, token)).toMatchObject({ ...REFUSED, reason: "subject_needs_actor" });
    }
  });
});

describe("may_act of a client's own token", () => {
  it("holds as it does for its users: nothing without the actor that it names", async () => {
    const w = await begun((file) => {
      (file.clients["travel-agent"].grants as string[]).push("client_credentials");
      Object.assign(file.clients["travel-agent"], { mayAct: "agent-1" });
    });
    const own = await agentToken(w, "travel-agent", {});
    expect(payloadOf(own).may_act).toEqual({ sub: "agent-1", client_id: "agent-1" });
    expect(await trade(w, own)).toMatchObject({ ...REFUSED, reason: "subject_needs_actor" });
    expect(await trade(w, own, await agentToken(w, "agent-2"))).toMatchObject({ ...REFUSED, reason: "actor_not_allowed" });
    expect((await trade(w, own, await agentToken(w, "agent-1"))).status).toBe(200);
  });
});

describe("CON-16 what an actor's token becomes of", () => {
  const logout = (w: World, { id_token, cookie }: Tokens & { cookie: string }) => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });

  it.each([
    ["is revoked", (w: World, julie: Tokens) => revoke(w, julie.access_token)],
    ["dies with its grant", (w: World, julie: Tokens) => revoke(w, julie.refresh_token)],
    ["dies with its session", logout],
  ] as const)("%s: the child and its child are dead everywhere, the subject lives", async (_what, end) => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const julie = await login(w, "travel-agent", { user: "julie.armstrong" });
    const child = (await trade(w, access_token, julie.access_token)).token;
    const grandchild = (await trade(w, child, await agentToken(w, "agent-1"))).token;
    for (const token of [child, grandchild]) expect(await introspect(w, "travel-agent", token)).toMatchObject({ active: true });
    await end(w, julie);
    const other = await anotherIsolate(w);
    for (const isolate of [w, other]) {
      for (const token of [child, grandchild]) {
        expect(await introspect(isolate, "travel-agent", token)).toEqual(DEAD);
        expect((await isolate.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
        expect(await (await isolate.post("/oauth2/token/list", { token }, AGENT)).json()).toEqual([]);
        expect(await trade(isolate, token, await agentToken(isolate, "agent-2"))).toMatchObject({ ...REFUSED, reason: "actor_dead" });
      }
    }
    expect(await trade(w, access_token, julie.access_token)).toMatchObject({ ...REFUSED, reason: "actor_dead" });
    expect(await introspect(w, "travel-agent", access_token)).toMatchObject({ active: true });
  });

  it("is an opaque one, or a client's own that no object knew of: the same", async () => {
    const w = await begun((file) => Object.assign(file.clients["travel-agent"], { tokenPolicy: { accessTokenFormat: "opaque" } }));
    const { access_token } = await login(w, "travel-agent");
    const julie = await login(w, "travel-agent", { user: "julie.armstrong" });
    const agent = await agentToken(w, "agent-1", { audience: "travel-agent", token_format: "jwt" });
    for (const [actor, owner] of [
      [julie.access_token, "travel-agent"],
      [agent, "agent-1"],
    ] as const) {
      const { token } = await trade(w, access_token, actor);
      expect([token.slice(0, 10), await introspect(w, "travel-agent", token)]).toEqual(["cambio_at_", expect.objectContaining({ active: true })]);
      await revoke(w, actor, owner);
      expect(await introspect(w, "travel-agent", token)).toEqual(DEAD);
      expect(await trade(w, access_token, actor)).toMatchObject({ ...REFUSED, reason: "actor_dead" });
    }
  });
});
