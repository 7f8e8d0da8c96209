import { describe, expect, it, vi } from "vitest";
import { createService } from "../../src/index.ts";
import { verifiedTokens } from "../../src/tokens/verified-tokens.ts";
import { changeKeys, handedOver, stoppedClock } from "../faults.ts";
import { BINDINGS, changed, introspect, login, world } from "../world.ts";

const clock = stoppedClock();

describe("a JWT that was verified before", () => {
  const seen = async () => {
    const service = await createService({ ...BINDINGS, VERIFIED_TOKENS_KEPT: "1000" } as typeof BINDINGS);
    const w = await world({ service: () => service });
    const { access_token } = await login(w, "front-end-app");
    const active = async (token = access_token) => (await introspect(w, "front-end-app", token)).active;
    expect(await active()).toBe(true);
    return { w, access_token, active, verify: vi.spyOn(crypto.subtle, "verify") };
  };

  it("is not verified again; one that differs in a character is, and fails", async () => {
    const { access_token, active, verify } = await seen();
    expect([await active(), verify.mock.calls.length]).toEqual([true, 0]);
    expect([await active(changed(access_token)), verify.mock.calls.length]).toEqual([false, 1]);
  });

  it("is dead when it is revoked, and when it has expired", async () => {
    const { w, access_token, active } = await seen();
    clock.forward(300);
    expect(await active()).toBe(false);
    const fresh = (await login(w, "front-end-app")).access_token;
    expect(await active(fresh)).toBe(true);
    await w.post("/oauth2/revoke", { token: fresh }, ["front-end-app", "front-end-app-secret"]);
    expect([await active(fresh), await active(access_token)]).toEqual([false, false]);
  });

  it("is dead as soon as the configuration has dropped its key", async () => {
    const { active } = await seen();
    await changeKeys((roles) => ({ ...roles, signing: roles.signing.map((key) => (key.algorithm === "ES256" ? { ...key, role: "dropped" } : key)) }));
    clock.forward(10);
    expect(await active()).toBe(false);
  });
});

describe("an opaque access token that was verified before", () => {
  const seen = async () => {
    const service = await createService({ ...BINDINGS, VERIFIED_TOKENS_KEPT: "1000" } as typeof BINDINGS);
    const w = await world({ service: () => service });
    const token = await handedOver(w);
    const active = async (text = token) => (await introspect(w, "web-app", text)).active;
    expect(await active()).toBe(true);
    return { w, token, active };
  };

  it("is dead when it is revoked, and one that differs in a character is none", async () => {
    const { w, token, active } = await seen();
    expect([await active(), await active(changed(token))]).toEqual([true, false]);
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await active()).toBe(false);
  });

  it("is dead as soon as the configuration has dropped its key", async () => {
    const { active } = await seen();
    await changeKeys((roles) => ({ ...roles, token: roles.token.map((key) => ({ ...key, role: key.number === 2 ? "current" : "dropped" })) }));
    clock.forward(10);
    expect(await active()).toBe(false);
  });
});

describe("the tokens that are kept", () => {
  const token = { format: "jwt" } as Parameters<ReturnType<typeof verifiedTokens>["keep"]>[1];

  it("are so many and no more: the oldest goes first", () => {
    const tokens = verifiedTokens(2);
    for (const text of ["a", "b", "c"]) tokens.keep(text, token);
    expect(["a", "b", "c"].map((text) => tokens.recall(text) !== undefined)).toEqual([false, true, true]);
  });

  it("are none where that is said, and none that is very long", () => {
    const [none, some] = [verifiedTokens(0), verifiedTokens(2)];
    none.keep("a", token);
    some.keep("a".repeat(4097), token);
    some.keep("a".repeat(4096), token);
    expect([none.recall("a"), some.recall("a".repeat(4097)), some.recall("a".repeat(4096))]).toEqual([undefined, undefined, token]);
  });
});
