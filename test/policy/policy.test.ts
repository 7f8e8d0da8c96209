import { describe, expect, it } from "vitest";
import { type Actor, type ExchangeRequest, isRefusal, type Permit, permit, type Requester, type Subject, type Target } from "../../src/policy.ts";
import { backend, itself, NOW, request, requester, subject } from "./fixtures.ts";

type Change = { readonly request?: Partial<ExchangeRequest>; readonly requester?: Partial<Requester>; readonly subject?: Partial<Subject>; readonly target?: Partial<Target> };

function decide({ request: asked = {}, requester: by = {}, subject: of = {}, target = {} }: Change = {}) {
  const targets = asked.targets ?? [{ ...backend, ...target }];
  return permit({ ...request, ...asked, requester: { ...requester, ...by }, targets }, { ...subject, ...of }, NOW);
}

function permitted(change: Change = {}): Permit {
  const outcome = decide(change);
  if (isRefusal(outcome)) throw new Error(`refused: ${outcome.refused}`);
  return outcome;
}

const reasonOf = (change: Change) => (decide(change) as { refused?: string }).refused;

const actor: Actor = { client: "front", audience: ["front"], principal: "agent", subject: "agent", isDelegated: false };

describe("who may exchange a token", () => {
  it.each<[string, Change, string | undefined]>([
    ["the client that it was issued to", {}, undefined],
    ["a client in its audience", { subject: { client: "mobile", audience: ["mobile", "front"] } }, undefined],
    ["no other client", { subject: { client: "mobile", audience: ["mobile"] } }, "subject_not_for_requester"],
    ["a refresh token's own client", { subject: { kind: "refresh_token" } }, undefined],
    ["of a refresh token nobody else, whatever its audience", { subject: { kind: "refresh_token", client: "mobile", audience: ["front"] } }, "subject_not_for_requester"],
    ["no public client whose record does not say so", { requester: { isPublic: true } }, "grant_not_allowed"],
    ["a public client with a token of its own", { requester: { isPublic: true, mayExchangePublicly: true } }, undefined],
    [
      "no public client with another's",
      { requester: { isPublic: true, mayExchangePublicly: true }, subject: { client: "mobile", audience: ["front"] } },
      "subject_not_for_requester",
    ],
    ["no public client with an ID token", { requester: { isPublic: true, mayExchangePublicly: true }, subject: { kind: "id_token" } }, "subject_not_for_requester"],
    ["nobody once it has expired", { subject: { expires: NOW } }, "subject_dead"],
  ])("%s", (_name, change, reason) => expect(reasonOf(change)).toBe(reason));
});

describe("what a client's own token gives", () => {
  it.each<[ExchangeRequest["requested"], string | undefined]>([
    ["access_token", undefined],
    ["id_token", "subject_without_user"],
    ["refresh_token", "subject_without_user"],
    ["sso_token", "subject_without_user"],
  ])("%s", (requested, reason) => expect(reasonOf({ request: { requested }, subject: { isUser: false, principal: "front" } })).toBe(reason));
});

describe("targets", () => {
  it.each<[string, Change, string | undefined]>([
    ["none is no target", { request: { targets: [] } }, "target_unknown"],
    ["eleven are too many", { request: { targets: Array.from({ length: 11 }, (_, n) => ({ ...backend, id: `t${n}` })) } }, "target_unknown"],
    ["a token type that the permission lacks is forbidden", { request: { requested: "refresh_token" }, target: { tokenTypes: ["access_token"] } }, "target_forbidden"],
    [
      "one of two that lacks it forbids both",
      { request: { requested: "id_token", targets: [backend, { ...backend, id: "other", tokenTypes: ["access_token"] }] } },
      "target_forbidden",
    ],
    ["an empty list of token types is none", { target: { tokenTypes: [] } }, "target_forbidden"],
    ["for itself a client needs no permission", { request: { targets: [itself] } }, undefined],
  ])("%s", (_name, change, reason) => expect(reasonOf(change)).toBe(reason));

  it("a token for two targets has both in its audience", () => {
    expect(permitted({ request: { targets: [backend, { ...backend, id: "other", audience: ["https://other.example.com", "other"] }] } }).audience).toEqual([
      "back",
      "https://other.example.com",
      "other",
    ]);
  });
});

describe("scope", () => {
  it.each<[string, Change, readonly string[] | string]>([
    ["left out it is what the permission allows", {}, ["read"]],
    ["asked for within the permission it is what was asked", { request: { scope: ["read"] } }, ["read"]],
    ["beyond the permission it is refused", { request: { scope: ["write"] } }, "scope_exceeds"],
    ["of the subject alone it is refused", { request: { scope: ["orders:read"] } }, "scope_exceeds"],
    ["identity scopes need the permission and the subject", { target: { scopes: ["read", "email", "profile"] } }, ["read", "email"]],
    ["a permission without scopes lets the subject's identity scopes through", { target: { scopes: [] } }, ["openid", "email"]],
    ["once narrowed for a target it stays narrowed", { subject: { audience: ["front", "back"], scope: ["openid"] } }, "scope_empty"],
    ["for the target already, what is left is what both have", { subject: { audience: ["front", "back"], scope: ["read"] } }, ["read"]],
    ["for itself it is the subject's", { request: { targets: [itself] } }, ["openid", "email", "orders:read"]],
    ["for itself never more", { request: { targets: [itself], scope: ["openid", "profile"] } }, "scope_exceeds"],
    ["offline_access cannot be asked for anew", { request: { targets: [itself], scope: ["offline_access"] } }, "scope_exceeds"],
    ["a dialect's default loses what exceeds", { request: { scope: ["openid"], isDefaultScope: true } }, []],
    ["nothing left of a permission with scopes is refused", { target: { scopes: ["profile"] } }, "scope_empty"],
    ["for two targets a scope must be allowed by whoever owns it", { request: { targets: [backend, { ...backend, id: "other", scopes: [] }] } }, "scope_empty"],
  ])("%s", (_name, change, expected) => expect(typeof expected === "string" ? reasonOf(change) : permitted(change).scope).toEqual(expected));
});

describe("lifetime", () => {
  it("no token outlives its subject", () => expect(permitted().latest).toBe(NOW + 300));
  it("nor the deadline", () => expect(permitted({ subject: { deadline: NOW + 100 } }).latest).toBe(NOW + 100));
  it("a refresh token lives as long as the client's policy, where the grant lasts", () =>
    expect(permitted({ request: { requested: "refresh_token" } }).refreshExpires).toBe(NOW + 43_200));
  it("but never longer than the grant that the subject belongs to", () =>
    expect(permitted({ request: { requested: "refresh_token" }, subject: { grantExpires: NOW + 10 } }).refreshExpires).toBe(NOW + 10));
  it("refresh_expiry shortens it and cannot lengthen it", () => {
    expect(permitted({ request: { requested: "refresh_token", refreshExpiry: 60 } }).refreshExpires).toBe(NOW + 60);
    expect(permitted({ request: { requested: "refresh_token", refreshExpiry: 999_999 } }).refreshExpires).toBe(NOW + 43_200);
    expect(permitted({ request: { requested: "refresh_token", refreshExpiry: 0 } }).refreshExpires).toBeUndefined();
  });
  it("a default that is not permitted gives less instead of nothing", () =>
    expect(permitted({ request: { requested: "refresh_token", isExplicit: false }, target: { tokenTypes: ["access_token"] } }).refreshExpires).toBeUndefined());
  it("a client without the refresh grant gets none", () =>
    expect(permitted({ request: { requested: "refresh_token" }, requester: { mayRefresh: false } }).refreshExpires).toBeUndefined());
});

describe("deadline", () => {
  it("is the parent's, and the login's plus the shortest period", () => {
    expect(permitted().deadline).toBe(NOW + 86_400);
    expect(permitted({ request: { maxExchangePeriod: 3600 } }).deadline).toBe(NOW - 100 + 3600);
    expect(permitted({ requester: { maxExchangePeriod: 7200 } }).deadline).toBe(NOW - 100 + 7200);
    expect(permitted({ request: { maxExchangePeriod: 999_999_999 } }).deadline).toBe(NOW + 86_400);
  });
  it("once past, nothing is exchanged any more", () => expect(reasonOf({ subject: { deadline: NOW } })).toBe("subject_deadline"));
});

describe("depth", () => {
  it.each<[string, Change, string | undefined]>([
    ["the last hop is permitted", { subject: { hops: 4 } }, undefined],
    ["one more is not", { subject: { hops: 5 } }, "subject_depth"],
    ["the target's limit counts", { subject: { hops: 1 }, target: { maxHops: 1 } }, "subject_depth"],
    ["the requester's limit counts", { subject: { hops: 2 }, requester: { maxHops: 2 } }, "subject_depth"],
    ["the tenant's limit counts", { subject: { hops: 3 }, request: { tenantMaxHops: 3 } }, "subject_depth"],
    ["zero means no exchange", { requester: { maxHops: 0 } }, "subject_depth"],
    ["a path that would not fit is refused, never cut short", { subject: { ancestors: 15 } }, "subject_depth"],
    ["the deepest path that fits is permitted", { subject: { ancestors: 14 } }, undefined],
  ])("%s", (_name, change, reason) => expect(reasonOf(change)).toBe(reason));
  it("counts one hop more, with an actor or without", () => {
    expect(permitted({ subject: { hops: 2 } }).hops).toBe(3);
    expect(permitted({ subject: { hops: 2 }, request: { actor } }).hops).toBe(3);
  });
});

describe("delegation", () => {
  const earlier = { sub: "agent", client_id: "front" };
  it.each<[string, Change, string | undefined]>([
    ["an actor of the requester's own", { request: { actor } }, undefined],
    ["an actor token made for the requester", { request: { actor: { ...actor, client: "agent", audience: ["front"] } } }, undefined],
    ["no actor token of somebody else's", { request: { actor: { ...actor, client: "agent", audience: ["agent"] } } }, "actor_not_for_requester"],
    ["no actor that is itself acted for", { request: { actor: { ...actor, isDelegated: true } } }, "actor_delegated"],
    ["no actor that is the subject", { request: { actor: { ...actor, principal: "dona", subject: "dona@example.com" } } }, "actor_is_subject"],
    ["the actor that may_act names", { request: { actor }, subject: { mayAct: { sub: "agent" } } }, undefined],
    ["no other than may_act names", { request: { actor }, subject: { mayAct: { sub: "somebody" } } }, "actor_not_allowed"],
    ["no other client than may_act names", { request: { actor }, subject: { mayAct: { sub: "agent", client_id: "elsewhere" } } }, "actor_not_allowed"],
    ["not without an actor where the subject has may_act", { subject: { mayAct: { sub: "agent" } } }, "subject_needs_actor"],
    ["not without an actor where the subject has act", { subject: { act: earlier } }, "subject_needs_actor"],
    ["no actor twice in a chain", { request: { actor }, subject: { act: { sub: "other", client_id: "x", act: earlier } } }, "actor_repeated"],
    ["no refresh token that is asked for", { request: { actor, requested: "refresh_token" } }, "actor_not_allowed"],
  ])("%s", (_name, change, reason) => expect(reasonOf(change)).toBe(reason));

  it("nests, the newest outermost, and drops may_act", () => {
    expect(permitted({ request: { actor }, subject: { act: { sub: "first", client_id: "x" } } }).act).toEqual({
      sub: "agent",
      client_id: "front",
      act: { sub: "first", client_id: "x" },
    });
    expect(permitted({ request: { actor }, subject: { mayAct: { sub: "agent" } } }).act).toEqual({ sub: "agent", client_id: "front" });
  });
  it("is only what an actor token makes it: impersonation adds no act", () => expect(permitted().act).toBeUndefined());
  it("gives no refresh token, not even by default", () =>
    expect(permitted({ request: { actor, requested: "token_set", isExplicit: false, targets: [itself] } }).refreshExpires).toBeUndefined());
});

describe("the default set", () => {
  it("is access, ID and refresh token for oneself", () => {
    const set = permitted({ request: { requested: "token_set", isExplicit: false, targets: [itself] } });
    expect([set.givesIdToken, set.refreshExpires]).toEqual([true, NOW + 43_200]);
  });
  it("has no ID token for another", () => expect(permitted({ request: { requested: "token_set", isExplicit: false } }).givesIdToken).toBe(false));
  it("is coupled to the session unless the client's policy says otherwise", () => {
    expect(permitted().isCoupled).toBe(true);
    expect(permitted({ requester: { isIndependent: true } }).isCoupled).toBe(false);
  });
});
