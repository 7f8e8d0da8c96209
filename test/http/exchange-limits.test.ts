import { describe, expect, it } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { stoppedClock } from "../faults.ts";
import { exchange, login, refresh, type Tokens, type World, world } from "../world.ts";
import { lastReason, onHttps } from "./login-steps.ts";

const clock = stoppedClock();

const AT = TOKEN_TYPE.access_token;
const web = (w: World, token: string, form: Record<string, string> = {}, type: string = AT) => exchange(w, "web-app", { subject_token: token, subject_token_type: type, ...form });

describe("the time and the place of a subject token", () => {
  it("TX-19 in the second of its expiry it is refused, as JWT and as opaque token; a second before it is not", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const { access_token: opaque, refresh_token } = (await (await refresh(w, "web-app", tokens.refresh_token, { token_format: "opaque" })).json()) as Tokens;
    clock.forward(3599);
    for (const token of [tokens.access_token, opaque]) expect((await web(w, token)).body).toMatchObject({ expires_in: 1 });
    clock.forward(1);
    for (const token of [tokens.access_token, opaque]) {
      const { status, body } = await web(w, token);
      expect([status, body.error]).toEqual([400, "invalid_request"]);
    }
    expect((await web(w, refresh_token, {}, TOKEN_TYPE.refresh_token)).status).toBe(200);
  });

  it("TX-26 another tenant's token is refused, though it shares keys, clients and users, as subject and as actor", async () => {
    const here = await world();
    const foreign = await login(here, "web-app");
    const there = await world({ ...onHttps("https://other.example.com") });
    const own = await login(there, "web-app", { user: "julie.armstrong" });
    for (const [token, type] of [
      [foreign.access_token, AT],
      [foreign.id_token, TOKEN_TYPE.id_token],
      [foreign.refresh_token, TOKEN_TYPE.refresh_token],
    ] as const) {
      expect([(await web(there, token, {}, type)).status, lastReason(there)]).toEqual([400, "subject_unreadable"]);
    }
    const acting = await web(there, own.access_token, { requested_token_type: AT, actor_token: foreign.access_token, actor_token_type: AT });
    expect([acting.status, lastReason(there)]).toEqual([400, "actor_unreadable"]);
    expect((await web(there, own.access_token)).status).toBe(200);
  });
});

describe("refresh_expiry and max_exchange_period at an exchange (SAP)", () => {
  it("shorten, suppress, and never lengthen", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["web-app"], { tokenPolicy: { refreshTokenLifetime: 7200 } }) });
    const { access_token } = await login(w, "web-app");
    for (const refresh_expiry of ["0", "-1"]) expect((await web(w, access_token, { refresh_expiry })).body).not.toHaveProperty("refresh_token");
    for (const bad of ["soon", "1.5", "+60"]) expect((await web(w, access_token, { refresh_expiry: bad })).body.error).toBe("invalid_request");
    for (const bad of ["3599", "0", "-3600", "hours"]) expect((await web(w, access_token, { max_exchange_period: bad })).body.error).toBe("invalid_request");
    const short = await web(w, access_token, { refresh_expiry: "600" });
    const long = await web(w, access_token, { refresh_expiry: "999999", max_exchange_period: "15552000" });
    clock.forward(601);
    expect((await refresh(w, "web-app", String(short.body.refresh_token))).status).toBe(400);
    const renewed = await refresh(w, "web-app", String(long.body.refresh_token));
    expect(renewed.status).toBe(200);
    clock.forward(6600);
    expect((await refresh(w, "web-app", ((await renewed.json()) as Tokens).refresh_token)).status).toBe(400);
  });

  it("mean nothing in the other dialects, nor does app_tid", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const extra = { refresh_expiry: "soon", max_exchange_period: "hours", token_format: "jwt", app_tid: "elsewhere", audience: "hr-service" };
    expect((await exchange(w, "travel-agent", { subject_token: access_token, subject_token_type: AT, ...extra })).status).toBe(200);
  });
});

describe("the web session", () => {
  const logout = async (w: World, { id_token, cookie }: Tokens & { readonly cookie: string }) => {
    const answer = await w.fetch(`/oauth2/logout?${new URLSearchParams({ id_token_hint: id_token })}`, { headers: { cookie } });
    expect(answer.status).toBeLessThan(400);
  };

  it("ends, and what SAP's clients exchanged or got for an assertion lives on", async () => {
    const w = await world({ tenant: (file) => void file.clients["web-app"].grants.push("jwt_bearer") });
    const tokens = await login(w, "web-app");
    const { body } = await web(w, tokens.access_token);
    const form = { grant_type: GRANT_TYPE.jwt_bearer, assertion: tokens.id_token };
    const asserted = (await (await w.post("/oauth2/token", form, ["web-app", "web-app-secret"])).json()) as Tokens;
    await logout(w, tokens);
    expect((await refresh(w, "web-app", tokens.refresh_token)).status).toBe(400);
    for (const token of [String(body.refresh_token), asserted.refresh_token]) expect((await refresh(w, "web-app", token)).status).toBe(200);
  });

  it("ends, and so does what Keycloak's clients exchanged in it", async () => {
    const w = await world();
    const tokens = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { subject_token: tokens.access_token, audience: "back-end-api" });
    await logout(w, tokens);
    expect((await refresh(w, "front-end-app", String(body.refresh_token))).status).toBe(400);
    expect((await exchange(w, "back-end-api", { subject_token: String(body.access_token) })).status).toBe(400);
  });
});
