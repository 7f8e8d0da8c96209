import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { KeyRing } from "../../src/tokens/keys.ts";
import { seal, unseal } from "../../src/tokens/seal.ts";
import { anotherIsolate, consistently, familyCalls, handedOver, stoppedClock } from "../faults.ts";
import { ISSUER, introspect, login, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

type Read = (name: string) => Promise<string | null>;

const LEVELS = ["strong", "edge", "eventual"] as const;
const begun = () => world({ tenant: consistently("eventual") });
const see = (w: World, token: string, consistency: string) => introspect(w, "web-app", token, { consistency });
const readCopies = (read: Read) => vi.spyOn(env.TOKENS, "get").mockImplementation(read as never);
const lost = () => Promise.reject(new Error("KV GET failed: 429 Too Many Requests"));

/** The name and the text of every copy that KV holds. */
async function copies(): Promise<readonly (readonly [string, string])[]> {
  const { keys } = await env.TOKENS.list();
  return await Promise.all(keys.map(async ({ name }) => [name, (await env.TOKENS.get(name)) ?? ""] as const));
}

async function ringOf(w: World, issuer = ISSUER): Promise<KeyRing> {
  const tenant = await w.service.directory.open(ISSUER, () => undefined);
  if (tenant === undefined) throw new Error("no tenant");
  return w.service.keys.ringOf(issuer, tenant.keys);
}

describe("KV that is behind", () => {
  it.each(LEVELS)("CON-40 by the miss from before the token was issued: the token works, in %s", async (level) => {
    const w = await begun();
    readCopies(async () => null);
    const token = await handedOver(w);
    for (let age = 0; age <= 120; age += 30) {
      expect(await see(await anotherIsolate(w), token, level)).toMatchObject({ active: true, cambio_consistency: "strong" });
      clock.forward(30);
    }
  });

  it.each(["strong", "edge"] as const)("CON-41 by the copy from before the revocation, for ever: the token is inactive, in %s", async (level) => {
    const w = await begun();
    const token = await handedOver(w);
    const before = new Map(await copies());
    const other = await anotherIsolate(w);
    expect(await see(other, token, "eventual")).toMatchObject({ cambio_consistency: "eventual" });
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    const reads = readCopies(async (name) => before.get(name) ?? null);
    for (let age = 0; age <= 240; age += 60) {
      expect(await see(other, token, level)).toEqual({ active: false });
      clock.forward(60);
    }
    expect(reads).not.toHaveBeenCalled();
  });

  it("CON-41 is what eventual accepts, and all that it accepts: the copy's own expiry still holds", async () => {
    const w = await begun();
    const token = await handedOver(w);
    const before = new Map(await copies());
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    readCopies(async (name) => before.get(name) ?? null);
    expect(await see(w, token, "eventual")).toMatchObject({ active: true, cambio_consistency: "eventual" });
    clock.forward(300);
    expect(await see(w, token, "eventual")).toEqual({ active: false });
  });

  it.each(["strong", "edge"] as const)("REV-16 because the copy is still on its way when the token is revoked: inactive, in %s", async (level) => {
    const w = await begun();
    const late: (() => void)[] = [];
    const put = env.TOKENS.put.bind(env.TOKENS);
    vi.spyOn(env.TOKENS, "put").mockImplementation((async (...values: Parameters<typeof put>) => void late.push(() => void put(...values))) as never);
    const token = await handedOver(w);
    expect(late).toHaveLength(1);
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    for (const write of late) write();
    await vi.waitFor(async () => expect(await copies()).toHaveLength(1));
    expect(await see(w, token, level)).toEqual({ active: false });
  });
});

describe("KV that fails", () => {
  it.each(LEVELS)("CON-42 when it is read: the family is asked, in %s", async (level) => {
    const w = await begun();
    const token = await handedOver(w);
    readCopies(lost);
    expect(await see(w, token, level)).toMatchObject({ active: true, cambio_consistency: "strong" });
    await w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    expect(await see(w, token, level)).toEqual({ active: false });
  });

  it("CON-42 by saying nothing when it is read: the family is asked after a moment", async () => {
    const w = await begun();
    const token = await handedOver(w);
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: Date.now() });
    readCopies(() => new Promise(() => undefined));
    const answer = see(w, token, "eventual");
    for (let look = 0; look < 200; look++) {
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(await answer).toMatchObject({ active: true, cambio_consistency: "strong" });
  });

  it("CON-42 when it is written: the token is issued all the same, and works", async () => {
    const w = await begun();
    vi.spyOn(env.TOKENS, "put").mockImplementation(lost as never);
    const token = await handedOver(w);
    expect(await copies()).toEqual([]);
    for (const level of LEVELS) expect(await see(w, token, level)).toMatchObject({ active: true });
  });

  it("CON-42 when a copy is deleted: the revocation holds wherever the family is asked", async () => {
    const w = await begun();
    const token = await handedOver(w);
    vi.spyOn(env.TOKENS, "delete").mockImplementation(lost as never);
    expect((await w.post("/oauth2/revoke", { token, client_id: "mobile-app" })).status).toBe(200);
    for (const level of ["strong", "edge"]) expect(await see(w, token, level)).toEqual({ active: false });
  });
});

describe("a copy that is not what was written", () => {
  /** Changes of one copy, given the copy of another token of the same tenant. */
  const changes: readonly (readonly [string, (w: World, name: string, sealed: string, other: string) => string | Promise<string>])[] = [
    ["the copy of another token", (_w, _name, _sealed, other) => other],
    ["a flipped byte at its start", (_w, _name, sealed) => (sealed.startsWith("A") ? "B" : "A") + sealed.slice(1)],
    ["a flipped byte in its nonce", (_w, _name, sealed) => flip(sealed, 8)],
    ["a flipped byte in its content", (_w, _name, sealed) => flip(sealed, 60)],
    ["a flipped byte at its end", (_w, _name, sealed) => flip(sealed, sealed.length - 4)],
    ["half of it", (_w, _name, sealed) => sealed.slice(0, sealed.length / 2)],
    ["nothing", () => ""],
    ["JSON", () => '{"status":{"alive":true}}'],
    ["another tenant's copy of the same name", async (w, name) => await seal(await ringOf(w, "https://id.example.com"), "seal", labelOf(name), "{}")],
    ["a copy sealed for another purpose", async (w, name) => await seal(await ringOf(w), "cookie", labelOf(name), "{}")],
    ["an older schema: an empty record", async (w, name) => await seal(await ringOf(w), "seal", labelOf(name), "{}")],
    ["an older schema: no status", async (w, name) => await seal(await ringOf(w), "seal", labelOf(name), JSON.stringify({ expires: clock.now() + 300 }))],
    [
      "an older schema: a status without its record",
      async (w, name) => await seal(await ringOf(w), "seal", labelOf(name), JSON.stringify({ expires: clock.now() + 300, status: { alive: true, now: clock.now() } })),
    ],
    ["no JSON at all, rightly sealed", async (w, name) => await seal(await ringOf(w), "seal", labelOf(name), "not json")],
    ["null, rightly sealed", async (w, name) => await seal(await ringOf(w), "seal", labelOf(name), "null")],
  ];

  const labelOf = (name: string) => `copy ${name.slice("at/".length)}`;
  const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

  it.each(changes)("CON-44 is a miss: %s. The family is asked once, and says what is true", async (_case, change) => {
    const w = await begun();
    const token = await handedOver(w);
    const [[name, sealed] = ["", ""]] = await copies();
    const revoked = await handedOver(w);
    const [other = ""] = (await copies()).flatMap(([key, text]) => (key === name ? [] : [text]));
    expect(await unseal(await ringOf(w), "seal", labelOf(name), sealed)).toBeDefined();
    const changed = await change(w, name, sealed, other);
    expect(changed).not.toBe(sealed);
    await env.TOKENS.put(name, changed);
    const isolate = await anotherIsolate(w);
    const calls = familyCalls();
    expect(await see(isolate, token, "eventual")).toMatchObject({ active: true, cambio_consistency: "strong" });
    expect(calls).toHaveBeenCalledTimes(1);
    expect(await see(isolate, revoked, "eventual")).toMatchObject({ active: true, cambio_consistency: "eventual" });
  });

  it("CON-44 under the name of a revoked token does not bring it back", async () => {
    const w = await begun();
    const revoked = await handedOver(w);
    const [[name] = [""]] = await copies();
    const live = await handedOver(w);
    const [other = ""] = (await copies()).flatMap(([key, text]) => (key === name ? [] : [text]));
    await w.post("/oauth2/revoke", { token: revoked, client_id: "mobile-app" });
    await env.TOKENS.put(name, other);
    expect(await see(w, revoked, "eventual")).toEqual({ active: false });
    expect(await see(w, live, "eventual")).toMatchObject({ active: true });
  });
});

describe("the life of a copy in KV", () => {
  it("CON-46 is never below a minute: what lives less is not copied, and works", async () => {
    const w = await world({
      tenant: (file) => {
        consistently("eventual")(file);
        Object.assign(file.clients["web-app"], { tokenPolicy: { opaqueTokenLifetime: 59 } });
      },
    });
    const writes = vi.spyOn(env.TOKENS, "put");
    const { refresh_token } = await login(w, "web-app");
    const { access_token } = (await (await refresh(w, "web-app", refresh_token)).json()) as Tokens;
    expect(writes).not.toHaveBeenCalled();
    expect(await see(w, access_token, "eventual")).toMatchObject({ active: true, cambio_consistency: "strong" });
  });

  it.each([60, 61, 300, 43_200])("CON-46 of a token that lives %d seconds is a minute: the bound of eventual, and the least that KV takes", async (opaqueTokenLifetime) => {
    const w = await world({
      tenant: (file) => {
        consistently("eventual")(file);
        Object.assign(file.clients["web-app"], { tokenPolicy: { opaqueTokenLifetime } });
      },
    });
    const writes = vi.spyOn(env.TOKENS, "put");
    const { refresh_token } = await login(w, "web-app");
    const answer = await refresh(w, "web-app", refresh_token);
    expect(await answer.json()).toMatchObject({ expires_in: opaqueTokenLifetime });
    expect(writes.mock.calls.map(([, , options]) => options)).toEqual([{ expirationTtl: 60 }]);
  });

  it("CON-46 of a token whose login is almost over is skipped, not negative: no answer is 500", async () => {
    const w = await world({
      tenant: (file) => {
        consistently("eventual")(file);
        Object.assign(file.clients["web-app"], { tokenPolicy: { sessionLifetime: 300 } });
      },
    });
    const writes = vi.spyOn(env.TOKENS, "put");
    let { refresh_token } = await login(w, "web-app");
    for (const [pause, left] of [
      [241, 59],
      [29, 30],
      [29, 1],
    ] as const) {
      clock.forward(pause);
      const answer = await refresh(w, "web-app", refresh_token);
      expect(answer.status).toBe(200);
      const next = (await answer.json()) as Tokens;
      expect(next.expires_in).toBe(left);
      refresh_token = next.refresh_token;
    }
    expect(writes).not.toHaveBeenCalled();
    clock.forward(1);
    expect((await refresh(w, "web-app", refresh_token)).status).toBe(400);
  });
});
