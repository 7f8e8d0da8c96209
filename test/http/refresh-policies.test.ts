import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { anotherIsolate, answersLost, changeKeys, editTenant, familyCalls, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { introspect, login, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

type Policy = "strict" | "grace" | "online" | "mobile";

const HOUR = 3600;
const APP = "front-end-app";

/** A world whose front-end app refreshes by this policy, and its first tokens. */
async function begun(refreshRetry: Policy, policy: object = {}) {
  const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { refreshRetry, ...policy } }) });
  return { w, first: await login(w, APP) };
}

async function renewed(w: World, token: string): Promise<Tokens & { readonly refresh_expires_in: number }> {
  const answer = await refresh(w, APP, token);
  expect(answer.status).toBe(200);
  return await answer.json();
}

async function expectReuse(w: World, token: string, successor: string): Promise<void> {
  expect((await refresh(w, APP, token)).status).toBe(400);
  expect((await refresh(w, APP, successor)).status).toBe(400);
}

/** The object's id of the family that was spoken of last. */
function familyOf(w: World): DurableObjectId {
  const { family } = JSON.parse(w.lines.findLast((line) => line.includes('"family"')) ?? "{}") as { readonly family: string };
  return env.FAMILIES.idFromString(family);
}

describe("the retry window of a rotated refresh token", () => {
  it.each([
    ["grace", 10],
    ["online", 300],
    ["mobile", 12 * HOUR],
  ] as const)("%s gives a retry the same successor for %d seconds, whoever asks first", async (policy, seconds) => {
    const { w, first } = await begun(policy);
    const second = await renewed(w, first.refresh_token);
    clock.forward(seconds - 1);
    const again = await renewed(w, first.refresh_token);
    expect(again.refresh_token).toBe(second.refresh_token);
    expect(again.access_token).not.toBe(second.access_token);
    await renewed(w, second.refresh_token);
  });

  it.each([
    ["strict", 0],
    ["grace", 10],
    ["online", 300],
  ] as const)("%s ends after %d seconds: then the old token is reuse, and the grant dies", async (policy, seconds) => {
    const { w, first } = await begun(policy);
    const second = await renewed(w, first.refresh_token);
    clock.forward(seconds);
    await expectReuse(w, first.refresh_token, second.refresh_token);
    expect(await introspect(w, APP, second.access_token)).toEqual({ active: false });
  });

  it("mobile is as long as the refresh token itself: at its absolute expiry both are refused, and it is no reuse", async () => {
    const { w, first } = await begun("mobile", { refreshTokenLifetime: 600 });
    const second = await renewed(w, first.refresh_token);
    clock.forward(600);
    await expectReuse(w, first.refresh_token, second.refresh_token);
    expect(w.lines.some((line) => line.includes("refresh_reused"))).toBe(false);
  });

  it.each(["grace", "online", "mobile"] as const)("%s ends when the successor is used", async (policy) => {
    const { w, first } = await begun(policy);
    const second = await renewed(w, first.refresh_token);
    const third = await renewed(w, second.refresh_token);
    await expectReuse(w, first.refresh_token, third.refresh_token);
  });

  it("a retry does not prolong the window", async () => {
    const { w, first } = await begun("grace");
    const second = await renewed(w, first.refresh_token);
    clock.forward(8);
    await renewed(w, first.refresh_token);
    clock.forward(2);
    await expectReuse(w, first.refresh_token, second.refresh_token);
  });

  it("is judged by the policy of today: a client that is set to strict has no window left", async () => {
    const { w, first } = await begun("online");
    const second = await renewed(w, first.refresh_token);
    await editTenant(w, (file) => Object.assign(file.clients[APP] ?? {}, { tokenPolicy: { refreshRetry: "strict" } }));
    await expectReuse(w, first.refresh_token, second.refresh_token);
  });

  it("gives the same successor after another key has taken over, and seals new ones by that key", async () => {
    const { w, first } = await begun("grace");
    const second = await renewed(w, first.refresh_token);
    await changeKeys(({ signing, token }) => ({
      signing,
      token: token.map((key) => ({ ...key, role: key.number === 1 ? "previous" : "current" })),
    }));
    const later = await anotherIsolate(w);
    expect((await renewed(later, first.refresh_token)).refresh_token).toBe(second.refresh_token);
    const third = await renewed(later, second.refresh_token);
    expect((await renewed(later, second.refresh_token)).refresh_token).toBe(third.refresh_token);
    await renewed(later, third.refresh_token);
  });
});

describe("refreshes at the same time", () => {
  it("RT-13 fifty with one token have one winner and one successor, and the family lives", async () => {
    const { w, first } = await begun("grace");
    const all = await Promise.all(Array.from({ length: 50 }, () => renewed(w, first.refresh_token)));
    expect(new Set(all.map(({ refresh_token }) => refresh_token)).size).toBe(1);
    expect(new Set(all.map(({ access_token }) => access_token)).size).toBe(50);
    const next = await renewed(w, all[0]?.refresh_token ?? "");
    expect(await introspect(w, APP, next.access_token)).toMatchObject({ active: true });
  });

  it("have one successor too when the object is evicted in between", async () => {
    const { w, first } = await begun("grace");
    const before = await Promise.all(Array.from({ length: 25 }, () => renewed(w, first.refresh_token)));
    await evictDurableObject(env.FAMILIES.get(familyOf(w)));
    const after = await Promise.all(Array.from({ length: 25 }, () => renewed(w, first.refresh_token)));
    expect(new Set([...before, ...after].map(({ refresh_token }) => refresh_token)).size).toBe(1);
    await renewed(w, after[0]?.refresh_token ?? "");
  });

  it("by two isolates that know nothing of each other have one successor", async () => {
    const { w, first } = await begun("grace");
    const other = await anotherIsolate(w);
    const [a, b] = await Promise.all([renewed(w, first.refresh_token), renewed(other, first.refresh_token)]);
    expect(a.refresh_token).toBe(b.refresh_token);
  });

  it("in strict have one winner, and the others are reuse: the grant dies", async () => {
    const { w, first } = await begun("strict");
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(w, APP, first.refresh_token)));
    const bodies = await Promise.all(answers.map(async (answer) => (await answer.json()) as Partial<Tokens>));
    const won = bodies.flatMap(({ refresh_token }) => refresh_token ?? []);
    expect(won).toHaveLength(1);
    expect((await refresh(w, APP, won[0] ?? "")).status).toBe(400);
  });
});

describe("a refresh whose answer is lost", () => {
  it("RT-18 after the commit gets the same successor when the client tries again in the window", async () => {
    const { w, first } = await begun("grace");
    const found = answersLost();
    expect(await outcomeOf(await refresh(w, APP, first.refresh_token))).toEqual(UNAVAILABLE);
    expect(await outcomeOf(await refresh(w, APP, first.refresh_token))).toEqual(UNAVAILABLE);
    found();
    const second = await renewed(w, first.refresh_token);
    expect((await renewed(w, first.refresh_token)).refresh_token).toBe(second.refresh_token);
    await renewed(w, second.refresh_token);
  });

  it("and that the platform calls retryable is asked again with the same operation id, and counts once", async () => {
    const { w, first } = await begun("strict");
    const get = env.FAMILIES.get.bind(env.FAMILIES);
    const calls = familyCalls();
    calls.mockImplementationOnce(((id: DurableObjectId) => ({
      refresh: async (...values: Parameters<ReturnType<typeof get>["refresh"]>) => {
        await get(id).refresh(...values);
        throw Object.assign(new Error("The answer was lost."), { retryable: true });
      },
    })) as never);
    const second = await renewed(w, first.refresh_token);
    expect(calls).toHaveBeenCalledTimes(2);
    await renewed(w, second.refresh_token);
  });
});

describe("a refresh chain", () => {
  it("RT-08 keeps its absolute expiry across a hundred rotations and retries", async () => {
    const { w, first } = await begun("grace");
    expect(first).toMatchObject({ refresh_expires_in: 12 * HOUR });
    let token = first.refresh_token;
    for (let turn = 1; turn <= 100; turn++) {
      clock.forward(60);
      const next = await renewed(w, token);
      expect(next.refresh_expires_in).toBe(12 * HOUR - 60 * turn);
      if (turn % 10 === 0) expect((await renewed(w, token)).refresh_expires_in).toBe(12 * HOUR - 60 * turn);
      token = next.refresh_token;
    }
    clock.forward(12 * HOUR - 6000 - 1);
    token = (await renewed(w, token)).refresh_token;
    clock.forward(1);
    expect((await refresh(w, APP, token)).status).toBe(400);
  });

  it("RT-14 remembers what was rotated out across a restart: sequential replay kills the grant", async () => {
    const { w, first } = await begun("grace");
    const second = await renewed(w, first.refresh_token);
    clock.forward(60);
    await abortAllDurableObjects();
    const restarted = await anotherIsolate(w);
    await expectReuse(restarted, first.refresh_token, second.refresh_token);
  });

  it("RT-17 with less than a minute left works as long as it lives, and is refused after, in every format", async () => {
    const { w, first } = await begun("grace", { refreshTokenLifetime: 90, accessTokenFormat: "opaque", opaqueTokenLifetime: 30 });
    clock.forward(60);
    const second = await renewed(w, first.refresh_token);
    expect(second).toMatchObject({ refresh_expires_in: 30, expires_in: 30 });
    clock.forward(29);
    const third = await renewed(w, second.refresh_token);
    expect(third).toMatchObject({ refresh_expires_in: 1, expires_in: 30 });
    expect(await introspect(w, APP, third.access_token)).toMatchObject({ active: true });
    clock.forward(1);
    const answer = await refresh(w, APP, third.refresh_token);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_grant" });
  });
});
