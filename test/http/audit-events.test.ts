import { reset, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { demoTenant } from "../demo-tenant.ts";
import { anotherIsolate, stopClock } from "../faults.ts";
import { arrive, introspect, login, payloadOf, redeem, refresh, type World, type WorldOptions, world } from "../world.ts";
import { begin, comeBack } from "./login-steps.ts";
import { WORKER } from "./wire.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

const YEAR = 365 * 86_400;

type Line = Readonly<Record<string, unknown>>;

const linesOf = (w: World): readonly Line[] => w.lines.map((line) => JSON.parse(line) as Line);

/** The lines that some work adds. */
async function linesDuring(w: World, work: () => Promise<unknown>): Promise<readonly Line[]> {
  const before = w.lines.length;
  await work();
  return linesOf(w).slice(before);
}

const ID = expect.stringMatching(/^[A-Za-z0-9_-]{22}$/);
const FAMILY = expect.stringMatching(/^[0-9a-f]{64}$/);
const TRACE = expect.stringMatching(/^[A-Za-z0-9_-]{16}$/);
const COMMON = { time: expect.any(Number), trace: TRACE, tenant: "http://localhost:8787" };

describe("LOG-04 one line for", () => {
  it("a login, with IdP, client, user and family; and none for the way to the IdP", async () => {
    const w = await world();
    const begun = await begin(w, "web-app");
    expect(await linesDuring(w, () => begin(w, "web-app"))).toEqual([]);
    const [line, ...more] = await linesDuring(w, () => comeBack(w, begun));
    expect(more).toEqual([]);
    expect(line).toEqual({ ...COMMON, endpoint: "/oauth2/callback/:idp", client: "web-app", idp: "corp", subject: ID, family: FAMILY, issued: "session code" });
  });

  it("a single sign-on", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    const lines = await linesDuring(w, () => begin(w, "front-end-app", {}, cookie));
    expect(lines).toEqual([{ ...COMMON, endpoint: "/oauth2/authorize", client: "front-end-app", subject: ID, family: FAMILY, issued: "code" }]);
  });

  it("a login that fails, at the IdP, at the application, or for want of a state", async () => {
    const w = await world();
    const begun = await begin(w, "web-app");
    const denied = await linesDuring(w, () => comeBack(w, begun, { parameters: { error: "access_denied" } }));
    expect(denied).toEqual([{ ...COMMON, endpoint: "/oauth2/callback/:idp", client: "web-app", idp: "corp", reason: "login_denied" }]);
    const again = await linesDuring(w, () => comeBack(w, begun));
    expect(again).toEqual([{ ...COMMON, endpoint: "/oauth2/callback/:idp", status: 400, reason: "login_state_used" }]);
    const silent = await linesDuring(w, () => begin(w, "web-app", { prompt: "none" }));
    expect(silent).toEqual([{ ...COMMON, endpoint: "/oauth2/authorize", client: "web-app", reason: "login_required" }]);
    const unknown = await linesDuring(w, () => begin(w, "web-app", { client_id: "nobody" }));
    expect(unknown).toEqual([{ ...COMMON, endpoint: "/oauth2/authorize", status: 400, reason: "authorize_client_unknown" }]);
  });

  it("each grant, with client, user, family, node, scope and what was issued", async () => {
    const w = await world();
    const arrived = await arrive(w, "mobile-app");
    const issued = { client: "mobile-app", audience: "mobile-app", subject: ID, family: FAMILY, node: ID, scope: "openid profile email groups", status: 200 };
    const [redeemed, ...more] = await linesDuring(w, () => redeem(w, "mobile-app", arrived));
    expect(more).toEqual([]);
    expect(redeemed).toEqual({ ...COMMON, ...issued, endpoint: "/oauth2/token", grant: "authorization_code", issued: "access_token id_token refresh_token" });
    const granted = await linesDuring(w, () => w.post("/oauth2/token", "grant_type=client_credentials", WORKER));
    expect(granted).toEqual([expect.objectContaining({ ...COMMON, client: "billing-worker", grant: "client_credentials", family: FAMILY, issued: "access_token", status: 200 })]);
    expect(granted[0]?.subject).toBeUndefined();
  });

  it("each refused authentication, with the client where there is one", async () => {
    const w = await world();
    const refused = async (as: readonly [string, string]) => linesDuring(w, () => w.post("/oauth2/token", "grant_type=client_credentials", as));
    const common = { ...COMMON, endpoint: "/oauth2/token", status: 401 };
    expect(await refused(["billing-worker", "wrong"])).toEqual([{ ...common, client: "billing-worker", reason: "client_secret_wrong" }]);
    expect(await refused(["who-is-that", "wrong"])).toEqual([{ ...common, reason: "client_unknown" }]);
    expect(await refused(["mobile-app", "wrong"])).toEqual([{ ...common, client: "mobile-app", reason: "client_method_not_registered" }]);
  });

  it("a code and a refresh token presented again, with the family that it concerns", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const tokens = (await (await redeem(w, "web-app", arrived)).json()) as { refresh_token: string };
    const family = linesOf(w).at(-1)?.family;
    const code = await linesDuring(w, () => redeem(w, "web-app", arrived));
    expect(code).toEqual([{ ...COMMON, endpoint: "/oauth2/token", client: "web-app", grant: "authorization_code", family, status: 400, reason: "code_replayed" }]);
    const dead = await linesDuring(w, () => refresh(w, "web-app", tokens.refresh_token));
    expect(dead).toEqual([{ ...COMMON, endpoint: "/oauth2/token", client: "web-app", grant: "refresh_token", family, node: ID, status: 400, reason: "refresh_revoked" }]);
    const other = await login(w, "web-app", { cookie: arrived.cookie });
    const reused = await linesDuring(w, async () => {
      const first = (await (await refresh(w, "web-app", other.refresh_token)).json()) as { refresh_token: string };
      await refresh(w, "web-app", first.refresh_token);
      await refresh(w, "web-app", other.refresh_token);
    });
    expect(reused.map(({ status, reason }) => [status, reason])).toEqual([
      [200, undefined],
      [200, undefined],
      [400, "refresh_reused"],
    ]);
    expect(reused.at(-1)).toMatchObject({ client: "web-app", family, node: reused[0]?.node });
  });

  it("each question and each revocation, with who asked and about which family", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const family = linesOf(w).at(-1)?.family;
    const common = { ...COMMON, client: "web-app", status: 200 };
    expect(await linesDuring(w, () => introspect(w, "web-app", tokens.access_token))).toEqual([
      { ...common, endpoint: "/oauth2/introspect", subject: payloadOf(tokens.access_token).sub, family, consistency: "strong" },
    ]);
    expect(await linesDuring(w, () => introspect(w, "stranger", tokens.access_token))).toEqual([
      { ...common, client: "stranger", endpoint: "/oauth2/introspect", family, reason: "not for stranger" },
    ]);
    expect(await linesDuring(w, () => introspect(w, "web-app", "junk"))).toEqual([{ ...common, endpoint: "/oauth2/introspect", reason: "malformed" }]);
    expect(await linesDuring(w, () => w.post("/oauth2/revoke", { token: tokens.refresh_token }, ["web-app", "web-app-secret"]))).toEqual([
      { ...common, endpoint: "/oauth2/revoke", family, issued: "revocation" },
    ]);
    expect(await linesDuring(w, () => introspect(w, "web-app", tokens.access_token))).toEqual([{ ...common, endpoint: "/oauth2/introspect", family, reason: "node_revoked" }]);
    expect(await linesDuring(w, () => w.post("/oauth2/revoke", { token: "junk" }, ["web-app", "web-app-secret"]))).toEqual([
      { ...common, endpoint: "/oauth2/revoke", reason: "malformed" },
    ]);
    const userinfo = await linesDuring(w, () => w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } }));
    expect(userinfo).toEqual([{ ...COMMON, endpoint: "/oauth2/userinfo", family, status: 401, reason: "bearer_inactive", note: "node_revoked" }]);
  });

  it("a revocation that found nothing of the caller's, and says so: another client's token in either format, and one whose login is long over", async () => {
    const w = await world();
    const clock = stopClock();
    const { access_token, refresh_token } = await login(w, "web-app");
    const family = linesOf(w).at(-1)?.family;
    const line = { ...COMMON, endpoint: "/oauth2/revoke", status: 200 };
    const revoke = (token: string, client: string) => linesDuring(w, () => w.post("/oauth2/revoke", { token }, [client, `${client}-secret`]));
    expect(await revoke(access_token, "stranger")).toEqual([{ ...line, client: "stranger", reason: "client_differs" }]);
    expect(await revoke(refresh_token, "stranger")).toEqual([{ ...line, client: "stranger", family, reason: "nothing_revoked" }]);
    expect(await introspect(w, "web-app", access_token)).toMatchObject({ active: true });
    clock.forward(YEAR);
    await runDurableObjectAlarm(env.FAMILIES.get(env.FAMILIES.idFromString(String(family))));
    expect(await revoke(refresh_token, "web-app")).toEqual([{ ...line, client: "web-app", family, reason: "nothing_revoked" }]);
  });

  it("a token whose family is not there: an alert where that cannot be, none for one that has outlived it", async () => {
    const w = await world();
    const clock = stopClock();
    const { access_token, refresh_token } = await login(w, "web-app");
    const family = String(linesOf(w).at(-1)?.family);
    clock.forward(YEAR);
    await runDurableObjectAlarm(env.FAMILIES.get(env.FAMILIES.idFromString(family)));
    const line = { ...COMMON, client: "web-app", endpoint: "/oauth2/introspect", status: 200 };
    expect(await linesDuring(w, () => introspect(w, "web-app", refresh_token))).toEqual([{ ...line, family, reason: "family_unknown" }]);
    expect(await linesDuring(w, () => introspect(w, "web-app", access_token))).toEqual([{ ...line, reason: "expired" }]);
    clock.forward(-YEAR);
    expect(await linesDuring(w, () => introspect(w, "web-app", access_token))).toEqual([{ ...line, family, reason: "family_unknown", alert: "family_unknown" }]);
  });

  it("a logout, and an operator's change", async () => {
    const w = await world();
    const { cookie, id_token } = await login(w, "web-app");
    const logout = await linesDuring(w, () => w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } }));
    expect(logout).toEqual([{ ...COMMON, endpoint: "/oauth2/logout", family: FAMILY, issued: "logout", status: 303 }]);
    const file = demoTenant();
    file.clients.stranger.displayName = "Somebody";
    expect(await linesDuring(w, () => w.apply(file))).toEqual([{ ...COMMON, endpoint: "/api/v1/tenant", operator: "local", issued: "version 2", status: 200 }]);
    expect(await linesDuring(w, () => w.fetch("/api/v1/tenant"))).toEqual([{ ...COMMON, endpoint: "/api/v1/tenant", status: 401, reason: "operator_unauthenticated" }]);
  });

  it("a logout whose way to the IdP cannot be found out: the session has ended, and the user comes back", async () => {
    const w = await world();
    const { cookie, id_token } = await login(w, "web-app");
    const family = linesOf(w).at(-1)?.family;
    const isolate = await anotherIsolate(w, (service) => ({
      ...service,
      directory: {
        ...service.directory,
        open: async (...asked) => {
          const tenant = await service.directory.open(...asked);
          return tenant === undefined ? undefined : { ...tenant, identityProvider: () => Promise.reject(new Error("unavailable")) };
        },
      },
    }));
    const query = new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: "http://localhost:8789/" });
    const lines = await linesDuring(w, async () => {
      const answer = await isolate.fetch(`/oauth2/logout?${query}`, { headers: { cookie } });
      expect([answer.status, answer.headers.get("location")]).toEqual([303, "http://localhost:8789/"]);
    });
    expect(lines).toEqual([{ ...COMMON, endpoint: "/oauth2/logout", family, issued: "logout", note: "idp_logout_failed", status: 303 }]);
  });

  it("an exchange that is refused, with the family of its subject", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    const family = linesOf(w).at(-1)?.family;
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: access_token,
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    };
    const lines = await linesDuring(w, () => w.post("/oauth2/token", form, ["stranger", "stranger-secret"]));
    expect(lines).toEqual([expect.objectContaining({ ...COMMON, client: "stranger", grant: "token_exchange", family, status: 400, reason: expect.stringMatching(/^subject_/) })]);
  });

  it("what could not be decided, and what is not there", async () => {
    const w = await world({ service: (s) => ({ ...s, families: { ...s.families, status: () => Promise.reject(new TypeError("x")) } }) });
    const { access_token } = await login(w, "web-app");
    const broken = await linesDuring(w, () => w.post("/oauth2/introspect", { token: access_token }, ["web-app", "web-app-secret"]));
    expect(broken).toEqual([{ ...COMMON, endpoint: "/oauth2/introspect", client: "web-app", family: FAMILY, status: 500, reason: "server_error", note: "TypeError" }]);
    expect(await linesDuring(w, () => w.fetch("/nowhere"))).toEqual([{ ...COMMON, status: 404, reason: "not_found" }]);
    expect(await linesDuring(w, () => w.fetch("https://nowhere.example/"))).toEqual([{ time: expect.any(Number), trace: TRACE, status: 404, reason: "not_found", note: "host" }]);
  });
});

describe("a stage that fails", () => {
  const broken = (): never => {
    throw new TypeError("secret-in-the-message");
  };
  it.each<[string, string, NonNullable<WorldOptions["service"]>]>([
    ["the configuration", "TypeError", (s) => ({ ...s, directory: { ...s.directory, open: broken } })],
    ["the configuration, with what is no error", "unknown", (s) => ({ ...s, directory: { ...s.directory, open: () => Promise.reject("secret-in-the-message") } })],
    ["the keys, at once", "TypeError", (s) => ({ ...s, keys: { ...s.keys, ringOf: broken } })],
    ["the endpoint", "TypeError", (s) => ({ ...s, families: { ...s.families, create: broken } })],
  ])("has one line and one answer: %s", async (_stage, note, service) => {
    const w = await world({ service });
    let answer: Response | undefined;
    const lines = await linesDuring(w, async () => {
      answer = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER);
    });
    expect(lines).toEqual([expect.objectContaining({ ...COMMON, endpoint: "/oauth2/token", status: 500, reason: "server_error", note })]);
    expect(await answer?.text()).not.toContain("secret-in-the-message");
    expect([answer?.status, answer?.headers.get("cambio-trace"), answer?.headers.get("x-content-type-options")]).toEqual([500, lines[0]?.trace, "nosniff"]);
  });
});

describe("a line and its answer", () => {
  it("share a trace, so that a user's complaint finds its line", async () => {
    const w = await world();
    const refused = await w.post("/oauth2/token", "grant_type=x", WORKER);
    expect(linesOf(w).at(-1)?.trace).toBe(refused.headers.get("cambio-trace"));
    const page = await w.fetch("/oauth2/authorize?client_id=nobody");
    const trace = page.headers.get("cambio-trace") ?? "";
    expect(linesOf(w).at(-1)?.trace).toBe(trace);
    expect(await page.text()).toContain(trace);
    const sent = await begin(w, "web-app", { prompt: "none" });
    expect(linesOf(w).at(-1)?.trace).toBe(sent.response.headers.get("cambio-trace"));
    const granted = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER);
    expect(linesOf(w).at(-1)?.trace).toBe(granted.headers.get("cambio-trace"));
  });
});

const BREAKERS = ["a\r\nb", "\u001b[31mred\u001b[0m", '","admin":true,"x":"', "\u0000\u0007\u009b1m", "\u2028\u2029", "}{", "\\", "\ud83d\udd11".repeat(200), "\u202egnp.exe"];

describe("LOG-03 whatever is sent", () => {
  it.each(BREAKERS)("a line is one line of JSON with members of ours alone: %j", async (text) => {
    const w = await world();
    const before = w.lines.length;
    const typed = encodeURIComponent(text);
    const form = { grant_type: text, client_id: text, client_secret: text, scope: text, token: text, code: text, redirect_uri: text, code_verifier: text, audience: text };
    for (const path of ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"]) {
      await w.post(path, form);
      await w.post(path, { ...form, client_id: "", client_secret: "" }, WORKER);
      await w.post(path, { ...form, client_id: "", client_secret: "", grant_type: "client_credentials" }, WORKER);
    }
    await w.fetch(`/oauth2/authorize?client_id=web-app&redirect_uri=${typed}&state=${typed}&scope=${typed}&idp=${typed}&prompt=${typed}`);
    await w.fetch(`/oauth2/callback/${typed}?state=${typed}&code=${typed}&error=${typed}`);
    await w.fetch(`/realms/${typed}/protocol/openid-connect/certs`);
    await w.fetch(`/${typed}`);
    await w.fetch(`/oauth2/logout?id_token_hint=${typed}&client_id=${typed}`);
    await w.apply({ issuer: text, [text]: text });
    const lines = w.lines.slice(before);
    expect(lines.length).toBeGreaterThanOrEqual(14);
    for (const line of lines) {
      expect(line).toMatch(/^\{[\x20-\x7e]*\}$/);
      expect(Object.keys(JSON.parse(line) as object).filter((name) => !FIELDS.includes(name))).toEqual([]);
    }
  });
});

const FIELDS = [
  "time",
  "trace",
  "tenant",
  "endpoint",
  "client",
  "grant",
  "operator",
  "issued",
  "status",
  "reason",
  "note",
  "family",
  "node",
  "idp",
  "scope",
  "audience",
  "subject",
];
