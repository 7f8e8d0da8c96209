import { describe, expect, it, vi } from "vitest";
import { randomId } from "../../src/protocol/bytes.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, consistently, editTenant, familiesDown, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { type InterceptedWorld, interceptedWorld } from "../worker/intercepted.ts";
import { basic, exchange, ISSUER, introspect, login, payloadOf, type TenantFileInput, type Tokens, type World } from "../world.ts";

const clock = stoppedClock();

/** How old an answer may be that `edge` decides by. Seconds. */
const BOUND = 5;
const AT = TOKEN_TYPE.access_token;
const AGENT = ["travel-agent", "travel-agent-secret"] as const;
/** What an exchange at the edge costs: the family is told after the response. */
const EDGE = ["family.record"];
const STRONG = ["family.extend"];
const REFUSED = { status: 400, error: "invalid_request" };

type Change = (file: TenantFileInput) => void;
const begun = (change: Change = () => undefined) =>
  interceptedWorld({
    tenant: (file) => {
      consistently("edge")(file);
      change(file);
    },
  });

const trade = async (w: World, subject: string, form: Record<string, string> = {}, client = "travel-agent") => {
  const { status, body } = await exchange(w, client, { subject_token: subject, subject_token_type: AT, ...form });
  return { status, error: body.error, token: String(body.access_token), scope: body.scope };
};
/** What is called while something is done, but for records of the configuration that are read for the first time. */
const callsOf = async (w: InterceptedWorld, work: () => Promise<unknown>) => (await w.during(work)).filter((call) => !call.startsWith("tenant."));
const costOf = (w: InterceptedWorld, subject: string, form?: Record<string, string>, client?: string) =>
  callsOf(w, async () => expect((await trade(w, subject, form, client)).status, w.lines.at(-1)).toBe(200));
const lineOf = (w: World) => JSON.parse(w.lines.at(-1) ?? "") as Record<string, unknown>;

/** What the travel agent finds in the list of a login: for whom each live grant is. */
async function listed(w: World, token: string): Promise<readonly string[]> {
  const answer = await w.post("/oauth2/token/list", { token }, AGENT);
  return ((await answer.json()) as { readonly aud: readonly string[] }[]).map(({ aud }) => aud.join());
}

describe("an exchange at the edge", () => {
  it("calls no object before it answers; what it issued stands in the family's list once the batch has arrived", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    expect(await costOf(w, access_token)).toEqual(STRONG);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    w.intercept = async (call, run) => {
      if (call === "family.record") await released;
      return await run();
    };
    const body = new URLSearchParams({ grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT, audience: "hr-service" });
    const headers = { "content-type": "application/x-www-form-urlencoded", authorization: basic(...AGENT) };
    const after: Promise<unknown>[] = [];
    const calls = await callsOf(w, async () => {
      const answer = await w.app.fetch(new Request(`${ISSUER}/oauth2/token`, { method: "POST", body, headers }), { after: (work) => void after.push(work) });
      expect(answer.status).toBe(200);
    });
    // The batch may have set out by now: it waits here until it is let through.
    expect(calls.filter((call) => call !== "family.record")).toEqual([]);
    expect(await listed(w, access_token)).toEqual(["travel-agent", "travel-agent"]);
    release();
    await Promise.all(after);
    expect((await listed(w, access_token)).toSorted()).toEqual(["hr-service", "travel-agent", "travel-agent"]);
  });

  it("asks again after five seconds, and for each token by itself", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    expect(await costOf(w, access_token)).toEqual(STRONG);
    clock.forward(BOUND - 1);
    expect(await costOf(w, access_token, { audience: "hr-service" })).toEqual(EDGE);
    const { token: child } = await trade(w, access_token);
    expect(lineOf(w)).toMatchObject({ consistency: "edge", status: 200 });
    expect(await costOf(w, child)).toEqual(STRONG);
    expect(await costOf(w, child)).toEqual(EDGE);
    clock.forward(1);
    expect(await costOf(w, access_token)).toEqual(STRONG);
  });

  it("opens the family of a client's own token with the first look, and dies with it", async () => {
    const w = await begun();
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", audience: "orders-api" }, ["billing-worker", "billing-worker-secret"]);
    const { access_token } = (await answer.json()) as Tokens;
    expect(await costOf(w, access_token, {}, "orders-api")).toEqual(STRONG);
    expect(await costOf(w, access_token, {}, "orders-api")).toEqual(EDGE);
    const { token } = await trade(w, access_token, {}, "orders-api");
    expect(await introspect(w, "orders-api", token)).toMatchObject({ active: true, scope: "orders:read" });
    await w.post("/oauth2/revoke", { token: access_token }, ["billing-worker", "billing-worker-secret"]);
    expect(await introspect(w, "orders-api", token)).toEqual({ active: false });
    expect(await trade(w, access_token, {}, "orders-api")).toMatchObject(REFUSED);
  });
});

describe("what is always strong, whatever is allowed", () => {
  const holders: readonly (readonly [string, Change])[] = [
    ["the tenant", (file) => Object.assign(file, { consistency: "strong" })],
    ["the requester", (file) => Object.assign(file.clients["travel-agent"], { consistency: "strong" })],
    ["the target", (file) => Object.assign(file.clients["hr-service"], { consistency: "strong" })],
    ["one of two targets", (file) => Object.assign(file.clients.assistant, { consistency: "strong" })],
  ];

  it.each(holders)("where %s does not allow it", async (who, change) => {
    const w = await begun(change);
    const { access_token } = await login(w, "travel-agent");
    const twice = [["audience", "hr-service"] as const, ["audience", "assistant"] as const];
    const ask = () => exchange(w, "travel-agent", [["subject_token", access_token], ["subject_token_type", AT], ...twice]);
    for (let turn = 0; turn < 2; turn++) expect(await callsOf(w, async () => expect((await ask()).status).toBe(200))).toEqual(STRONG);
    // A target that is not asked for has no say.
    if (who !== "one of two targets") return;
    for (const cost of [STRONG, EDGE]) expect(await costOf(w, access_token, { audience: "hr-service" })).toEqual(cost);
  });

  it("a budget that somebody has set: it is exact", async () => {
    const w = await begun((file) => Object.assign(file.clients["travel-agent"], { tokenPolicy: { exchangeBudget: 2 } }));
    const { access_token } = await login(w, "travel-agent");
    for (let turn = 0; turn < 2; turn++) expect(await costOf(w, access_token)).toEqual(STRONG);
    expect(await trade(w, access_token)).toMatchObject(REFUSED);
  });

  it("the last of a budget that nobody has set: this isolate counts what it decides, and then the family is asked", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const extend = vi.spyOn(w.service.families, "extend");
    expect(await costOf(w, access_token)).toEqual(STRONG);
    const [family = "", ask] = extend.mock.calls[0] ?? [];
    if (ask === undefined) throw new Error("the family was not asked");
    // What other isolates have issued meanwhile.
    expect(
      await w.service.families.record(
        family,
        Array.from({ length: ask.budget - 3 }, () => ({ ...ask, grant: randomId() })),
      ),
    ).toBe(true);
    clock.forward(BOUND);
    for (const cost of [STRONG, EDGE]) expect(await costOf(w, access_token)).toEqual(cost);
    expect(await callsOf(w, async () => expect(await trade(w, access_token)).toMatchObject(REFUSED))).toContain("family.extend");
    expect(lineOf(w).reason).toBe("subject_budget");
  });

  it("opaque and refresh token output, a refresh token as subject, and an actor", async () => {
    const w = await begun();
    const tokens = await login(w, "web-app");
    const own = { requested_token_type: AT, token_format: "jwt" };
    expect(await costOf(w, tokens.access_token, own, "web-app")).toEqual(STRONG);
    expect(await costOf(w, tokens.access_token, own, "web-app")).toEqual(EDGE);
    expect(await costOf(w, tokens.access_token, { ...own, token_format: "opaque" }, "web-app")).toEqual(STRONG);
    expect(await costOf(w, tokens.access_token, { token_format: "jwt" }, "web-app")).toEqual(STRONG);
    expect(await costOf(w, tokens.refresh_token, { ...own, subject_token_type: TOKEN_TYPE.refresh_token }, "web-app")).toEqual(STRONG);
    const julie = await login(w, "web-app", { user: "julie.armstrong" });
    const acting = { ...own, actor_token: julie.access_token, actor_token_type: AT };
    for (let turn = 0; turn < 2; turn++) expect(await costOf(w, tokens.access_token, acting, "web-app")).toEqual(["family.extend", "family.status"]);
  });
});

describe("a revocation and what is exchanged at the edge", () => {
  const logout = (w: World, { id_token, cookie }: Tokens & { cookie: string }) => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
  const revoking = (kind: "access_token" | "refresh_token") => (w: World, tokens: Tokens) => w.post("/oauth2/revoke", { token: tokens[kind] }, AGENT);

  it.each([
    ["of the token", revoking("access_token")],
    ["of its grant", revoking("refresh_token")],
    ["of its session", logout],
  ] as const)("%s elsewhere takes hold within five seconds; what was exchanged until then is dead, here at once", async (_what, revoke) => {
    const w = await begun();
    const tokens = await login(w, "travel-agent");
    const other = await anotherIsolate(w);
    for (const world of [w, other]) expect((await trade(world, tokens.access_token)).status).toBe(200);
    await revoke(w, tokens);
    expect(await trade(w, tokens.access_token)).toMatchObject(REFUSED);
    clock.forward(BOUND - 1);
    const late = await trade(other, tokens.access_token);
    expect([late.status, lineOf(other).consistency]).toEqual([200, "edge"]);
    for (const world of [w, other]) expect(await introspect(world, "travel-agent", late.token)).toEqual({ active: false });
    expect(await trade(other, late.token)).toMatchObject(REFUSED);
    clock.forward(1);
    expect(await trade(other, tokens.access_token)).toMatchObject(REFUSED);
  });

  it("counts from the look, however often it is exchanged in between", async () => {
    const w = await begun();
    const tokens = await login(w, "travel-agent");
    const other = await anotherIsolate(w);
    // The family refuses what it is told of after the revocation: that alone would end it, so nothing is told here.
    const silent = { ...other.service.edgeRecords, tell: () => undefined };
    Object.assign(other.service, { edgeRecords: silent });
    await trade(other, tokens.access_token);
    await w.post("/oauth2/revoke", { token: tokens.access_token }, AGENT);
    for (let age = 1; age < BOUND; age++) {
      clock.forward(1);
      expect((await trade(other, tokens.access_token)).status).toBe(200);
    }
    clock.forward(1);
    expect(await trade(other, tokens.access_token)).toMatchObject(REFUSED);
  });

  it("is heard of with the next batch: what the family refuses to record is asked about again", async () => {
    const w = await begun();
    const tokens = await login(w, "travel-agent");
    const other = await anotherIsolate(w);
    await trade(other, tokens.access_token);
    await w.post("/oauth2/revoke", { token: tokens.access_token }, AGENT);
    expect((await trade(other, tokens.access_token)).status).toBe(200);
    expect(await trade(other, tokens.access_token)).toMatchObject(REFUSED);
  });

  it("in the configuration is no older than at any other time: the family is not even asked", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const forHr = { audience: "hr-service" };
    const { token: child } = await trade(w, access_token, forHr);
    expect((await trade(w, child, {}, "hr-service")).status).toBe(200);
    expect((await trade(w, child, {}, "hr-service")).status).toBe(200);
    expect(lineOf(w).consistency).toBe("edge");
    await editTenant(w, (file) => void Object.assign(file.clients["travel-agent"] ?? {}, { disabled: true }));
    expect(await callsOf(w, async () => expect(await trade(w, child, {}, "hr-service")).toMatchObject(REFUSED))).not.toContain("family.extend");
  });
});

describe("what travels in the token is exact at the edge", () => {
  it("scope: what was narrowed away does not come back", async () => {
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const { token } = await trade(w, access_token, { scope: "hr-service|level:read" });
    await trade(w, token, {}, "hr-service");
    expect(await costOf(w, token, {}, "hr-service")).toEqual(EDGE);
    expect((await trade(w, token, {}, "hr-service")).scope).toBe("level:read");
    expect(await callsOf(w, async () => expect(await trade(w, token, { scope: "budget:read" }, "hr-service")).toMatchObject({ status: 400, error: "invalid_scope" }))).toEqual([
      "family.noteRefusal",
    ]);
  });

  it("hops: the last one is given, the next refused, with no call of the family in either", async () => {
    const w = await begun((file) => Object.assign(file, { tokenPolicy: { maxHops: 2 } }));
    let { access_token: token } = await login(w, "travel-agent");
    for (let hop = 0; hop < 2; hop++) {
      await trade(w, token);
      expect(await costOf(w, token)).toEqual(EDGE);
      token = (await trade(w, token)).token;
    }
    // An introspection is a look as well.
    expect(await introspect(w, "travel-agent", token)).toMatchObject({ active: true });
    expect(await callsOf(w, async () => expect(await trade(w, token)).toMatchObject(REFUSED))).toEqual(["family.noteRefusal"]);
    expect(lineOf(w)).toMatchObject({ reason: "subject_depth" });
  });

  it("deadline and lifetime: to the second", async () => {
    const w = await begun((file) => {
      Object.assign(file.clients["travel-agent"], { tokenPolicy: { accessTokenLifetime: 7200 } });
      Object.assign(file.clients["hr-service"], { tokenPolicy: { accessTokenLifetime: 7200, maxExchangePeriod: 3600 } });
    });
    const { access_token } = await login(w, "travel-agent");
    const { exp, auth_time: from } = payloadOf(access_token);
    const { token } = await trade(w, access_token, { audience: "hr-service" });
    expect(payloadOf(token).exp).toBe(exp);
    clock.forward(3600 - BOUND + 1);
    await trade(w, token, {}, "hr-service");
    clock.forward(BOUND - 2);
    const last = await trade(w, token, {}, "hr-service");
    expect([lineOf(w).consistency, payloadOf(last.token).exp]).toEqual(["edge", Number(from) + 3600]);
    clock.forward(1);
    expect(await callsOf(w, async () => expect(await trade(w, token, {}, "hr-service")).toMatchObject(REFUSED))).toEqual(["family.noteRefusal"]);
    expect(lineOf(w)).toMatchObject({ reason: "subject_deadline" });
    expect(await introspect(w, "hr-service", token)).toMatchObject({ active: true });
    expect(await introspect(w, "hr-service", last.token)).toEqual({ active: false });
  });
});

describe("a family that cannot be reached", () => {
  const ask = async (w: World, subject_token: string) =>
    await outcomeOf(await w.post("/oauth2/token", { grant_type: GRANT_TYPE.token_exchange, subject_token, subject_token_type: AT }, AGENT));

  it("is 503 where it must be asked; until then the last answer stands, and what is not told raises an alert", async () => {
    const alerts = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const w = await begun();
    const { access_token } = await login(w, "travel-agent");
    const back = familiesDown();
    expect(await ask(w, access_token)).toEqual(UNAVAILABLE);
    back();
    expect((await trade(w, access_token)).status).toBe(200);
    const again = familiesDown();
    clock.forward(BOUND - 1);
    const { token, status } = await trade(w, access_token);
    expect([status, alerts.mock.calls.map(([line]) => JSON.parse(String(line)).alert)]).toEqual([200, ["edge_records_lost"]]);
    clock.forward(1);
    expect(await ask(w, access_token)).toEqual(UNAVAILABLE);
    again();
    // Its line in the list is lost; the token carries its own lineage, and dies with its parent.
    expect(await listed(w, access_token)).toEqual(["travel-agent", "travel-agent"]);
    expect(await introspect(w, "travel-agent", token)).toMatchObject({ active: true });
    await w.post("/oauth2/revoke", { token: access_token }, AGENT);
    expect(await introspect(w, "travel-agent", token)).toEqual({ active: false });
  });
});
