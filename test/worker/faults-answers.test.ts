import { listDurableObjectIds, reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { outcomeOf, stopClock, UNAVAILABLE } from "../faults.ts";
import { type Arrived, arrive, login, redeem, refresh, type TenantFileInput, type Tokens } from "../world.ts";
import { type InterceptedWorld, interceptedWorld } from "./intercepted.ts";
import { journey, OUTCOME } from "./journey.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const LOST = Object.assign(new Error("Network connection lost."), { retryable: true });

/** What all families hold that are not these, counted: the rows of their tables, how often each refresh chain was rotated, the leaves of each grant. */
async function kept(before: readonly DurableObjectId[]): Promise<readonly unknown[]> {
  const known = new Set(before.map(String));
  const ids = (await listDurableObjectIds(env.FAMILIES)).filter((id) => !known.has(id.toString()));
  const all = await Promise.all(
    ids.map((id) =>
      runInDurableObject(env.FAMILIES.get(id), (_object, { storage }) => {
        const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name = 'family'").toArray();
        if (tables.length === 0) return [];
        const count = (table: string) => storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
        const chains = storage.sql.exec<{ generation: number }>("SELECT chain ->> 'generation' AS generation FROM nodes WHERE chain IS NOT NULL").toArray();
        const leaves = storage.sql.exec<{ n: number }>("SELECT json_array_length(leaves) AS n FROM nodes ORDER BY n").toArray();
        return [JSON.stringify({ ...Object.fromEntries(["sessions", "codes", "nodes", "revoked"].map((table) => [table, count(table)])), chains, leaves })];
      }),
    ),
  );
  return all.flat().toSorted();
}

/** Whether a call is to an object that may write; the configuration is only read on this way. */
function commits(call: string): boolean {
  return !/^(kv|tenant)\./.test(call);
}

/** Loses the answer of the nth such call, after it was carried out. Answers which call that was, if there was one. */
function loseAnswer(w: InterceptedWorld, nth: number): { call?: string } {
  const lost: { call?: string } = {};
  let count = 0;
  w.intercept = async (call, run) => {
    const answer = await run();
    if (!commits(call) || count++ !== nth) return answer;
    lost.call = call;
    throw LOST;
  };
  return lost;
}

describe("CON-24 an answer that is lost after the commit", () => {
  it("is asked for again at every call of the hand-off, and changes nothing: neither what is seen nor what is kept", async () => {
    const others = await listDurableObjectIds(env.FAMILIES);
    const undisturbed = await interceptedWorld();
    undisturbed.calls.length = 0;
    expect(await journey(undisturbed)).toEqual(OUTCOME);
    const calls = undisturbed.calls.filter(commits);
    const expected = await kept(others);
    expect(calls.length).toBeGreaterThan(10);
    for (let nth = 0; nth < calls.length; nth++) {
      await reset();
      const before = await listDurableObjectIds(env.FAMILIES);
      const w = await interceptedWorld();
      const lost = loseAnswer(w, nth);
      expect(await journey(w)).toEqual(OUTCOME);
      expect([nth, lost.call, await kept(before)]).toEqual([nth, calls[nth], expected]);
    }
  }, 120_000);

  it("three times over cannot be answered; the application asks again and gets the same successor within the window, and is taken for a thief after it (CON-02)", async () => {
    for (const [later, outcome] of [
      [9, 200],
      [10, 400],
    ] as const) {
      await reset();
      const w = await interceptedWorld();
      const clock = stopClock();
      const { refresh_token } = await login(w, "mobile-app");
      w.intercept = async (_call, run) => {
        await run();
        throw LOST;
      };
      w.calls.length = 0;
      expect(await outcomeOf(await refresh(w, "mobile-app", refresh_token))).toEqual(UNAVAILABLE);
      expect(w.calls).toEqual(["family.refresh", "family.refresh", "family.refresh"]);
      w.intercept = async (_call, run) => await run();
      clock.forward(later);
      const again = await refresh(w, "mobile-app", refresh_token);
      expect(again.status).toBe(outcome);
      const successor = ((await again.json()) as Tokens).refresh_token ?? refresh_token;
      expect((await refresh(w, "mobile-app", successor)).status).toBe(outcome);
      vi.useRealTimers();
    }
  });

  it("three times over leaves a code used: whoever presents it again is refused, and the grant that nobody got is revoked", async () => {
    const w = await interceptedWorld();
    const arrived = await arrive(w, "mobile-app");
    w.intercept = async (_call, run) => {
      await run();
      throw LOST;
    };
    expect(await outcomeOf(await redeem(w, "mobile-app", arrived))).toEqual(UNAVAILABLE);
    w.intercept = async (_call, run) => await run();
    expect(await outcomeOf(await redeem(w, "mobile-app", arrived))).toMatchObject({ status: 400, error: "invalid_grant" });
    expect(JSON.parse(w.lines.at(-1) ?? "")).toMatchObject({ reason: "code_replayed" });
  });
});

describe("a family that does not answer", () => {
  const FLAGS = [
    ["CON-23 because it is overloaded", { overloaded: true, retryable: true }, 1],
    ["CON-25 because of an exception of ours", { remote: true }, 1],
    ["CON-24 though it was asked three times", { retryable: true }, 3],
  ] as const;

  /** What every endpoint that needs a family answers while each call fails like this, and how many calls it made. */
  const asking: readonly (readonly [string, string, (w: InterceptedWorld, has: Has) => Promise<Response>])[] = [
    ["the code grant", "redeem", (w, { arrived }) => redeem(w, "mobile-app", arrived)],
    ["the refresh grant", "refresh", (w, { tokens }) => refresh(w, "mobile-app", tokens.refresh_token)],
    ["an exchange", "extend", (w, { page }) => exchanging(w, page.access_token)],
    ["an opaque client credentials token", "open", (w) => w.post("/oauth2/token", { grant_type: "client_credentials" }, ["web-app", "web-app-secret"])],
    ["introspection of a JWT", "status", (w, { page }) => w.post("/oauth2/introspect", { token: page.access_token }, ["front-end-app", "front-end-app-secret"])],
    ["introspection of a refresh token", "status", (w, { page }) => w.post("/oauth2/introspect", { token: page.refresh_token }, ["front-end-app", "front-end-app-secret"])],
    ["userinfo", "status", (w, { tokens }) => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } })],
    ["revocation of a JWT", "revoke", (w, { tokens }) => w.post("/oauth2/revoke", { token: tokens.access_token, client_id: "mobile-app" })],
    ["revocation of a refresh token", "revoke", (w, { tokens }) => w.post("/oauth2/revoke", { token: tokens.refresh_token, client_id: "mobile-app" })],
  ];

  interface Has {
    readonly arrived: Arrived;
    readonly tokens: Tokens;
    readonly page: Tokens;
  }

  const exchanging = (w: InterceptedWorld, subject: string) =>
    w.post(
      "/oauth2/token",
      { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: subject, subject_token_type: TOKEN_TYPE.access_token, audience: "back-end-api" },
      ["front-end-app", "front-end-app-secret"],
    );

  it.each(FLAGS)("%s leaves no endpoint with a verdict: each is 503, to be tried again, and works afterwards", async (_why, flags, times) => {
    const tenant = (file: TenantFileInput) => {
      const webApp = file.clients["web-app"];
      Object.assign(webApp, { grants: [...webApp.grants, "client_credentials"], tokenPolicy: { accessTokenFormat: "opaque" } });
    };
    const w = await interceptedWorld({ tenant });
    const has = { arrived: await arrive(w, "mobile-app"), tokens: await login(w, "mobile-app"), page: await login(w, "front-end-app") };
    for (const [what, method, ask] of asking) {
      w.intercept = async (call, run) => {
        if (!call.startsWith("family.")) return await run();
        throw Object.assign(new Error("no answer"), flags);
      };
      const calls = await w.during(async () => expect([what, await outcomeOf(await ask(w, has))]).toEqual([what, UNAVAILABLE]));
      expect([what, ...calls.filter((call) => call.startsWith("family."))]).toEqual([what, ...Array.from({ length: times }, () => `family.${method}`)]);
      w.intercept = async (_call, run) => await run();
      expect([what, (await ask(w, has)).status]).toEqual([what, 200]);
    }
  });
});
