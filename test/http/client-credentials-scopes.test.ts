import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { payloadOf, type Tokens, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

beforeEach(reset);

// Two services that each have a scope of the same name; only the first lets the worker have it.
const SCOPES = { first: ["read", "first:write"], second: ["read", "second:write"] };

async function begun(permitted: { readonly first: readonly string[]; readonly second: readonly string[] }): Promise<World> {
  return await world({
    tenant: (file) => {
      for (const service of ["first", "second"] as const) {
        Object.assign(file.clients, { [service]: { developmentSecret: `${service}-secret`, grants: ["token_exchange"], ownScopes: SCOPES[service] } });
        file.permissions.push({ consumer: "billing-worker", provider: service, name: service, scopes: [...permitted[service]] });
      }
    },
  });
}

async function scopeOf(w: World, audiences: readonly string[], scope?: string): Promise<unknown> {
  const form = new URLSearchParams({ grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) });
  for (const audience of audiences) form.append("audience", audience);
  const answer = await w.post("/oauth2/token", form.toString(), ["billing-worker", "billing-worker-secret"]);
  if (answer.status !== 200) return lastReason(w);
  return payloadOf(((await answer.json()) as Tokens).access_token).scope;
}

describe("client credentials for several targets", () => {
  it("give a scope of one name where every target that owns it has permitted it, and nowhere else", async () => {
    const w = await begun({ first: ["read", "first:write"], second: ["second:write"] });
    expect(await scopeOf(w, ["first"], "read")).toBe("read");
    expect(await scopeOf(w, ["second"], "read")).toBe("scope_exceeds");
    expect(await scopeOf(w, ["first", "second"], "read")).toBe("scope_exceeds");
    expect(await scopeOf(w, ["first", "second"])).toBe("first:write second:write");
    expect(await scopeOf(w, ["first", "second"], "first:write")).toBe("first:write");
    await reset();
    const both = await begun({ first: ["read"], second: ["read", "second:write"] });
    expect(await scopeOf(both, ["first", "second"], "read")).toBe("read");
    expect(await scopeOf(both, ["first", "second"])).toBe("read second:write");
  });

  it("give for itself and another together what the client owns and what it was permitted", async () => {
    const w = await begun({ first: ["read"], second: [] });
    expect(await scopeOf(w, ["billing-worker", "first"], "read")).toBe("read");
    expect(await scopeOf(w, ["billing-worker", "first"], "openid")).toBe("scope_exceeds");
  });

  it("give nothing where the permission lists other kinds of token, but no access token", async () => {
    const w = await world({
      tenant: (file) => {
        for (const permission of file.permissions) if (permission.consumer === "billing-worker") Object.assign(permission, { tokenTypes: ["id_token", "refresh_token"] });
      },
    });
    expect(await scopeOf(w, ["orders-api"])).toBe("target_forbidden");
    expect(await scopeOf(w, ["billing-worker", "orders-api"])).toBe("target_forbidden");
    await reset();
    expect(await scopeOf(await world(), ["orders-api"])).toBe("orders:read");
  });
});
