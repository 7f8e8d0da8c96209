import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { familiesDown, stopClock } from "../faults.ts";
import { exchange, introspect, login, payloadOf, refresh, type World, world } from "../world.ts";
import { api } from "./api.ts";
import { authorize, sentTo } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const revoke = (w: World, id: string, body: object = {}) => api(w, "operator", "POST", `/api/v1/users/${id}/revoke`, body);
const isSignedOn = async (w: World, cookie: string) => sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("code") !== null;
const subOf = ({ id_token }: { readonly id_token: string }) => String(payloadOf(id_token).sub);

/** Two logins of dona.moore, one of which stays signed in, and what came of them; and one of julie.armstrong. */
async function logins(w: World) {
  const front = await login(w, "front-end-app");
  const offline = await login(w, "travel-agent", { cookie: front.cookie, scope: "openid offline_access" });
  const child = String(
    (await exchange(w, "front-end-app", { subject_token: front.access_token, audience: "back-end-api", requested_token_type: TOKEN_TYPE.access_token })).body.access_token,
  );
  const web = await login(w, "web-app");
  const julie = await login(w, "web-app", { user: "julie.armstrong" });
  return { front, offline, child, web, julie };
}

describe("DEP-04 revoking a user", () => {
  it("kills everything in every family, what is independent of sessions included, and nobody else's", async () => {
    const clock = stopClock();
    const w = await world();
    const { front, offline, child, web, julie } = await logins(w);
    const id = subOf(front);
    expect(await revoke(w, id)).toEqual({ status: 200, body: { user: id, revoked: "everything" } });
    expect(await introspect(w, "back-end-api", child)).toEqual({ active: false });
    expect([await isSignedOn(w, front.cookie), await isSignedOn(w, web.cookie), await isSignedOn(w, julie.cookie)]).toEqual([false, false, true]);
    for (const [app, { refresh_token }] of [
      ["front-end-app", front],
      ["travel-agent", offline],
      ["web-app", web],
    ] as const) {
      expect([app, (await refresh(w, app, refresh_token)).status]).toEqual([app, 400]);
    }
    expect((await refresh(w, "web-app", julie.refresh_token)).status).toBe(200);
    // Who may log in is the IdP's to say.
    clock.forward(1);
    expect(await isSignedOn(w, (await login(w, "web-app")).cookie)).toBe(true);
  });

  it("by session ends what ends with it, and nothing else", async () => {
    const w = await world();
    const { front, offline, child, web, julie } = await logins(w);
    const { sid } = payloadOf(front.id_token);
    expect(await revoke(w, subOf(front), { session: sid })).toEqual({ status: 200, body: { user: subOf(front), revoked: "session" } });
    expect(await introspect(w, "back-end-api", child)).toEqual({ active: false });
    expect([await isSignedOn(w, front.cookie), await isSignedOn(w, web.cookie)]).toEqual([false, true]);
    expect((await refresh(w, "travel-agent", offline.refresh_token)).status).toBe(200);
    expect(await revoke(w, subOf(front), { session: payloadOf(julie.id_token).sid })).toMatchObject({ status: 404 });
    expect(await revoke(w, subOf(front), { session: "cambio_sid_none" })).toMatchObject({ status: 404 });
    expect(await isSignedOn(w, julie.cookie)).toBe(true);
  });

  it("by client kills its grants with what was exchanged from them, in every family", async () => {
    const w = await world();
    const { front, child, web } = await logins(w);
    expect(await revoke(w, subOf(front), { client: "front-end-app" })).toEqual({ status: 200, body: { user: subOf(front), revoked: "client" } });
    expect(await introspect(w, "back-end-api", child)).toEqual({ active: false });
    expect((await refresh(w, "front-end-app", front.refresh_token)).status).toBe(400);
    expect((await refresh(w, "web-app", web.refresh_token)).status).toBe(200);
    expect([await isSignedOn(w, front.cookie), await isSignedOn(w, web.cookie)]).toEqual([true, true]);
  });

  it("is no success while a family has not answered; asked again it is", async () => {
    const w = await world();
    const web = await login(w, "web-app");
    const up = familiesDown();
    expect(await revoke(w, subOf(web))).toMatchObject({ status: 503, body: { error: "temporarily_unavailable" } });
    up();
    expect(await revoke(w, subOf(web))).toMatchObject({ status: 200 });
    expect((await refresh(w, "web-app", web.refresh_token)).status).toBe(400);
  });

  it("is an operator's to ask, of an id, for one thing", async () => {
    const w = await world();
    const web = await login(w, "web-app");
    expect(await api(w, { client: "web-app" }, "POST", `/api/v1/users/${subOf(web)}/revoke`, {})).toMatchObject({ status: 401 });
    expect(await revoke(w, "dona.moore")).toMatchObject({ status: 404 });
    expect(await revoke(w, subOf(web), { session: "s", client: "web-app" })).toMatchObject({
      status: 400,
      body: { problems: [{ message: "client and session exclude each other" }] },
    });
    expect(await revoke(w, subOf(web), { everything: true })).toMatchObject({ status: 400 });
    expect(await isSignedOn(w, web.cookie)).toBe(true);
  });
});
