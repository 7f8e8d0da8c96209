import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { storedIn } from "../worker/inside.ts";
import { APPS, exchange, login, type Tokens, type World, world } from "../world.ts";
import { partnerToken, present } from "./external-steps.ts";
import { authorize } from "./login-steps.ts";

// More of the rules learned from other servers' bugs: see regressions.test.ts.

const clock = stoppedClock();

/** How many families have stored anything that had not when this was called; what an earlier test left is none of it. */
async function familiesFromNow(): Promise<() => Promise<number>> {
  const written = async () => {
    const stored = await Promise.all((await listDurableObjectIds(env.FAMILIES)).map(async (id) => ({ id: id.toString(), ...(await storedIn(env.FAMILIES.get(id))) })));
    return stored.filter(({ tables }) => tables.length > 0).map(({ id }) => id);
  };
  const before = new Set(await written());
  return async () => (await written()).filter((id) => !before.has(id)).length;
}
const statuses = (answers: readonly { readonly status: number }[]) => [...new Set(answers.map(({ status }) => status))];

describe("first use", () => {
  it("regression 12: of an empty store by twenty at once makes one family, and no key but those that were deployed", async () => {
    const w = await world();
    const families = await familiesFromNow();
    const keys = async () => await (await w.fetch("/oauth2/certs")).text();
    const before = await keys();
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", audience: "orders-api" }, ["billing-worker", "billing-worker-secret"]);
    const { access_token } = (await answer.json()) as Tokens;
    expect(await families()).toBe(0);
    const form = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token };
    expect(statuses(await Promise.all(Array.from({ length: 20 }, () => exchange(w, "orders-api", form))))).toEqual([200]);
    expect(await families()).toBe(1);
    const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => partnerToken(w, { jti: `t-${n}` })));
    expect(statuses(await Promise.all(tokens.map((token) => present(w, token))))).toEqual([200]);
    expect(await families()).toBe(2);
    expect(await keys()).toBe(before);
  });
});

describe("patterns", () => {
  it("regression 13: no issuer and no redirect URI fits by a part of it; a port may differ on a loopback address, and nothing else", async () => {
    const w = await world();
    for (const host of ["localhost:8787.evil.example", "evil.example/localhost:8787", "localhost:8787@evil.example", "localhost%2f8787.evil.example"]) {
      const url = `http://${host}/.well-known/openid-configuration`;
      const answer = URL.canParse(url) ? await w.fetch(url) : undefined;
      expect([host, answer?.status ?? 404]).toEqual([host, 404]);
    }
    const { redirectUri } = APPS["mobile-app"];
    const { port } = new URL(redirectUri);
    const taken = async (uri: string) => (await authorize(w, "mobile-app", { redirect_uri: uri })).status;
    expect([await taken(redirectUri), await taken(redirectUri.replace(port, "61000"))]).toEqual([303, 303]);
    const others = [":1@evil.example:80", ":1.evil.example", ":1/evil", ":", ":1:2", ":99999", ":1%2f", ":1\\", ":1?", ":0x50"];
    for (const other of others) expect([other, await taken(redirectUri.replace(`:${port}`, other))]).toEqual([other, 400]);
    expect((await w.fetch("/.well-known/openid-configuration")).status).toBe(200);
  });
});

describe("settings that cannot be read", () => {
  const asked = async (w: World) => await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"]);

  it("regression 14: the last good ones serve for their bound, a minute, and then there is no answer until they can be read", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect((await asked(w)).status).toBe(200);
    const down = vi.spyOn(env.TENANTS, "getByName").mockImplementation(() => {
      throw new Error("Network connection lost.");
    });
    clock.forward(69);
    expect((await asked(w)).status).toBe(200);
    clock.forward(2);
    expect(await outcomeOf(await asked(w))).toEqual(UNAVAILABLE);
    const exchanged = await exchange(w, "front-end-app", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" });
    expect([exchanged.status, exchanged.body.error]).toEqual([503, "temporarily_unavailable"]);
    down.mockRestore();
    expect((await asked(w)).status).toBe(200);
  });
});
