import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { anotherIsolate, consistently, familyCalls, handedOver, stoppedClock } from "../faults.ts";
import { introspect, login, world } from "../world.ts";

const clock = stoppedClock();

const LEVELS = ["strong", "edge", "eventual"] as const;
type Level = (typeof LEVELS)[number];

const strongest = (...levels: readonly Level[]): Level => LEVELS.find((level) => levels.includes(level)) ?? "strong";

describe("the consistency of an introspection", () => {
  it("is strong unless every setting says otherwise: one object call, no copy read, none written", async () => {
    const w = await world();
    const [reads, writes] = [vi.spyOn(env.TOKENS, "get"), vi.spyOn(env.TOKENS, "put")];
    const token = await handedOver(w);
    const calls = familyCalls();
    for (let turn = 1; turn <= 3; turn++) {
      expect(await introspect(w, "web-app", token)).toMatchObject({ active: true, cambio_consistency: "strong", cambio_checked_at: clock.now() });
      expect(calls).toHaveBeenCalledTimes(turn);
      clock.forward(1);
    }
    expect(reads).not.toHaveBeenCalled();
    expect(writes).not.toHaveBeenCalled();
  });

  // Tenant, caller and owner of the token each have a setting, and the request may ask: the strongest of the four holds.
  const combinations = LEVELS.flatMap((tenant) => LEVELS.flatMap((caller) => LEVELS.map((owner) => ({ tenant, caller, owner }))));

  it.each(combinations)(
    "of tenant $tenant, caller $caller and owner $owner is the strongest, and the request may ask for more, never for less",
    async ({ tenant, caller, owner }) => {
      const w = await world({
        tenant: (file) => {
          Object.assign(file, { consistency: tenant });
          Object.assign(file.clients["web-app"], { consistency: caller });
          Object.assign(file.clients["mobile-app"], { consistency: owner });
        },
      });
      const token = await handedOver(w);
      for (const asked of [undefined, ...LEVELS]) {
        const expected = strongest(tenant, caller, owner, asked ?? "eventual");
        const isolate = await anotherIsolate(w);
        const form: Record<string, string> = asked === undefined ? {} : { consistency: asked };
        const first = await introspect(isolate, "web-app", token, form);
        const second = await introspect(isolate, "web-app", token, form);
        // The first look of edge is strong.
        expect([asked, first.cambio_consistency, second.cambio_consistency]).toEqual([asked, expected === "edge" ? "strong" : expected, expected]);
      }
    },
  );

  it("is one of three: anything else is refused, and left empty is left out", async () => {
    const w = await world();
    const token = await handedOver(w);
    for (const consistency of ["Strong", "weak", "strong edge", "none", "0"]) {
      const answer = await w.post("/oauth2/introspect", { token, consistency }, ["web-app", "web-app-secret"]);
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_request"]);
    }
    expect(await introspect(w, "web-app", token, { consistency: "" })).toMatchObject({ active: true });
  });

  it.each(LEVELS)("%s always asks about a refresh token strongly", async (level) => {
    const w = await world({ tenant: consistently(level) });
    const { refresh_token } = await login(w, "web-app");
    for (let turn = 0; turn < 3; turn++) {
      const calls = familyCalls();
      expect(await introspect(w, "web-app", refresh_token)).toMatchObject({ active: true, cambio_consistency: "strong" });
      expect(calls).toHaveBeenCalledTimes(1);
      calls.mockRestore();
    }
  });
});

describe("right after a token was issued", () => {
  it.each(LEVELS)("INT-13 it is active in another isolate, in %s", async (level) => {
    const w = await world({ tenant: consistently(level) });
    const token = await handedOver(w);
    const jwt = (await login(w, "web-app")).access_token;
    const other = await anotherIsolate(w);
    for (const text of [token, jwt]) expect(await introspect(other, "web-app", text)).toMatchObject({ active: true });
  });
});

describe("right after a token was revoked", () => {
  it.each(LEVELS)("INT-14 it is inactive here, and in every isolate that has not asked before, in %s", async (level) => {
    const w = await world({ tenant: consistently(level) });
    const token = await handedOver(w);
    expect(await introspect(w, "web-app", token)).toMatchObject({ active: true });
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await introspect(w, "web-app", token)).toEqual({ active: false });
    expect(await introspect(await anotherIsolate(w), "web-app", token)).toEqual({ active: false });
  });

  it("INT-14 strong is right in an isolate that has just found it active", async () => {
    const w = await world({ tenant: consistently("eventual") });
    const token = await handedOver(w);
    const other = await anotherIsolate(w);
    for (const consistency of LEVELS) await introspect(other, "web-app", token, { consistency });
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await introspect(other, "web-app", token, { consistency: "strong" })).toEqual({ active: false });
  });
});
