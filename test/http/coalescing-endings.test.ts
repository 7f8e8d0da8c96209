import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, consistently, editTenant, familiesDown, stoppedClock } from "../faults.ts";
import { introspect, login, payloadOf, type Tokens, type World } from "../world.ts";
import { familyCallsOf, lineOf, sharing, trade } from "./coalescing-steps.ts";
import { agentToken, withAgents } from "./delegation-steps.ts";
import { partnerToken, present } from "./external-steps.ts";

const clock = stoppedClock();

const AT = TOKEN_TYPE.access_token;
const REFUSED = { status: 400, error: "invalid_request", isShared: false };
const AGENT = ["travel-agent", "travel-agent-secret"] as const;
const logout = (w: World, { id_token, cookie }: Tokens & { cookie: string }) => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
const revoke = (w: World, token: string, as: readonly [string, string] = AGENT) => w.post("/oauth2/revoke", { token }, as);

describe("a shared answer in strong consistency", () => {
  it.each([
    ["of the token", (w: World, { access_token }: Tokens) => revoke(w, access_token)],
    ["of its grant", (w: World, { refresh_token }: Tokens) => revoke(w, refresh_token)],
    ["of its session", logout],
  ] as const)("is refused at once after a revocation %s, here or elsewhere", async (_what, end) => {
    const w = await sharing();
    const other = await anotherIsolate(w);
    for (const by of [w, other]) {
      const tokens = await login(w, "travel-agent");
      await trade(w, tokens.access_token);
      expect((await trade(w, tokens.access_token)).isShared).toBe(true);
      await end(by, tokens);
      expect(await trade(w, tokens.access_token)).toMatchObject(REFUSED);
    }
  });

  it("ends with the session of its subject, though what was issued does not", async () => {
    const w = await sharing();
    const tokens = await login(w, "web-app");
    const ask = () => trade(w, tokens.access_token, { requested_token_type: AT, token_format: "jwt" }, "web-app");
    const first = await ask();
    expect((await ask()).isShared).toBe(true);
    await logout(await anotherIsolate(w), tokens);
    expect(await ask()).toMatchObject(REFUSED);
    expect(await introspect(w, "web-app", first.token)).toMatchObject({ active: true });
  });

  it.each(["access_token", "id_token"])("is made anew once its %s has been revoked itself", async (kind) => {
    const w = await sharing((file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { refreshTokenLifetime: 0 } }));
    const { access_token } = await login(w, "front-end-app");
    const ask = () => trade(w, access_token, { requested_token_type: AT, scope: "openid profile" }, "front-end-app");
    const first = await ask();
    expect((await ask()).token).toBe(first.token);
    expect(first.body.id_token).toEqual(expect.any(String));
    await revoke(w, String(first.body[kind]), ["front-end-app", "front-end-app-secret"]);
    const next = await ask();
    expect([next.status, next.isShared, next.token === first.token]).toEqual([200, false, false]);
    expect((await ask()).token).toBe(next.token);
  });

  it("is 503 while the family cannot be asked", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    const first = await trade(w, access_token);
    const up = familiesDown();
    expect(await trade(w, access_token)).toMatchObject({ status: 503, error: "temporarily_unavailable" });
    up();
    expect(await trade(w, access_token)).toMatchObject({ isShared: true, token: first.token });
  });

  it("ends with its actor: revoked, or expired", async () => {
    const w = await sharing(withAgents);
    const { access_token } = await login(w, "travel-agent");
    const [one, other] = [await agentToken(w, "agent-1"), await agentToken(w, "agent-2")];
    const acting = (actor_token: string) => trade(w, access_token, { actor_token, actor_token_type: AT });
    for (const actor of [one, other]) expect([(await acting(actor)).status, (await acting(actor)).isShared]).toEqual([200, true]);
    await revoke(w, one, ["agent-1", "agent-1-secret"]);
    expect(await acting(one)).toMatchObject(REFUSED);
    expect((await acting(other)).isShared).toBe(true);
    clock.forward(Number(payloadOf(other).exp) - clock.now() - 1);
    expect([(await acting(other)).status, (await acting(other)).isShared]).toEqual([200, true]);
    clock.forward(1);
    expect(await acting(other)).toMatchObject(REFUSED);
  });

  it("ends with the client, and with the user's word of another issuer", async () => {
    const w = await sharing((file) => file.permissions.push({ consumer: "orders-api", provider: "hr-service", name: "hr-service" } as never));
    const says = async (iat: number) => String((await present(w, await partnerToken(w, { iat, groups: [`as-of-${iat}`] }))).body.access_token);
    const token = await says(clock.now() - 60);
    const ask = () => trade(w, token, {}, "orders-api");
    const first = await ask();
    expect([first.status, (await ask()).isShared], w.lines.at(-1)).toEqual([200, true]);
    await says(clock.now() - 30);
    const next = await ask();
    expect([next.status, next.isShared, (await ask()).token === next.token]).toEqual([200, false, true]);
    await editTenant(w, (file) => Object.assign(file.clients["billing-worker"] ?? {}, { disabled: true }));
    expect(await ask()).toMatchObject(REFUSED);
  });
});

describe("a shared answer at the edge", () => {
  const begun = async () => {
    const w = await sharing(consistently("edge"));
    const tokens = await login(w, "travel-agent");
    return { w, tokens, ask: () => trade(w, tokens.access_token) };
  };

  it("costs no call and tells the family nothing", async () => {
    const { w, ask } = await begun();
    const first = await ask();
    const calls = await familyCallsOf(w, async () => expect(await ask()).toMatchObject({ isShared: true, token: first.token }));
    expect([calls, lineOf(w).consistency]).toEqual([[], "edge"]);
  });

  it("ends at once with what was revoked here: the subject, or the answer itself", async () => {
    const { w, tokens, ask } = await begun();
    const first = await ask();
    expect((await ask()).isShared).toBe(true);
    await revoke(w, first.token);
    const next = await ask();
    expect([next.status, next.isShared]).toEqual([200, false]);
    await revoke(w, tokens.access_token);
    expect(await ask()).toMatchObject(REFUSED);
  });

  it("ends with what was revoked elsewhere within the bound, counted from the look and not from the answer", async () => {
    const { w, tokens, ask } = await begun();
    const other = await anotherIsolate(w);
    await ask();
    clock.forward(3);
    // An answer of another request, by the same look.
    const another = () => trade(w, tokens.access_token, { scope: "openid" });
    expect([(await another()).status, (await another()).isShared]).toEqual([200, true]);
    await revoke(other, tokens.access_token);
    clock.forward(1);
    expect((await another()).isShared).toBe(true);
    clock.forward(1);
    expect(await another()).toMatchObject(REFUSED);
  });
});
