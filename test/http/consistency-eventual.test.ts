import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { anotherIsolate, consistently, familiesDown, familyCalls, handedOver, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { introspect, login, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const begun = () => world({ tenant: consistently("eventual") });
const see = (w: World, token: string, extra: Record<string, string> = {}) => introspect(w, "web-app", token, extra);
const copies = async () => (await env.TOKENS.list()).keys.map(({ name }) => name);

describe("eventual", () => {
  it("is decided by the copy alone: no object call, one read, and checked when the token was issued", async () => {
    const w = await begun();
    const issued = clock.now();
    const token = await handedOver(w);
    const strong = await see(w, token, { consistency: "strong" });
    const other = await anotherIsolate(w);
    const calls = familyCalls();
    const reads = vi.spyOn(env.TOKENS, "get");
    clock.forward(59);
    expect(await see(other, token)).toEqual({ ...strong, cambio_consistency: "eventual", cambio_checked_at: issued });
    expect(calls).not.toHaveBeenCalled();
    expect(reads).toHaveBeenCalledTimes(1);
  });

  it("is a minute behind at most: an older copy says nothing, the family is asked, and a new copy serves the next minute", async () => {
    const w = await begun();
    const token = await handedOver(w);
    clock.forward(60);
    expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "strong", cambio_checked_at: clock.now() });
    const other = await anotherIsolate(w);
    const calls = familyCalls();
    expect(await see(other, token)).toMatchObject({ active: true, cambio_consistency: "eventual" });
    expect(calls).not.toHaveBeenCalled();
  });

  it("goes on while the family cannot be reached; without a copy it is 503", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w);
    familiesDown();
    expect(await see(other, token)).toMatchObject({ active: true, cambio_consistency: "eventual" });
    vi.spyOn(env.TOKENS, "get").mockResolvedValue(null as never);
    expect(await outcomeOf(await other.post("/oauth2/introspect", { token }, ["web-app", "web-app-secret"]))).toEqual(UNAVAILABLE);
  });

  it("is exact about a token's own expiry, whatever KV still holds", async () => {
    const w = await begun();
    const token = await handedOver(w);
    clock.forward(240);
    expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "strong" });
    clock.forward(59);
    expect(await see(await anotherIsolate(w), token)).toMatchObject({ active: true, cambio_consistency: "eventual", exp: clock.now() + 1 });
    clock.forward(1);
    expect(await copies()).toHaveLength(1);
    expect(await see(w, token)).toEqual({ active: false });
  });

  it("is no weaker than edge for a JWT, which has no copy", async () => {
    const w = await begun();
    const { access_token } = await login(w, "web-app");
    const reads = vi.spyOn(env.TOKENS, "get");
    expect(await see(w, access_token)).toMatchObject({ cambio_consistency: "strong" });
    expect(await see(w, access_token)).toMatchObject({ cambio_consistency: "edge" });
    clock.forward(5);
    expect(await see(w, access_token)).toMatchObject({ cambio_consistency: "strong" });
    expect(reads).not.toHaveBeenCalled();
  });

  it("keeps the configuration's bound: a client that is cut off has no active copy", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const file = (await w.service.tenants.export("http://localhost:8787")).file;
    Object.assign(file?.clients["mobile-app"] ?? {}, { cutoff: clock.now() });
    await w.apply(file ?? {});
    expect(await see(w, token)).toEqual({ active: false });
  });
});

describe("the copy of an opaque token", () => {
  it("is sealed, under the hash of the token's secret: neither names the user, the client or the token", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const [name = ""] = await copies();
    const sealed = (await env.TOKENS.get(name)) ?? "";
    expect(name).toMatch(/^at\/[A-Za-z0-9_-]{43}$/);
    expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
    const text = `${name} ${atob(sealed.replaceAll("-", "+").replaceAll("_", "/"))}`;
    for (const word of [token, token.slice(-40), "dona", "mobile-app", "web-app", "openid"]) expect(text).not.toContain(word);
  });

  it.each(["strong", "edge"] as const)("is not written where nobody could read it: in a tenant that is %s", async (level) => {
    const w = await world({ tenant: consistently(level) });
    await handedOver(w);
    expect(await copies()).toEqual([]);
  });

  it("is not written where the tenant has switched copies off: the family is asked", async () => {
    const w = await world({
      tenant: (file) => {
        consistently("eventual")(file);
        Object.assign(file, { tokenCopies: false });
      },
    });
    const token = await handedOver(w);
    expect(await copies()).toEqual([]);
    expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "strong" });
  });

  it("is not written for JWTs, refresh tokens and codes", async () => {
    const w = await begun();
    await login(w, "front-end-app");
    expect(await copies()).toEqual([]);
  });

  it("is deleted when the token itself is revoked", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w);
    expect(await see(other, token)).toMatchObject({ cambio_consistency: "eventual" });
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await copies()).toEqual([]);
    for (const isolate of [w, other]) expect(await see(isolate, token)).toEqual({ active: false });
  });

  it.each(["the refresh token", "the JWT of the code", "the ID token", "a sibling"])("is deleted when its grant is revoked by %s", async (by) => {
    const w = await begun();
    const first = await login(w, "mobile-app");
    const second = (await (await refresh(w, "mobile-app", first.refresh_token)).json()) as Tokens;
    const third = (await (await refresh(w, "mobile-app", second.refresh_token)).json()) as Tokens;
    expect(await copies()).toHaveLength(2);
    const token =
      { "the refresh token": third.refresh_token, "the JWT of the code": first.access_token, "the ID token": first.id_token, "a sibling": second.access_token }[by] ?? "";
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await copies()).toEqual([]);
    for (const { access_token } of [second, third]) expect(await see(w, access_token)).toEqual({ active: false });
  });

  it("of another client that revokes stays", async () => {
    const w = await begun();
    const token = await handedOver(w);
    expect((await w.post("/oauth2/revoke", { token }, ["web-app", "web-app-secret"])).status).toBe(200);
    expect(await copies()).toHaveLength(1);
    expect(await see(w, token)).toMatchObject({ active: true });
  });
});
