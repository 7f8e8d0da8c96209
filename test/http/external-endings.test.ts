import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { familyCalls, stopClock } from "../faults.ts";
import { introspect, payloadOf, type World, world } from "../world.ts";
import { BEARER, fate, partnerToken, present } from "./external-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

describe("what ends a token of a corporate IdP, and what came of it", () => {
  const active = async (w: World, token: unknown) => (await introspect(w, "orders-api", String(token))).active;

  it("a child that is revoked is dead alone; the token can be exchanged again", async () => {
    const w = await world();
    const token = await partnerToken(w);
    const [one, two] = [await present(w, token), await present(w, token)];
    await w.post("/oauth2/revoke", { token: String(one.body.access_token) }, [BEARER, `${BEARER}-secret`]);
    expect([await active(w, one.body.access_token), await active(w, two.body.access_token)]).toEqual([false, true]);
    expect(await fate(w, token)).toBe("taken");
  });

  it("TX-22 a user who is revoked: the token, its children, and every other token that was issued before", async () => {
    const w = await world();
    const token = await partnerToken(w);
    const other = await partnerToken(w, { jti: "other" });
    const { body } = await present(w, token);
    const { sub } = payloadOf(String(body.access_token));
    await w.service.users.revoke({ tenant: "http://localhost:8787", jurisdiction: undefined, sub: String(sub) });
    expect(await active(w, body.access_token)).toBe(false);
    for (const one of [token, other]) expect(await fate(w, one)).toEqual([400, "invalid_request", "subject_dead"]);
  });

  it("a user who is revoked before the first exchange: what was issued before is dead, what is issued later is not", async () => {
    const clock = stopClock();
    const w = await world();
    const before = await partnerToken(w);
    const { body } = await present(w, before);
    const { sub } = payloadOf(String(body.access_token));
    const user = { tenant: "http://localhost:8787", jurisdiction: undefined, sub: String(sub) };
    await reset();
    const fresh = await world();
    const key = payloadOf(String((await present(fresh, await partnerToken(fresh))).body.access_token)).sub;
    await fresh.service.users.revoke({ ...user, sub: String(key) });
    const old = await partnerToken(fresh, { exp: clock.now() + 3000 });
    expect(await fate(fresh, old)).toEqual([400, "invalid_request", "subject_dead"]);
    // Its family has expired, and the user object still knows.
    clock.forward(1000);
    expect(await fate(fresh, old)).toEqual([400, "invalid_request", "subject_dead"]);
    expect(await fate(fresh, await partnerToken(fresh))).toBe("taken");
  });

  it("a user who is revoked: what is issued later is taken and lives, at once; what came before stays dead, and can be ended again", async () => {
    const clock = stopClock();
    const w = await world();
    const old = await partnerToken(w);
    const before = (await present(w, old)).body.access_token;
    const user = { tenant: "http://localhost:8787", jurisdiction: undefined, sub: String(payloadOf(String(before)).sub) };
    await w.service.users.revoke(user);
    // Not surely younger than the cutoff, by a clock that may be ahead.
    clock.forward(10);
    expect(await fate(w, await partnerToken(w))).toEqual([400, "invalid_request", "subject_dead"]);
    clock.forward(1);
    const token = await partnerToken(w);
    const { body } = await present(w, token);
    expect([await active(w, before), await active(w, body.access_token), await fate(w, old)]).toEqual([false, true, [400, "invalid_request", "subject_dead"]]);
    await w.service.users.revoke(user);
    expect([await active(w, body.access_token), await fate(w, token)]).toEqual([false, [400, "invalid_request", "subject_dead"]]);
  });

  it("an IdP that is cut off: what was issued before is dead, what is issued later is taken and lives", async () => {
    const clock = stopClock();
    const w = await world();
    const token = await partnerToken(w);
    const { body } = await present(w, token);
    const { file } = await w.service.tenants.export("http://localhost:8787");
    if (file?.identityProviders.partner === undefined) throw new Error("no partner");
    file.identityProviders.partner.cutoff = clock.now();
    expect((await w.apply(file)).status).toBe(200);
    clock.forward(30);
    expect(await fate(w, token)).toEqual([400, "invalid_request", "subject_dead"]);
    expect(await active(w, body.access_token)).toBe(false);
    const later = await present(w, await partnerToken(w));
    expect(await active(w, later.body.access_token)).toBe(true);
  });

  it("brings the user's groups: what a newer one no longer says is gone, and an older one does not bring it back", async () => {
    const clock = stopClock();
    const w = await world({ tenant: (file) => Object.assign(file.clients["orders-api"], { roles: { supplier: { groups: ["suppliers"] } } }) });
    const older = await partnerToken(w);
    const rolesOf = async (token: string) => payloadOf(String((await present(w, token)).body.access_token)).roles;
    expect(await rolesOf(older)).toEqual(["supplier"]);
    clock.forward(20);
    expect(await rolesOf(await partnerToken(w, { groups: [] }))).toBeUndefined();
    expect(await rolesOf(older)).toBeUndefined();
    clock.forward(20);
    expect(await rolesOf(await partnerToken(w))).toEqual(["supplier"]);
  });

  it("explains what its exchange would give, and neither opens a family nor uses anything up", async () => {
    const w = await world();
    const form = { subject_token: await partnerToken(w), subject_token_type: TOKEN_TYPE.jwt, audience: "orders-api" };
    for (let time = 0; time < 2; time++) {
      const answer = await w.post("/oauth2/exchange/explain", form, [BEARER, `${BEARER}-secret`]);
      expect(await answer.json()).toMatchObject({ permitted: true, gives: ["access_token"] });
    }
    expect(w.lines.join()).not.toContain("alert");
    const calls = familyCalls();
    expect(await fate(w, form.subject_token)).toBe("taken");
    expect(calls).toHaveBeenCalledTimes(3);
    calls.mockRestore();
  });

  it("first exchanges that come together open one family, and all succeed", async () => {
    const w = await world();
    const tokens = await Promise.all([0, 1, 2].map((jti) => partnerToken(w, { jti: String(jti) })));
    expect(await Promise.all(tokens.map((token) => fate(w, token)))).toEqual(["taken", "taken", "taken"]);
    expect(new Set(w.lines.flatMap((line) => JSON.parse(line).family ?? [])).size).toBe(1);
  });

  it("a refresh token that comes of it lives no longer than it does", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["back-end-api"], { subjectIssuers: ["partner"] }) });
    const forRefresh = { audience: "", requested_token_type: TOKEN_TYPE.refresh_token };
    const { status, body } = await present(w, await partnerToken(w), forRefresh, "back-end-api");
    expect([status, Number(body.refresh_expires_in) <= 310 && Number(body.refresh_expires_in) > 250]).toEqual([200, true]);
    const form = { grant_type: "refresh_token", refresh_token: String(body.refresh_token ?? body.access_token) };
    expect((await w.post("/oauth2/token", form, ["back-end-api", "back-end-api-secret"])).status).toBe(200);
  });

  it("depth is counted from it, and a limit of none forbids it", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[BEARER], { tokenPolicy: { maxHops: 0 } }) });
    expect(await fate(w, await partnerToken(w))).toEqual([400, "invalid_request", "subject_depth"]);
  });
});
