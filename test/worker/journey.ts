import { arrive, introspect, login, payloadOf, redeem, refresh, type Tokens, type World } from "../world.ts";

/** What a journey has gathered on its way. */
interface Luggage {
  arrived?: Awaited<ReturnType<typeof arrive>>;
  tokens?: Tokens;
  renewed?: Tokens;
}

/** One step of the hand-off: what it does, and what the world shows of it. */
export interface Step {
  readonly name: string;
  go(w: World, luggage: Luggage): Promise<unknown>;
}

const see = async (w: World, token: string | undefined) => {
  const { active, scope, username, client_id } = await introspect(w, "web-app", token ?? "");
  return { active, scope, username, client_id };
};

/** The hand-off, step by step: login, code, redemption, refresh, introspection, revocation, introspection. */
export const STEPS: readonly Step[] = [
  {
    name: "login",
    go: async (w, luggage) => {
      luggage.arrived = await arrive(w, "mobile-app");
      return { hasCode: luggage.arrived.code !== "" };
    },
  },
  {
    name: "redemption",
    go: async (w, luggage) => {
      const answer = luggage.arrived === undefined ? undefined : await redeem(w, "mobile-app", luggage.arrived);
      luggage.tokens = (await answer?.json()) as Tokens;
      return { status: answer?.status, scope: luggage.tokens.scope, sub: payloadOf(luggage.tokens.id_token).sub !== undefined };
    },
  },
  {
    name: "refresh",
    go: async (w, luggage) => {
      const answer = await refresh(w, "mobile-app", luggage.tokens?.refresh_token ?? "");
      luggage.renewed = (await answer.json()) as Tokens;
      return { status: answer.status, expires: luggage.renewed.expires_in, another: luggage.renewed.refresh_token !== luggage.tokens?.refresh_token };
    },
  },
  { name: "introspection", go: async (w, { renewed }) => await see(w, renewed?.access_token) },
  { name: "second refresh", go: async (w, { renewed }) => ({ status: (await refresh(w, "mobile-app", renewed?.refresh_token ?? "")).status }) },
  { name: "revocation", go: async (w, { tokens }) => ({ status: (await w.post("/oauth2/revoke", { token: tokens?.refresh_token ?? "", client_id: "mobile-app" })).status }) },
  { name: "introspection of what was revoked", go: async (w, { renewed }) => await see(w, renewed?.access_token) },
  { name: "refresh of what was revoked", go: async (w, { tokens }) => ({ status: (await refresh(w, "mobile-app", tokens?.refresh_token ?? "")).status }) },
  { name: "login beside it", go: async (w) => ({ active: (await introspect(w, "web-app", (await login(w, "web-app")).access_token)).active }) },
];

/** Goes the whole way. `between` is done after each step. */
export async function journey(w: World, between: (step: number) => Promise<void> = async () => undefined): Promise<readonly unknown[]> {
  const luggage: Luggage = {};
  const seen: unknown[] = [];
  for (const [index, step] of STEPS.entries()) {
    seen.push([step.name, await step.go(w, luggage)]);
    await between(index);
  }
  return seen;
}

/** What the world shows of each step when nothing disturbs it. */
export const OUTCOME = [
  ["login", { hasCode: true }],
  ["redemption", { status: 200, scope: "openid profile email groups", sub: true }],
  ["refresh", { status: 200, expires: 300, another: true }],
  ["introspection", { active: true, scope: "openid profile email groups", username: "dona.moore", client_id: "mobile-app" }],
  ["second refresh", { status: 200 }],
  ["revocation", { status: 200 }],
  ["introspection of what was revoked", { active: false }],
  ["refresh of what was revoked", { status: 400 }],
  ["login beside it", { active: true }],
];
