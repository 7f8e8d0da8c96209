import { evictAllDurableObjects } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { stoppedClock } from "../faults.ts";
import { api } from "../http/api.ts";
import { trade } from "../http/delegation-steps.ts";
import { exchange, introspect, login, refresh, type Tokens, type World, world } from "../world.ts";
import { interceptedWorld } from "./intercepted.ts";

const clock = stoppedClock();

const AT = TOKEN_TYPE.access_token;
const times = (count: number) => Array.from({ length: count });
const REFUSED = { status: 400, error: "invalid_request" };

/** How many grants of a token's family have so many exchanges behind them. */
async function atHops(w: World, token: string, hops: number): Promise<number> {
  const { body } = await api(w, "operator", "POST", "/api/v1/families/lookup", { token });
  const { trace } = body as unknown as { readonly trace: { readonly nodes: readonly { readonly hops: number }[] } };
  return trace.nodes.filter((node) => node.hops === hops).length;
}

describe("CON-04, DEP-10 fifty exchanges at once of a token one hop before the end, with a budget of ten", () => {
  it.each([
    ["and nothing else", async () => undefined],
    ["while its family is evicted in between", evictAllDurableObjects],
  ])("%s: exactly ten are given, all at the last hop, and none after", async (_what, disturb) => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file, { tokenPolicy: { maxHops: 2 } });
        Object.assign(file.clients["travel-agent"], { tokenPolicy: { exchangeBudget: 10 } });
      },
    });
    const { access_token } = await login(w, "travel-agent");
    const parent = (await trade(w, access_token)).token;
    const tries = () => times(25).map(() => trade(w, parent));
    const first = tries();
    const disturbed = disturb();
    const answers = await Promise.all([...first, ...tries()]);
    await disturbed;
    const given = answers.filter(({ status }) => status === 200);
    expect(given).toHaveLength(10);
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(answer).toMatchObject(REFUSED);
    expect([await atHops(w, parent, 2), await atHops(w, parent, 3)]).toEqual([10, 0]);
    expect(await trade(w, given[0]?.token ?? "")).toMatchObject({ ...REFUSED, reason: "subject_depth" });
    // The count lies with what it counts: it outlives the object's memory.
    await disturb();
    expect(await trade(w, parent)).toMatchObject({ ...REFUSED, reason: "subject_budget" });
  });
});

describe("CON-07 a refresh token that is refreshed and exchanged at once", () => {
  const both = async (w: World, refresh_token: string) => {
    const ask = { subject_token: refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, requested_token_type: AT };
    const [refreshes, exchanges] = [times(10).map(() => refresh(w, "web-app", refresh_token)), times(10).map(() => exchange(w, "web-app", ask))];
    const given = (await Promise.all(refreshes)).filter(({ ok }) => ok);
    const successors = new Set(await Promise.all(given.map(async (answer) => ((await answer.json()) as Tokens).refresh_token)));
    return { given: given.length, successors: [...successors], exchanged: await Promise.all(exchanges) };
  };

  it("within the window gives one successor to all, which can be used, and every exchange", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "web-app");
    const { given, successors, exchanged } = await both(w, refresh_token);
    expect([given, successors.length, exchanged.map(({ status }) => status)]).toEqual([10, 1, times(10).map(() => 200)]);
    expect((await refresh(w, "web-app", successors[0] ?? "")).status).toBe(200);
    for (const { body } of exchanged) expect(await introspect(w, "web-app", String(body.access_token))).toMatchObject({ active: true });
    clock.forward(10);
    expect((await refresh(w, "web-app", refresh_token)).status).toBe(400);
    for (const { body } of exchanged) expect(await introspect(w, "web-app", String(body.access_token))).toEqual({ active: false });
  });

  it("without a window there is one successor at most, and what came second is reuse: all of it is dead", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["web-app"], { tokenPolicy: { refreshRetry: "strict" } }) });
    const { refresh_token } = await login(w, "web-app");
    const { given, successors, exchanged } = await both(w, refresh_token);
    expect([given, successors.length]).toEqual([1, 1]);
    expect((await refresh(w, "web-app", successors[0] ?? "")).status).toBe(400);
    for (const { status, body } of exchanged) if (status === 200) expect(await introspect(w, "web-app", String(body.access_token))).toEqual({ active: false });
  });
});

describe("a revocation among exchanges", () => {
  it("CON-12 that is acknowledged while the answer of an exchange is on its way leaves what that answer brings dead", async () => {
    const w = await interceptedWorld();
    const { access_token } = await login(w, "travel-agent");
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: committed, resolve: commit } = Promise.withResolvers<void>();
    w.intercept = async (call, run) => {
      const answer = await run();
      if (call !== "family.extend") return answer;
      commit();
      await released;
      return answer;
    };
    const late = trade(w, access_token);
    await committed;
    expect((await w.post("/oauth2/revoke", { token: access_token }, ["travel-agent", "travel-agent-secret"])).status).toBe(200);
    release();
    const { status, token } = await late;
    expect([status, await introspect(w, "travel-agent", token)]).toEqual([200, { active: false }]);
  });

  it("CON-16 of an actor between the record and the signature: no token comes out of it", async () => {
    const w = await interceptedWorld();
    const { access_token } = await login(w, "travel-agent");
    const julie = await login(w, "travel-agent", { user: "julie.armstrong" });
    w.intercept = async (call, run) => {
      const answer = await run();
      if (call === "family.extend") await w.post("/oauth2/revoke", { token: julie.access_token }, ["travel-agent", "travel-agent-secret"]);
      return answer;
    };
    expect(await trade(w, access_token, julie.access_token)).toMatchObject({ ...REFUSED, reason: "actor_dead" });
    w.intercept = async (_call, run) => await run();
    expect((await trade(w, access_token)).status).toBe(200);
  });

  it("CON-17 by the identity provider: a logout token that is acknowledged leaves nothing alive of what was under way, and lets nothing through after it", async () => {
    const w = await world();
    w.idp.claims = { sid: "laptop" };
    const { access_token } = await login(w, "travel-agent");
    const logoutToken = await w.idp.sign(
      {
        iss: w.idp.issuer,
        aud: "cambio",
        iat: clock.now(),
        exp: clock.now() + 120,
        jti: "once",
        events: { "http://schemas.openid.net/event/backchannel-logout": {} },
        sid: "laptop",
      },
      { typ: "logout+jwt" },
    );
    const before = times(20).map(() => trade(w, access_token));
    expect((await w.post("/oauth2/backchannel-logout/corp", { logout_token: logoutToken })).status).toBe(200);
    const after = await Promise.all(times(5).map(() => trade(w, access_token)));
    for (const answer of after) expect(answer).toMatchObject(REFUSED);
    for (const { status, token } of await Promise.all(before)) if (status === 200) expect(await introspect(w, "travel-agent", token)).toEqual({ active: false });
  });
});
