import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { copiesInKv, dump } from "../worker/inside.ts";
import { login, world } from "../world.ts";
import { everything, watch } from "./canaries.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
});

const PRINTERS = ["log", "error", "warn", "info", "debug", "trace", "table", "dir"] as const;

describe("LOG-01 LOG-02 a secret, token, code, verifier or cookie", () => {
  it("is in no line and on no console, over whole flows and their failures", async () => {
    const printed = listen();
    const watched = watch(await world());
    await everything(watched);
    const { lines } = watched.world;
    expect(lines.length).toBeGreaterThan(80);
    // And no request wrote two.
    expect(new Set(lines.map((line) => (JSON.parse(line) as { readonly trace: string }).trace)).size).toBe(lines.length);
    expect(watched.foundIn(lines.join("\n"))).toEqual([]);
    expect(watched.foundIn(printed.map((item) => (item instanceof Error ? `${item.stack} ${item.cause}` : String(item))).join("\n"))).toEqual([]);
  });

  it("is in no refusal, in its headers or its body", async () => {
    const watched = watch(await world());
    await everything(watched);
    const refusals = watched.answers.filter(({ status }) => status >= 400);
    expect(refusals.length).toBeGreaterThan(60);
    expect(refusals.flatMap(({ name, text }) => watched.foundIn(text).map((secret) => `${name}: ${secret}`))).toEqual([]);
  });

  it("is not kept in the clear: neither in KV nor in any object but the operators' own configuration", async () => {
    const watched = watch(
      await world({
        tenant: (file) => {
          Object.assign(file, { consistency: "eventual" });
          for (const client of Object.values(file.clients)) Object.assign(client, { consistency: "eventual" });
        },
      }),
    );
    await everything(watched);
    for (const kept of ["idp-at", "idp-rt"]) watched.secret(kept);
    const objects = await Promise.all([dump(env.FAMILIES), dump(env.USERS), dump(env.SINGLE_USE)]);
    const copies = await copiesInKv();
    expect(objects.map((text) => text.length > 100)).toEqual([true, true, true]);
    expect(copies.length).toBeGreaterThan(0);
    expect(objects.flatMap((text) => watched.foundIn(text))).toEqual([]);
    expect(watched.foundIn(copies.join("\n"))).toEqual([]);
  });

  it("would be found, were it there", async () => {
    const watched = watch(await world());
    const { refresh_token, access_token, cookie } = await login(watched.world, "web-app");
    for (const secret of [refresh_token, access_token]) watched.secret(secret);
    expect(watched.foundIn(`x ${refresh_token} y`)).toHaveLength(1);
    expect(watched.foundIn(`x ${refresh_token.slice(-20)} y`)).toHaveLength(1);
    expect(watched.foundIn(`x ${[...access_token].toReversed().join("")} y`)).toHaveLength(1);
    expect(watched.foundIn(JSON.stringify({ cookie })).length).toBeGreaterThan(0);
    expect(watched.foundIn("nothing of the kind")).toEqual([]);
  });
});

describe("LOG-06 an exception that speaks", () => {
  it("of a store, an object or KV is heard by nobody outside", async () => {
    const speaking = (name: string) => () => Promise.reject(new Error(`${name} failed on canary-5f1c7d52-token`));
    const printed = listen();
    let broken = false;
    const w = await world({
      service: (s) => {
        const whenBroken = <T extends object>(part: T, name: string): T =>
          new Proxy(part, {
            get: (target, member) => {
              const value = Reflect.get(target, member) as unknown;
              return broken && typeof value === "function" && member !== "create" ? speaking(`${name}.${String(member)}`) : value;
            },
          });
        return {
          ...s,
          families: whenBroken(s.families, "families"),
          users: whenBroken(s.users, "users"),
          singleUse: whenBroken(s.singleUse, "single use"),
          copies: whenBroken(s.copies, "copies"),
        };
      },
    });
    const watched = watch(w);
    const tokens = await login(watched.world, "web-app");
    const web = ["web-app", "web-app-secret"] as const;
    broken = true;
    watched.answers.length = 0;
    await watched.world.post("/oauth2/introspect", { token: tokens.access_token }, web);
    await watched.world.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token }, web);
    await watched.world.post("/oauth2/revoke", { token: tokens.access_token }, web);
    await watched.world.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } });
    await watched.world.fetch(`/oauth2/logout?id_token_hint=${tokens.id_token}`, { headers: { cookie: tokens.cookie } });
    await watched.world.apply({});
    expect(watched.answers.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500, 500]);
    const outside = [...watched.answers.map(({ text }) => text), ...w.lines, ...printed.map(String)].join("\n");
    expect(outside).not.toMatch(/canary-5f1c7d52|failed on/);
  });
});

/** Everything that is printed from now on. */
function listen(): unknown[] {
  const printed: unknown[] = [];
  for (const name of PRINTERS) vi.spyOn(console, name).mockImplementation((...all: unknown[]) => void printed.push(...all));
  return printed;
}
