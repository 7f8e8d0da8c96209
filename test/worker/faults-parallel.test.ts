import { abortAllDurableObjects, evictAllDurableObjects } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { stoppedClock } from "../faults.ts";
import { arrive, introspect, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";
import { interceptedWorld } from "./intercepted.ts";

const clock = stoppedClock();

const FIFTY = Array.from({ length: 50 });
const statuses = (answers: readonly Response[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);
const successorsOf = async (answers: readonly Response[]) =>
  new Set(await Promise.all(answers.filter(({ ok }) => ok).map(async (answer) => ((await answer.json()) as Tokens).refresh_token)));

/** Everything of a grant is dead: its access token, and its refresh token. */
async function expectDead(w: World, { access_token, refresh_token }: Tokens): Promise<void> {
  expect(await introspect(w, "web-app", access_token)).toEqual({ active: false });
  expect((await refresh(w, "web-app", refresh_token)).status).toBe(400);
}

describe("CON-03 one code, redeemed fifty times at once", () => {
  const WAYS = [
    ["and nothing else", async () => undefined],
    ["while every object is evicted", evictAllDurableObjects],
  ] as const;

  it.each(WAYS)("%s, gives exactly one 200; the others are replays, and what the one got is dead", async (_what, disturb) => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const tries = () => FIFTY.slice(0, 25).map(() => redeem(w, "web-app", arrived));
    const first = tries();
    const disturbed = disturb();
    const answers = await Promise.all([...first, ...tries()]);
    await disturbed;
    expect(statuses(answers)).toEqual([200, ...Array.from({ length: 49 }, () => 400)]);
    for (const answer of answers.filter(({ ok }) => !ok)) expect(await answer.json()).toMatchObject({ error: "invalid_grant" });
    const winner = answers.find(({ ok }) => ok);
    await expectDead(w, (await winner?.json()) as Tokens);
  });

  it("by fifty that know it without its verifier gives nothing and changes nothing: the rightful client redeems it", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const answers = await Promise.all(FIFTY.map(() => redeem(w, "web-app", { ...arrived, verifier: "A".repeat(43) })));
    expect(statuses(answers)).toEqual(FIFTY.map(() => 400));
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as Tokens;
    const after = await Promise.all(FIFTY.map(() => redeem(w, "web-app", { ...arrived, verifier: "A".repeat(43) })));
    expect(statuses(after)).toEqual(FIFTY.map(() => 400));
    expect(await introspect(w, "web-app", tokens.access_token)).toMatchObject({ active: true });
  });
});

describe("one refresh token, presented fifty times at once", () => {
  it("while every object is aborted, has one successor: who got 503 tries again and gets the same", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "web-app");
    const first = FIFTY.map(() => refresh(w, "web-app", refresh_token));
    await abortAllDurableObjects();
    const answers = await Promise.all(first);
    expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true);
    const again = await Promise.all(FIFTY.map(() => refresh(w, "web-app", refresh_token)));
    expect(statuses(again)).toEqual(FIFTY.map(() => 200));
    const successors = await successorsOf([...answers, ...again]);
    expect(successors.size).toBe(1);
    const [successor = ""] = successors;
    expect((await refresh(w, "web-app", successor)).status).toBe(200);
  });

  it("by each of two devices of one user leaves them side by side, with a successor each", async () => {
    const w = await world();
    const devices = [await login(w, "mobile-app"), await login(w, "mobile-app")];
    const answers = await Promise.all(devices.map(({ refresh_token }) => Promise.all(FIFTY.slice(0, 25).map(() => refresh(w, "mobile-app", refresh_token)))));
    const successors = await Promise.all(answers.map(successorsOf));
    expect(successors.map(({ size }) => size)).toEqual([1, 1]);
    expect(new Set(successors.flatMap((set) => [...set])).size).toBe(2);
    clock.forward(10);
    expect((await refresh(w, "mobile-app", devices[0]?.refresh_token ?? "")).status).toBe(400);
    for (const [index, outcome] of [400, 200].entries()) {
      const [token = ""] = successors[index] ?? [];
      expect((await refresh(w, "mobile-app", token)).status).toBe(outcome);
    }
  });

  it("CON-08 by its owner and a thief gives both the same successor; when both go on after the window, the grant dies for both", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    const both = await Promise.all([refresh(w, "mobile-app", refresh_token), refresh(w, "mobile-app", refresh_token)]);
    const [shared = ""] = await successorsOf(both);
    const owners = (await (await refresh(w, "mobile-app", shared)).json()) as Tokens;
    clock.forward(10);
    expect((await refresh(w, "mobile-app", shared)).status).toBe(400);
    expect((await refresh(w, "mobile-app", owners.refresh_token)).status).toBe(400);
    expect(await introspect(w, "web-app", owners.access_token)).toEqual({ active: false });
  });
});

describe("a revocation among other work", () => {
  it("CON-12 that is acknowledged while a refresh's answer is still on its way leaves what that answer brings dead", async () => {
    const w = await interceptedWorld();
    const { refresh_token } = await login(w, "mobile-app");
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: committed, resolve: commit } = Promise.withResolvers<void>();
    w.intercept = async (call, run) => {
      const answer = await run();
      if (call !== "family.refresh") return answer;
      commit();
      await released;
      return answer;
    };
    const late = refresh(w, "mobile-app", refresh_token);
    await committed;
    expect((await w.post("/oauth2/revoke", { token: refresh_token, client_id: "mobile-app" })).status).toBe(200);
    release();
    const answer = await late;
    expect(answer.status).toBe(200);
    const tokens = (await answer.json()) as Tokens;
    expect(await introspect(w, "web-app", tokens.access_token)).toEqual({ active: false });
    w.intercept = async (_call, run) => await run();
    expect((await refresh(w, "mobile-app", tokens.refresh_token)).status).toBe(400);
  });

  it("lets nothing through that is sent after it was acknowledged, whatever was under way before", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    const before = FIFTY.slice(0, 20).map(() => refresh(w, "mobile-app", refresh_token));
    const revoked = await w.post("/oauth2/revoke", { token: refresh_token, client_id: "mobile-app" });
    expect(revoked.status).toBe(200);
    const after = await Promise.all(FIFTY.slice(0, 20).map(() => refresh(w, "mobile-app", refresh_token)));
    expect(statuses(after)).toEqual(after.map(() => 400));
    for (const answer of await Promise.all(before)) {
      if (!answer.ok) continue;
      const tokens = (await answer.json()) as Tokens;
      expect(await introspect(w, "web-app", tokens.access_token)).toEqual({ active: false });
    }
  });

  it("by twenty at once is 200 each", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    const answers = await Promise.all(FIFTY.slice(0, 20).map(() => w.post("/oauth2/revoke", { token: refresh_token, client_id: "mobile-app" })));
    expect(statuses(answers)).toEqual(answers.map(() => 200));
  });
});
