import { describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import type { Families } from "../../src/storage/families.ts";
import { statusMemory } from "../../src/storage/status-memory.ts";
import { anotherIsolate, consistently, editTenant, familiesDown, familyCalls, handedOver, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { introspect, login, payloadOf, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

/** How old an answer may be that `edge` decides by. Seconds. */
const BOUND = 5;

const begun = () => world({ tenant: consistently("edge") });
const see = (w: World, token: string) => introspect(w, "web-app", token);
const revoke = (w: World, token: string) => w.post("/oauth2/revoke", { token, client_id: "mobile-app" });

/** A service whose families take a while to say whether a token is alive: the clock moves after they have decided. */
const slowly = (seconds: number) => (service: Service) => ({
  ...service,
  families: {
    ...service.families,
    status: async (...values: Parameters<Families["status"]>) => {
      const status = await service.families.status(...values);
      clock.forward(seconds);
      return status;
    },
  },
});

describe("edge", () => {
  it("asks once, answers from that for less than five seconds, and then asks again", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const asked = clock.now();
    const calls = familyCalls();
    expect(await see(w, token)).toMatchObject({ cambio_consistency: "strong", cambio_checked_at: asked });
    for (let age = 1; age < BOUND; age++) {
      clock.forward(1);
      expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "edge", cambio_checked_at: asked });
    }
    expect(calls).toHaveBeenCalledTimes(1);
    clock.forward(1);
    expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "strong", cambio_checked_at: asked + BOUND });
    expect(calls).toHaveBeenCalledTimes(2);
  });

  it("finds what was revoked elsewhere active for less than five seconds, and never after", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w);
    await see(other, token);
    await revoke(w, token);
    expect(await see(w, token)).toEqual({ active: false });
    clock.forward(BOUND - 1);
    expect(await see(other, token)).toMatchObject({ active: true, cambio_consistency: "edge" });
    clock.forward(1);
    for (let turn = 0; turn < 3; turn++) expect(await see(other, token)).toEqual({ active: false });
  });

  it("counts from before the family was asked, however long the answer took", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w, slowly(3));
    const asked = clock.now();
    expect(await see(other, token)).toMatchObject({ active: true, cambio_checked_at: asked });
    await revoke(w, token);
    clock.forward(1);
    expect(await see(other, token)).toMatchObject({ active: true, cambio_consistency: "edge", cambio_checked_at: asked });
    clock.forward(1);
    expect(await see(other, token)).toEqual({ active: false });
  });

  it("does not keep an answer that took longer than the bound", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w, slowly(BOUND));
    await see(other, token);
    await revoke(w, token);
    expect(await see(other, token)).toEqual({ active: false });
  });

  it("is not prolonged by being asked", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w);
    await see(other, token);
    await revoke(w, token);
    for (let age = 1; age < BOUND; age++) {
      clock.forward(1);
      await see(other, token);
    }
    clock.forward(1);
    expect(await see(other, token)).toEqual({ active: false });
  });

  it("keeps no negative answer: what is dead is asked about each time", async () => {
    const w = await begun();
    const token = await handedOver(w);
    await revoke(w, token);
    const calls = familyCalls();
    for (let turn = 1; turn <= 3; turn++) {
      expect(await see(w, token)).toEqual({ active: false });
      expect(calls).toHaveBeenCalledTimes(turn);
    }
  });

  it("is exact about a token's own expiry", async () => {
    const w = await world({
      tenant: (file) => {
        consistently("edge")(file);
        Object.assign(file.clients["web-app"], { tokenPolicy: { accessTokenLifetime: 32, opaqueTokenLifetime: 32 } });
      },
    });
    const tokens = await login(w, "web-app");
    const opaque = (await (await refresh(w, "web-app", tokens.refresh_token)).json()) as Tokens;
    clock.forward(30);
    for (const token of [tokens.access_token, opaque.access_token]) expect(await see(w, token)).toMatchObject({ active: true });
    clock.forward(2);
    for (const token of [tokens.access_token, opaque.access_token]) expect(await see(w, token)).toEqual({ active: false });
  });

  it("knows one token by its own answer only, not by its sibling's", async () => {
    const w = await begun();
    const tokens = await login(w, "front-end-app");
    const next = (await (await refresh(w, "front-end-app", tokens.refresh_token)).json()) as Tokens;
    const other = await anotherIsolate(w);
    await introspect(other, "front-end-app", tokens.access_token);
    await w.post("/oauth2/revoke", { token: next.access_token }, ["front-end-app", "front-end-app-secret"]);
    expect(await introspect(other, "front-end-app", next.access_token)).toEqual({ active: false });
    expect(await introspect(other, "front-end-app", tokens.access_token)).toMatchObject({ active: true, cambio_consistency: "edge" });
  });

  it("forgets here and now what is logged out here", async () => {
    const w = await begun();
    const tokens = await login(w, "front-end-app");
    await introspect(w, "front-end-app", tokens.access_token);
    await w.fetch(`/oauth2/logout?id_token_hint=${tokens.id_token}`, { headers: { cookie: tokens.cookie } });
    expect(await introspect(w, "front-end-app", tokens.access_token)).toEqual({ active: false });
  });

  it("finds what died of a refresh token's reuse inactive within the bound", async () => {
    const w = await begun();
    const first = await login(w, "front-end-app");
    const second = (await (await refresh(w, "front-end-app", first.refresh_token)).json()) as Tokens;
    clock.forward(10);
    await introspect(w, "front-end-app", second.access_token);
    expect((await refresh(w, "front-end-app", first.refresh_token)).status).toBe(400);
    clock.forward(BOUND);
    expect(await introspect(w, "front-end-app", second.access_token)).toEqual({ active: false });
  });

  it("is no way around the configuration: a disabled client's token is inactive though its family was asked a moment ago", async () => {
    const w = await begun();
    const token = await handedOver(w);
    await see(w, token);
    await editTenant(w, (file) => Object.assign(file.clients["mobile-app"] ?? {}, { disabled: true }));
    const calls = familyCalls();
    expect(await see(w, token)).toEqual({ active: false });
    expect(calls).not.toHaveBeenCalled();
  });

  it("says what the configuration makes of the token now, however lately its family was asked", async () => {
    const w = await begun();
    const token = await handedOver(w);
    for (let turn = 0; turn < 2; turn++) expect(await see(w, token)).not.toHaveProperty("roles");
    await editTenant(w, (file) => Object.assign(file.clients["mobile-app"] ?? {}, { roles: { traveller: { users: ["corp/dona.moore"] } } }));
    const calls = familyCalls();
    for (let turn = 0; turn < 2; turn++) expect(await see(w, token)).toMatchObject({ roles: ["traveller"], cambio_consistency: "edge" });
    expect(calls).not.toHaveBeenCalled();
  });

  it("says it to each caller in the words of its own dialect", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.clients["front-end-app"], { tokenPolicy: { accessTokenFormat: "opaque" }, trustedForHandoff: ["web-app"] });
        consistently("edge")(file);
      },
    });
    const { access_token } = await login(w, "front-end-app");
    await see(w, access_token);
    for (let turn = 0; turn < 2; turn++) {
      expect(await see(w, access_token)).toMatchObject({ user_uuid: expect.any(String), cambio_consistency: "edge" });
      const toOwner = await introspect(w, "front-end-app", access_token);
      expect([toOwner.active, toOwner.cambio_consistency, toOwner.user_uuid]).toEqual([true, "edge", undefined]);
    }
  });

  it("answers from memory while the family cannot be reached, within the bound, and is 503 after it", async () => {
    const w = await begun();
    const token = await handedOver(w);
    await see(w, token);
    familiesDown();
    clock.forward(BOUND - 1);
    expect(await see(w, token)).toMatchObject({ active: true, cambio_consistency: "edge" });
    clock.forward(1);
    expect(await outcomeOf(await w.post("/oauth2/introspect", { token }, ["web-app", "web-app-secret"]))).toEqual(UNAVAILABLE);
  });

  it("with a bound of zero is strong", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const other = await anotherIsolate(w, (service) => ({ ...service, statuses: statusMemory(service.now, 0) }));
    for (let turn = 0; turn < 2; turn++) expect(await see(other, token)).toMatchObject({ active: true, cambio_consistency: "strong" });
  });

  it("remembers for one tenant, client and token at a time: what the caller may not know stays unknown", async () => {
    const w = await begun();
    const { access_token } = await login(w, "front-end-app");
    await introspect(w, "front-end-app", access_token);
    expect(await introspect(w, "stranger", access_token)).toEqual({ active: false });
    expect(await introspect(w, "front-end-app", access_token)).toMatchObject({ active: true, cambio_consistency: "edge" });
  });

  it("keeps apart what two tokens of one login say, signed and plain", async () => {
    const w = await begun();
    const { access_token, id_token } = await login(w, "web-app");
    const kindOf = async (token: string) => {
      const said = await see(w, token);
      return [said.cambio_consistency, said.token_type, said.exp === payloadOf(token).exp, said.aud];
    };
    const first = [await kindOf(access_token), await kindOf(id_token)];
    expect(first).toEqual([
      ["strong", "Bearer", true, "web-app"],
      [expect.any(String), undefined, true, "web-app"],
    ]);
    for (let turn = 0; turn < 2; turn++) {
      expect([await kindOf(id_token), await kindOf(access_token)]).toEqual([
        ["edge", undefined, true, "web-app"],
        ["edge", "Bearer", true, "web-app"],
      ]);
    }
    const signed = await w.post("/oauth2/introspect", { token: access_token }, ["web-app", "web-app-secret"], { accept: "application/token-introspection+jwt" });
    expect(payloadOf(await signed.text()).token_introspection).toEqual(await see(w, access_token));
  });
});
