import { describe, expect, it } from "vitest";
import { type Actor, type ExchangeRequest, isRefusal, permit, type RequestedToken, type Subject, type Target } from "../../src/policy.ts";
import { requester, subject } from "./fixtures.ts";

const WALKS = 5000;
const STEPS = 12;

// A small generator with a seed, so that a failing walk can be walked again.
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SCOPES = ["openid", "email", "profile", "groups", "a:read", "a:write", "b:read"];
const CLIENTS = ["a", "b", "c", "front"];

describe("a walk of exchanges", () => {
  const seed = Number(Math.floor(Math.random() * 2 ** 31));

  it(`never grows scope, lifetime, depth or deadline, and never loses an actor (seed ${seed}, ${WALKS} walks)`, () => {
    const random = generator(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const some = <T>(from: readonly T[]): T[] => from.filter(() => random() < 0.5);
    let exchanges = 0;
    for (let walk = 0; walk < WALKS; walk++) {
      let now = 1_000_000;
      const limits = { tenant: 1 + Math.floor(random() * 7), requester: Math.floor(random() * 7) };
      let token: Subject = { ...subject, scope: some(SCOPES), expires: now + 1 + Math.floor(random() * 5000), deadline: now + Math.floor(random() * 9000), isUser: random() < 0.8 };
      for (let step = 0; step < STEPS; step++) {
        now += Math.floor(random() * 60);
        const id = random() < 0.7 ? token.client : pick([...token.audience, ...CLIENTS]);
        const targets: Target[] = Array.from({ length: 1 + Math.floor(random() * 2) }, () => {
          const target = pick(CLIENTS);
          const own = SCOPES.filter((scope) => scope.startsWith(`${target}:`));
          return {
            id: target,
            audience: [target],
            isRequester: target === id,
            ownScopes: own,
            scopes: some([...own, "openid", "email"]),
            tokenTypes: some(["access_token", "id_token", "refresh_token"]),
            maxHops: Math.floor(random() * 8),
          };
        });
        const actor: Actor | undefined =
          random() < 0.3 ? { client: id, audience: [id], principal: pick(["x", "y", "z"]), subject: pick(["x", "y", "z"]), isDelegated: random() < 0.1 } : undefined;
        const asked: ExchangeRequest = {
          requester: { ...requester, id, maxHops: limits.requester, maxExchangePeriod: 3600 + Math.floor(random() * 90_000) },
          targets,
          requested: pick<RequestedToken>(["access_token", "refresh_token", "id_token", "token_set"]),
          isExplicit: random() < 0.5,
          isDefaultScope: random() < 0.2,
          tenantMaxHops: limits.tenant,
          ...(random() < 0.5 ? { scope: some(SCOPES) } : {}),
          ...(random() < 0.3 ? { refreshExpiry: Math.floor(random() * 99_999) } : {}),
          ...(random() < 0.3 ? { maxExchangePeriod: 3600 + Math.floor(random() * 99_999) } : {}),
          ...(actor === undefined ? {} : { actor }),
        };
        const outcome = permit(asked, token, now);
        if (isRefusal(outcome)) continue;
        exchanges++;
        const ofTargets = targets.flatMap(({ isRequester, scopes, ownScopes }) => (isRequester ? [] : scopes.filter((scope) => ownScopes.includes(scope))));
        expect(outcome.scope.every((scope) => token.scope.includes(scope) || ofTargets.includes(scope))).toBe(true);
        expect(outcome.latest).toBeLessThanOrEqual(token.expires);
        expect(outcome.refreshExpires ?? 0).toBeLessThanOrEqual(Math.min(token.grantExpires, outcome.deadline));
        expect(outcome.deadline).toBeLessThanOrEqual(token.deadline);
        expect(outcome.hops).toBe(token.hops + 1);
        expect(outcome.hops).toBeLessThanOrEqual(Math.min(limits.tenant, limits.requester, ...targets.map(({ maxHops }) => maxHops)));
        expect(outcome.audience.every((audience) => targets.some((target) => (target.isRequester || target.tokenTypes.length > 0 ? target.id === audience : false)))).toBe(true);
        expect(token.client === id || token.audience.includes(id)).toBe(true);
        if (token.act !== undefined) expect(outcome.act?.act).toEqual(token.act);
        token = {
          ...token,
          client: id,
          audience: outcome.audience,
          scope: outcome.scope,
          expires: outcome.latest,
          grantExpires: outcome.refreshExpires ?? outcome.latest,
          hops: outcome.hops,
          deadline: outcome.deadline,
          ancestors: token.ancestors + 2,
        };
        token = outcome.act === undefined ? token : { ...token, act: outcome.act };
      }
    }
    // A walk on which nothing is ever permitted would show nothing.
    expect(exchanges).toBeGreaterThan(WALKS / 4);
  });
});
