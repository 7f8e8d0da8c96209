import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, stoppedClock } from "../faults.ts";
import { exchange, introspect, login, refresh, type TenantFileInput, type World, world } from "../world.ts";
import { api } from "./api.ts";

const clock = stoppedClock();

/** Every decision uses configuration that was confirmed at most this long ago. Seconds. */
const BOUND = 10;
const FRONT = "front-end-app";
const BACK = "back-end-api";
const DEAD = { active: false };

const decide = async (w: World, decision: string, body: object = {}, consumer = FRONT) => {
  const { status, body: answer } = await api(w, { client: BACK }, "POST", `/api/v1/permissions/${consumer}/${BACK}/${decision}`, body);
  if (status !== 200) throw new Error(`${decision}: ${JSON.stringify(answer)}`);
  return answer;
};
const grantAgain = async (w: World) => {
  const { asked, name } = await decide(w, "withdraw");
  const ask = { consumer: FRONT, provider: BACK, name, ...(asked ?? { tokenTypes: ["access_token", "refresh_token", "id_token"] }) };
  expect((await api(w, { client: FRONT }, "POST", "/api/v1/permissions", ask)).status).toBe(200);
  await decide(w, "grant");
};
const trade = async (w: World, subject: string, form: Record<string, string> = {}) => {
  const { status, body } = await exchange(w, FRONT, { subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, audience: BACK, ...form });
  return { status, error: body.error, access: String(body.access_token), refresh: String(body.refresh_token) };
};
const refreshed = async (w: World, token: string) => {
  const answer = await refresh(w, FRONT, token);
  const body = (await answer.json()) as Record<string, string>;
  return { status: answer.status, error: body.error, access: body.access_token ?? "", refresh: body.refresh_token ?? "" };
};

describe("a permission that is withdrawn", () => {
  it("stops exchanges and refreshes at once here, and within ten seconds everywhere", async () => {
    const w = await world();
    const { access_token } = await login(w, FRONT);
    const issued = await trade(w, access_token);
    const other = await anotherIsolate(w);
    const elsewhere = await trade(other, access_token);
    await decide(w, "withdraw");
    expect(await trade(w, access_token)).toMatchObject({ status: 400, error: "invalid_target" });
    expect(await refreshed(w, issued.refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
    expect((await trade(other, access_token)).status).toBe(200);
    clock.forward(BOUND + 1);
    expect(await trade(other, access_token)).toMatchObject({ status: 400, error: "invalid_target" });
    expect(await refreshed(other, elsewhere.refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
  });

  it("leaves what was issued alive until it expires", async () => {
    const w = await world();
    const { access_token } = await login(w, FRONT);
    const { access, refresh: chain } = await trade(w, access_token);
    await decide(w, "withdraw");
    clock.forward(BOUND + 1);
    expect(await introspect(w, BACK, access)).toMatchObject({ active: true, aud: BACK });
    expect(await introspect(w, FRONT, chain)).toMatchObject({ active: true });
    clock.forward(300);
    expect(await introspect(w, BACK, access)).toEqual(DEAD);
  });

  it("costs its consumer no refresh token: what was refused meanwhile goes on once it is granted again", async () => {
    const w = await world();
    const issued = await trade(w, (await login(w, FRONT)).access_token);
    await decide(w, "withdraw");
    for (let turn = 0; turn < 2; turn++) {
      expect(await refreshed(w, issued.refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
      // Beyond the retry window: had it been used up, this would be reuse.
      clock.forward(BOUND + 1);
    }
    await grantAgain(w);
    const next = await refreshed(w, issued.refresh);
    expect(next.status).toBe(200);
    expect((await refreshed(w, next.refresh)).status).toBe(200);
  });

  it("of one consumer stops no other one, and not the consumer's tokens for others", async () => {
    const w = await world({
      tenant: (file) =>
        file.permissions.push(
          { consumer: "web-app", provider: BACK, name: "back" } as never,
          { consumer: FRONT, provider: "hr-service", name: "hr", scopes: ["level:read"] } as never,
        ),
    });
    const [front, web] = [await login(w, FRONT), await login(w, "web-app")];
    await decide(w, "withdraw", { cut_off: true });
    const target = `urn:sap:identity:application:provider:clientid:${BACK}`;
    const ofWeb = await exchange(w, "web-app", { subject_token: web.access_token, subject_token_type: TOKEN_TYPE.access_token, resource: target });
    expect([ofWeb.status, await introspect(w, BACK, String(ofWeb.body.access_token))]).toEqual([200, expect.objectContaining({ active: true })]);
    const forHr = await trade(w, front.access_token, { audience: "hr-service", requested_token_type: TOKEN_TYPE.access_token });
    expect([forHr.status, await introspect(w, "hr-service", forHr.access)]).toEqual([200, expect.objectContaining({ active: true })]);
    expect(await introspect(w, FRONT, front.access_token)).toMatchObject({ active: true });
  });
});

// The back end is given opaque tokens, unless the front end asks for a JWT, as the RFC lets it.
const withOpaque = (dialect: string) => (file: TenantFileInput) => {
  Object.assign(file.clients[BACK], { dialect, tokenPolicy: { accessTokenFormat: "opaque" } });
  Object.assign(file.clients[FRONT], { dialect: "rfc8693" });
};

describe("a permission that is withdrawn and cut off", () => {
  it("leaves nothing alive that was issued under it: JWT, opaque, refresh and ID token", async () => {
    const w = await world({ tenant: withOpaque("sap") });
    const { access_token } = await login(w, FRONT);
    const { access } = await trade(w, access_token, { requested_token_type: TOKEN_TYPE.jwt });
    const { refresh: chain } = await trade(w, access_token, { requested_token_type: TOKEN_TYPE.refresh_token });
    const idToken = await trade(w, access_token, { requested_token_type: TOKEN_TYPE.id_token });
    const opaque = await trade(w, access_token, { requested_token_type: TOKEN_TYPE.access_token });
    const seen = async (world: World) => [
      await introspect(world, BACK, access),
      await introspect(world, FRONT, chain),
      await introspect(world, BACK, idToken.access),
      await introspect(world, BACK, opaque.access),
    ];
    expect(opaque.access).toMatch(/^cambio_at_/);
    expect((await seen(w)).map(({ active }) => active)).toEqual([true, true, true, true]);
    const other = await anotherIsolate(w);
    await seen(other);
    expect(await decide(w, "withdraw", { cut_off: true })).toMatchObject({ status: "withdrawn", cutoff: clock.now() + BOUND });
    expect(await seen(w)).toEqual([DEAD, DEAD, DEAD, DEAD]);
    clock.forward(BOUND + 1);
    expect(await seen(other)).toEqual([DEAD, DEAD, DEAD, DEAD]);
  });

  it("ends tokens as subject and as actor too, opaque or not", async () => {
    const w = await world({ tenant: withOpaque("rfc8693") });
    const dona = await login(w, FRONT);
    const julie = await login(w, FRONT, { user: "julie.armstrong" });
    const [jwt, opaque] = [
      await trade(w, dona.access_token, { requested_token_type: TOKEN_TYPE.jwt }),
      await trade(w, dona.access_token, { requested_token_type: TOKEN_TYPE.access_token }),
    ];
    const actor = await trade(w, julie.access_token, { requested_token_type: TOKEN_TYPE.jwt });
    expect([jwt.access, opaque.access, actor.access].map((token) => token.startsWith("cambio_at_"))).toEqual([false, true, false]);
    const use = async (subject: string, acting?: string) => {
      const delegation = acting === undefined ? {} : { actor_token: acting, actor_token_type: TOKEN_TYPE.access_token };
      const { body } = await exchange(w, BACK, { subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, ...delegation });
      return body.error ?? "given";
    };
    clock.forward(1);
    expect([await use(jwt.access), await use(opaque.access), await use(jwt.access, actor.access)]).toEqual(["given", "given", "given"]);
    await decide(w, "withdraw", { cut_off: true });
    expect([await use(jwt.access), await use(opaque.access), await use(jwt.access, actor.access)]).toEqual(["invalid_request", "invalid_request", "invalid_request"]);
    clock.forward(BOUND + 1);
    await grantAgain(w);
    const fresh = await trade(w, dona.access_token);
    expect([await use(fresh.access), await use(fresh.access, actor.access)]).toEqual(["given", "invalid_request"]);
  });

  it("ends what another isolate still issued before it knew", async () => {
    const w = await world();
    const { access_token } = await login(w, FRONT);
    const other = await anotherIsolate(w);
    await trade(other, access_token);
    await decide(w, "withdraw", { cut_off: true });
    clock.forward(BOUND - 1);
    const late = await trade(other, access_token);
    expect(late.status).toBe(200);
    expect(await introspect(w, BACK, late.access)).toEqual(DEAD);
    clock.forward(2);
    expect(await introspect(other, BACK, late.access)).toEqual(DEAD);
  });

  it("and granted again gives tokens that live, out of the same login; those from before stay dead", async () => {
    const w = await world();
    const { access_token } = await login(w, FRONT);
    const old = await trade(w, access_token);
    await decide(w, "withdraw", { cut_off: true });
    clock.forward(BOUND + 1);
    await grantAgain(w);
    const fresh = await trade(w, access_token);
    expect(await introspect(w, BACK, old.access)).toEqual(DEAD);
    expect(await introspect(w, BACK, fresh.access)).toMatchObject({ active: true });
    expect(await introspect(w, FRONT, old.refresh)).toEqual(DEAD);
    expect(await introspect(w, FRONT, fresh.refresh)).toMatchObject({ active: true });
    expect(await refreshed(w, old.refresh)).toMatchObject({ status: 400, error: "invalid_grant" });
    const renewed = await refreshed(w, fresh.refresh);
    expect([renewed.status, await introspect(w, BACK, renewed.access)]).toEqual([200, expect.objectContaining({ active: true })]);
    const { body } = await api(w, { client: BACK }, "GET", "/api/v1/permissions?status=granted&consumer=front-end-app");
    expect(body.permissions).toMatchObject([{ cutoff: expect.any(Number) }]);
  });

  it("may be cut off after it was withdrawn, and after a new request was denied", async () => {
    const w = await world();
    const { access_token } = await login(w, FRONT);
    const { access } = await trade(w, access_token);
    await decide(w, "withdraw");
    expect(await introspect(w, BACK, access)).toMatchObject({ active: true });
    await api(w, { client: FRONT }, "POST", "/api/v1/permissions", { consumer: FRONT, provider: BACK, name: "again" });
    await decide(w, "deny");
    await decide(w, "withdraw", { cut_off: true });
    expect(await introspect(w, BACK, access)).toEqual(DEAD);
  });
});
