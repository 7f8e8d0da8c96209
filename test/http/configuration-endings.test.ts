import { describe, expect, it } from "vitest";
import type { TenantFile } from "../../src/tenants/tenant.ts";
import { anotherIsolate, editTenant, stoppedClock } from "../faults.ts";
import { arrive, ISSUER, introspect, login, payloadOf, redeem, refresh, type World, world } from "../world.ts";

const clock = stoppedClock();

/** Every decision uses configuration that was confirmed at most this long ago. Seconds. */
const BOUND = 10;
const APP = "front-end-app";

/** A token of each kind of one login, and a token that a trusted application may look at. */
async function tokensOf(w: World) {
  const { access_token, refresh_token, cookie } = await login(w, APP, { user: "dona.moore" });
  const mobile = await login(w, "mobile-app", { user: "dona.moore" });
  const opaque = (await (await refresh(w, "mobile-app", mobile.refresh_token)).json()) as { readonly access_token: string };
  return { access_token, refresh_token, cookie, opaque: opaque.access_token };
}

type Issued = Awaited<ReturnType<typeof tokensOf>>;

const userinfo = (w: World, token: string) => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } });

async function expectAlive(w: World, tokens: Issued): Promise<void> {
  expect(await introspect(w, APP, tokens.access_token)).toMatchObject({ active: true });
  expect(await introspect(w, "web-app", tokens.opaque)).toMatchObject({ active: true });
  expect((await userinfo(w, tokens.access_token)).status).toBe(200);
}

async function expectDead(w: World, tokens: Issued): Promise<void> {
  expect(await introspect(w, APP, tokens.access_token)).toEqual({ active: false });
  expect(await introspect(w, APP, tokens.refresh_token)).toEqual({ active: false });
  expect(await introspect(w, "web-app", tokens.opaque)).toEqual({ active: false });
  const seen = await userinfo(w, tokens.access_token);
  expect([seen.status, ((await seen.json()) as { error: string }).error]).toEqual([401, "invalid_token"]);
  const answer = await refresh(w, APP, tokens.refresh_token);
  expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
}

/** What an operator declares, and what of it every isolate must know within the bound. */
const ENDINGS: readonly (readonly [string, (file: TenantFile, now: number) => void])[] = [
  ["an IdP that is switched off", (file) => Object.assign(file.identityProviders.corp ?? {}, { disabled: true })],
  ["a cutoff of the IdP", (file, now) => Object.assign(file.identityProviders.corp ?? {}, { cutoff: now })],
  ["a cutoff of the tenant", (file, now) => Object.assign(file, { cutoff: now })],
];

describe("what an operator ends", () => {
  it.each(ENDINGS)("RT-10 %s ends introspection, refresh and userinfo at once here, and within ten seconds in every other isolate", async (_case, end) => {
    const w = await world();
    const tokens = await tokensOf(w);
    const other = await anotherIsolate(w);
    await expectAlive(other, tokens);
    await editTenant(w, (file) => end(file, clock.now()));
    expect(await introspect(w, APP, tokens.access_token)).toEqual({ active: false });
    clock.forward(BOUND + 1);
    await expectDead(other, tokens);
  });

  it("RT-10 a client's cutoff ends that client's tokens and nobody else's", async () => {
    const w = await world();
    const tokens = await tokensOf(w);
    await editTenant(w, (file) => Object.assign(file.clients[APP] ?? {}, { cutoff: clock.now() }));
    expect(await introspect(w, APP, tokens.access_token)).toEqual({ active: false });
    expect((await refresh(w, APP, tokens.refresh_token)).status).toBe(400);
    expect((await userinfo(w, tokens.access_token)).status).toBe(401);
    expect(await introspect(w, "web-app", tokens.opaque)).toMatchObject({ active: true });
  });

  it("RT-10 a disabled client is nobody: it cannot refresh, redeem, revoke or introspect, and others see its tokens dead", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app");
    const { access_token } = (await (await refresh(w, "mobile-app", tokens.refresh_token)).json()) as { readonly access_token: string };
    const arrived = await arrive(w, "mobile-app");
    const other = await anotherIsolate(w);
    expect(await introspect(other, "web-app", access_token)).toMatchObject({ active: true });
    await editTenant(w, (file) => Object.assign(file.clients["mobile-app"] ?? {}, { disabled: true }));
    clock.forward(BOUND + 1);
    expect(await introspect(other, "web-app", access_token)).toEqual({ active: false });
    expect((await userinfo(other, tokens.access_token)).status).toBe(401);
    const answers = [
      await refresh(other, "mobile-app", tokens.refresh_token),
      await redeem(other, "mobile-app", arrived),
      await other.post("/oauth2/revoke", { token: access_token, client_id: "mobile-app" }),
    ];
    for (const answer of answers) expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([401, "invalid_client"]);
  });

  it("a client that is gone from the configuration leaves no live token", async () => {
    const w = await world();
    const tokens = await tokensOf(w);
    const file = (await w.service.tenants.export(ISSUER)).file;
    const { "mobile-app": _gone, ...clients } = file?.clients ?? {};
    expect((await w.apply({ ...file, clients }, "?prune=true")).status).toBe(200);
    expect(await introspect(w, "web-app", tokens.opaque)).toEqual({ active: false });
    expect((await refresh(w, "mobile-app", tokens.refresh_token)).status).toBe(401);
  });

  it("a tenant that is switched off is not there: within ten seconds nobody gets an answer about its tokens", async () => {
    const w = await world();
    const tokens = await tokensOf(w);
    const other = await anotherIsolate(w);
    await expectAlive(other, tokens);
    await editTenant(w, (file) => Object.assign(file, { disabled: true }));
    clock.forward(BOUND + 1);
    expect((await refresh(other, APP, tokens.refresh_token)).status).toBe(404);
    expect((await userinfo(other, tokens.access_token)).status).toBe(404);
    expect((await other.post("/oauth2/introspect", { token: tokens.access_token }, [APP, `${APP}-secret`])).status).toBe(404);
  });

  it("a cutoff spares what began after it: a new login works", async () => {
    const w = await world();
    const old = await tokensOf(w);
    await editTenant(w, (file) => Object.assign(file.identityProviders.corp ?? {}, { cutoff: clock.now() }));
    clock.forward(1);
    const fresh = await tokensOf(w);
    await expectAlive(w, fresh);
    expect((await refresh(w, APP, fresh.refresh_token)).status).toBe(200);
    await expectDead(w, old);
  });

  it("an IdP that is switched off between login and redemption leaves the code worthless", async () => {
    const w = await world();
    const arrived = await arrive(w, APP);
    await editTenant(w, (file) => Object.assign(file.identityProviders.corp ?? {}, { disabled: true }));
    const answer = await redeem(w, APP, arrived);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
  });

  it("is ended for a service account as for a user", async () => {
    const trusting = { trustedForHandoff: ["web-app"], tokenPolicy: { accessTokenFormat: "opaque" } };
    const w = await world({ tenant: (file) => Object.assign(file.clients["billing-worker"], trusting) });
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"]);
    const { access_token } = (await answer.json()) as { readonly access_token: string };
    expect(await introspect(w, "web-app", access_token)).toMatchObject({ active: true, sub: "billing-worker" });
    await editTenant(w, (file) => Object.assign(file.clients["billing-worker"] ?? {}, { disabled: true }));
    expect(await introspect(w, "web-app", access_token)).toEqual({ active: false });
  });
});

describe("a user whose logins are revoked", () => {
  const revokeUser = (w: World, token: string) => w.service.users.revoke({ tenant: ISSUER, jurisdiction: undefined, sub: String(payloadOf(token).sub) });

  it("REV-15 has no live token of any login left, at any client, and can log in again", async () => {
    const w = await world();
    const first = await tokensOf(w);
    const second = await tokensOf(w);
    const julie = await login(w, APP, { user: "julie.armstrong" });
    const other = await anotherIsolate(w);
    await expectAlive(other, first);
    await revokeUser(w, first.access_token);
    await expectDead(other, first);
    await expectDead(other, second);
    expect(await introspect(other, APP, julie.access_token)).toMatchObject({ active: true });
    clock.forward(1);
    await expectAlive(w, await tokensOf(w));
  });

  it("cannot redeem a code, nor be signed on by the browser's session, from before", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const arrived = await arrive(w, APP, { cookie: tokens.cookie });
    expect(arrived.code).not.toBe("");
    await revokeUser(w, tokens.access_token);
    expect((await redeem(w, APP, arrived)).status).toBe(400);
    const silent = await arrive(w, APP, { cookie: tokens.cookie, authorize: { prompt: "none" } });
    expect(silent.location.searchParams.get("error")).toBe("login_required");
  });
});
