import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { randomId, sha256 } from "../../src/protocol/bytes.ts";
import { anotherIsolate, editTenant, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { introspect, login, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

/** Every decision uses configuration that was confirmed at most this long ago. Seconds. */
const BOUND = 10;
/** How long the last confirmed configuration serves while its authority cannot be reached. Seconds. */
const OUTAGE = 60;
const APP = "front-end-app";

const authenticates = async (w: World, client: string, secret: string) => (await w.post("/oauth2/introspect", { token: "junk" }, [client, secret])).status === 200;

/** Gives a client exactly these secrets. */
const setSecrets = (w: World, secrets: readonly { readonly hash: string; readonly notBefore?: number; readonly expires?: number }[]) =>
  editTenant(w, (file) => {
    const { developmentSecret: _gone, ...client } = file.clients[APP] ?? {};
    Object.assign(file.clients, { [APP]: { ...client, secrets } });
  });

function tenantObjectDown(): () => void {
  const spy = vi.spyOn(env.TENANTS, "getByName").mockImplementation(() => {
    throw new Error("Network connection lost.");
  });
  return () => spy.mockRestore();
}

describe("a changed secret", () => {
  it("CON-45 takes hold at once where it was applied, and within ten seconds in an isolate that holds the old one", async () => {
    const w = await world();
    const [old, fresh] = [`${APP}-secret`, randomId(32)];
    const other = await anotherIsolate(w);
    expect([await authenticates(other, APP, old), await authenticates(other, APP, fresh)]).toEqual([true, false]);
    await setSecrets(w, [{ hash: await sha256(fresh) }]);
    expect([await authenticates(w, APP, old), await authenticates(w, APP, fresh)]).toEqual([false, true]);
    clock.forward(BOUND);
    expect([await authenticates(other, APP, old), await authenticates(other, APP, fresh)]).toEqual([false, true]);
  });

  it("is known without a request having waited for it, when the isolate was busy in between", async () => {
    const w = await world();
    const fresh = randomId(32);
    const other = await anotherIsolate(w);
    await authenticates(other, APP, fresh);
    await setSecrets(w, [{ hash: await sha256(fresh) }]);
    clock.forward(BOUND / 2);
    await authenticates(other, APP, fresh);
    const asked = vi.spyOn(env.TENANTS, "getByName");
    expect(await authenticates(other, APP, `${APP}-secret`)).toBe(false);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it("overlaps with the one before it: both hold while both are declared, each within its own time", async () => {
    const w = await world();
    const [one, two, later] = [randomId(32), randomId(32), randomId(32)];
    const at = clock.now();
    await setSecrets(w, [{ hash: await sha256(one), expires: at + 100 }, { hash: await sha256(two) }, { hash: await sha256(later), notBefore: at + 50 }]);
    const hold = async () => await Promise.all([one, two, later].map((secret) => authenticates(w, APP, secret)));
    expect(await hold()).toEqual([true, true, false]);
    clock.forward(50);
    expect(await hold()).toEqual([true, true, true]);
    clock.forward(49);
    expect(await hold()).toEqual([true, true, true]);
    clock.forward(1);
    expect(await hold()).toEqual([false, true, true]);
  });
});

describe("a changed record", () => {
  it("CON-45 of a policy takes hold within ten seconds elsewhere", async () => {
    const w = await world();
    const first = await login(w, APP);
    const other = await anotherIsolate(w);
    const second = (await (await refresh(other, APP, first.refresh_token)).json()) as Tokens;
    expect(second.expires_in).toBe(300);
    await editTenant(w, (file) => Object.assign(file.clients[APP] ?? {}, { tokenPolicy: { accessTokenLifetime: 30 } }));
    clock.forward(BOUND);
    expect(await (await refresh(other, APP, second.refresh_token)).json()).toMatchObject({ expires_in: 30 });
  });

  it("that takes a scope away narrows the next refresh; one that takes every scope away refuses it and uses nothing up", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { refreshRetry: "strict" } }) });
    const first = await login(w, APP, { scope: "openid email" });
    const setScopes = (scopes: readonly string[]) => editTenant(w, (file) => Object.assign(file.clients[APP] ?? {}, { scopes }));
    await setScopes(["openid"]);
    const second = (await (await refresh(w, APP, first.refresh_token)).json()) as Tokens;
    expect(second.scope).toBe("openid");
    expect(await introspect(w, APP, second.access_token)).not.toHaveProperty("email");
    await setScopes(["groups"]);
    const answer = await refresh(w, APP, second.refresh_token);
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_scope"]);
    await setScopes(["openid", "email"]);
    expect(await (await refresh(w, APP, second.refresh_token)).json()).toMatchObject({ scope: "openid email" });
  });

  it("CON-45 that is new is found by an isolate that has just not found it", async () => {
    const w = await world();
    const other = await anotherIsolate(w);
    const secret = randomId(32);
    expect(await authenticates(other, "newcomer", secret)).toBe(false);
    await editTenant(w, (file) => Object.assign(file.clients, { newcomer: { developmentSecret: secret } }));
    clock.forward(BOUND);
    expect(await authenticates(other, "newcomer", secret)).toBe(true);
  });
});

describe("while the authority on the configuration cannot be reached", () => {
  it("the last confirmed one serves for a minute more, then nothing can be decided; afterwards everything can", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const ask = () => w.post("/oauth2/introspect", { token: tokens.access_token }, [APP, `${APP}-secret`]);
    expect((await ask()).status).toBe(200);
    const up = tenantObjectDown();
    clock.forward(BOUND + OUTAGE);
    expect(await (await ask()).json()).toMatchObject({ active: true });
    const renewed = (await (await refresh(w, APP, tokens.refresh_token)).json()) as Tokens;
    clock.forward(1);
    expect(await outcomeOf(await ask())).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await refresh(w, APP, renewed.refresh_token))).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await w.post("/oauth2/introspect", { token: "junk" }, ["nobody", "nothing"]))).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await w.fetch("/oauth2/certs"))).toEqual(UNAVAILABLE);
    up();
    expect(await (await ask()).json()).toMatchObject({ active: true });
    expect((await refresh(w, APP, renewed.refresh_token)).status).toBe(200);
  });

  it("an isolate that never knew it decides nothing: 503 for every client and token, good or bad", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    const cold = await anotherIsolate(w);
    const up = tenantObjectDown();
    for (const [token, secret] of [
      [access_token, `${APP}-secret`],
      [access_token, "wrong"],
      ["junk", `${APP}-secret`],
    ] as const) {
      expect(await outcomeOf(await cold.post("/oauth2/introspect", { token }, [APP, secret]))).toEqual(UNAVAILABLE);
    }
    up();
    expect(await introspect(cold, APP, access_token)).toMatchObject({ active: true });
  });

  it("a client that was never looked up is not taken for one that does not exist", async () => {
    const w = await world();
    const other = await anotherIsolate(w);
    expect(await authenticates(other, APP, `${APP}-secret`)).toBe(true);
    const up = tenantObjectDown();
    expect(await outcomeOf(await other.post("/oauth2/introspect", { token: "junk" }, ["web-app", "web-app-secret"]))).toEqual(UNAVAILABLE);
    up();
    expect(await authenticates(other, "web-app", "web-app-secret")).toBe(true);
  });
});
