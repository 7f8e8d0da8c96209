import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, familiesDown, stoppedClock } from "../faults.ts";
import { interceptedWorld } from "../worker/intercepted.ts";
import { changed, exchange, introspect, login, payloadOf, refresh, type Tokens, type World, world } from "../world.ts";
import { lastReason } from "./login-steps.ts";

// Rules learned from other servers' bugs, each with the number that it has there; those that are not here stand beside what
// they are about, under the same words.

const clock = stoppedClock();

const AT = TOKEN_TYPE.access_token;
const subjectOf = (token: string, type: string = AT) => ({ subject_token: token, subject_token_type: type });
const back = { audience: "back-end-api", requested_token_type: AT };
const secretOf = (client: string) => [client, `${client}-secret`] as const;

async function own(w: World, client: string, form: Record<string, string> = {}): Promise<string> {
  return ((await (await w.post("/oauth2/token", { grant_type: "client_credentials", ...form }, secretOf(client))).json()) as Tokens).access_token;
}

async function errorOf(answer: Promise<{ readonly status: number; readonly body: Record<string, unknown> }>): Promise<readonly unknown[]> {
  const { status, body } = await answer;
  return [status, body.error];
}

describe("exchange", () => {
  it("regression 1: no exchange without an actor token sheds act, and a chain that is too deep is refused, not cut", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const handed = await exchange(w, "travel-agent", { ...subjectOf(access_token), audience: "assistant" });
    const acting = { ...subjectOf(String(handed.body.access_token)), actor_token: await own(w, "assistant"), actor_token_type: AT };
    const once = await exchange(w, "assistant", { ...acting, audience: "scheduler" });
    const token = String(once.body.access_token);
    expect(payloadOf(token).act).toEqual({ sub: "assistant", client_id: "assistant" });
    for (const form of [{}, { requested_token_type: TOKEN_TYPE.id_token }, { requested_token_type: TOKEN_TYPE.jwt }, { audience: "hr-service" }]) {
      expect([await errorOf(exchange(w, "scheduler", { ...subjectOf(token), ...form })), lastReason(w)]).toEqual([[400, "invalid_request"], "subject_needs_actor"]);
    }
    await editTenant(w, (file) => void Object.assign(file, { tokenPolicy: { maxHops: 2 } }));
    clock.forward(11);
    const deeper = { ...subjectOf(token), actor_token: await own(w, "scheduler"), actor_token_type: AT, audience: "hr-service" };
    expect([await errorOf(exchange(w, "scheduler", deeper)), lastReason(w)]).toEqual([[400, "invalid_request"], "subject_depth"]);
  });

  it("regression 3, 23: an IdP's ID token, meant for us as its relying party, is no subject token; nor one under none or HMAC", async () => {
    const w = await world();
    await login(w, "web-app");
    const claims = { iss: w.idp.issuer, sub: "dona.moore", aud: "cambio" };
    const part = (value: object) => btoa(JSON.stringify(value)).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
    const payload = part({ ...claims, exp: clock.now() + 60, iat: clock.now() });
    const tokens = [await w.idp.sign(claims), `${part({ alg: "none", typ: "at+jwt" })}.${payload}.`, `${part({ alg: "HS256", typ: "at+jwt" })}.${payload}.AAAA`];
    for (const token of tokens) {
      for (const type of [TOKEN_TYPE.id_token, TOKEN_TYPE.jwt, AT]) expect(await errorOf(exchange(w, "web-app", subjectOf(token, type)))).toEqual([400, "invalid_request"]);
    }
  });

  it("regression 4, 21: an empty list of scopes is none: no permission no target, nothing in common no scope", async () => {
    const w = await world({ tenant: (file) => void file.permissions.push({ consumer: "travel-agent", provider: "orders-api", name: "orders", scopes: [] }) });
    const { access_token } = await login(w, "travel-agent", { scope: "openid" });
    expect(await errorOf(exchange(w, "travel-agent", { ...subjectOf(access_token), audience: "back-end-api" }))).toEqual([400, "invalid_target"]);
    expect(await errorOf(exchange(w, "travel-agent", { ...subjectOf(access_token), audience: "orders-api", scope: "orders:read" }))).toEqual([400, "invalid_scope"]);
    const none = await exchange(w, "travel-agent", { ...subjectOf(access_token), audience: "orders-api" });
    expect(none.body.scope).toBe("openid");
    const empty = await own(w, "billing-worker");
    expect(payloadOf(empty)).not.toHaveProperty("scope");
    const further = await exchange(w, "billing-worker", subjectOf(empty));
    expect([further.status, further.body.scope]).toEqual([200, undefined]);
    expect(await errorOf(exchange(w, "billing-worker", { ...subjectOf(empty), scope: "orders:read" }))).toEqual([400, "invalid_scope"]);
  });

  it("regression 7: act, may_act, client_id, cnf, roles and lineage in an IdP's ID token are never copied", async () => {
    const w = await world();
    w.idp.claims = {
      act: { sub: "evil" },
      may_act: { sub: "evil" },
      client_id: "evil",
      azp: "cambio",
      cnf: { jkt: "evil" },
      roles: ["evil"],
      resource_access: { x: { roles: ["evil"] } },
      lin: "evil",
      scope: "evil",
    };
    const tokens = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { ...subjectOf(tokens.access_token), audience: "back-end-api" });
    const seen = await introspect(w, "back-end-api", String(body.access_token));
    for (const claims of [payloadOf(tokens.access_token), payloadOf(tokens.id_token), payloadOf(String(body.access_token)), seen])
      expect(JSON.stringify(claims)).not.toContain("evil");
  });

  it("regression 8: subject and actor differ, and no client's own token stands in for a subject that is missing", async () => {
    const w = await world();
    const token = await own(w, "assistant");
    expect(await errorOf(exchange(w, "assistant", { ...subjectOf(token), actor_token: token, actor_token_type: AT }))).toEqual([400, "invalid_request"]);
    for (const form of [{}, { subject_token: "", subject_token_type: AT }, { actor_token: token, actor_token_type: AT }]) {
      expect([await errorOf(exchange(w, "assistant", form)), lastReason(w)]).toEqual([[400, "invalid_request"], "missing_parameter"]);
    }
    expect((await exchange(w, "assistant", subjectOf(token))).status).toBe(200);
  });

  it("regression 24: a bad subject, a bad actor and a bad target are 400, never 403, and nothing that was asked is echoed", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const bad: readonly Record<string, string>[] = [
      subjectOf("<script>marker</script>"),
      { ...subjectOf(access_token), actor_token: "marker", actor_token_type: AT },
      { ...subjectOf(access_token), audience: "marker" },
      { ...subjectOf(access_token), scope: "marker" },
      { ...subjectOf(access_token), requested_token_type: "marker" },
      subjectOf(access_token, "marker"),
    ];
    const errors: unknown[] = [];
    for (const form of bad) {
      const { status, body } = await exchange(w, "travel-agent", form);
      expect([status, JSON.stringify(body).includes("marker")]).toEqual([400, false]);
      errors.push(body.error);
    }
    expect(errors).toEqual(["invalid_request", "invalid_request", "invalid_target", "invalid_scope", "invalid_request", "invalid_request"]);
  });

  it("regression 26: one request makes one decision in one call", async () => {
    const w = await interceptedWorld();
    const { access_token } = await login(w, "front-end-app");
    const ask = () => exchange(w, "front-end-app", { ...subjectOf(access_token), ...back });
    await ask();
    expect(await w.during(async () => expect((await ask()).status).toBe(200))).toEqual(["family.extend"]);
    expect(await w.during(() => exchange(w, "front-end-app", { ...subjectOf(changed(access_token)), ...back }))).toEqual([]);
  });

  it("regression 27: a service that exchanges forty times in a row is not held up", async () => {
    const w = await world();
    const token = await own(w, "billing-worker", { audience: "orders-api" });
    for (let n = 0; n < 40; n++) expect((await exchange(w, "orders-api", subjectOf(token))).status).toBe(200);
  });
});

describe("what has ended", () => {
  it("regression 16: a wrong hint changes nothing, and any generation of a refresh token ends its grant", async () => {
    const w = await world();
    for (const token_type_hint of ["access_token", "refresh_token", "id_token", "nonsense"]) {
      const { access_token } = await login(w, "front-end-app");
      expect(await introspect(w, "front-end-app", access_token, { token_type_hint })).toMatchObject({ active: true });
      expect((await w.post("/oauth2/revoke", { token: access_token, token_type_hint }, secretOf("front-end-app"))).status).toBe(200);
      expect(await introspect(w, "front-end-app", access_token, { token_type_hint })).toEqual({ active: false });
    }
    const first = await login(w, "front-end-app");
    const second = (await (await refresh(w, "front-end-app", first.refresh_token)).json()) as Tokens;
    await w.post("/oauth2/revoke", { token: first.refresh_token }, secretOf("front-end-app"));
    expect((await refresh(w, "front-end-app", second.refresh_token)).status).toBe(400);
  });

  it("regression 17: what cannot be checked is 503 and no verdict; the session goes on when it can", async () => {
    const w = await world();
    const tokens = await login(w, "front-end-app");
    const up = familiesDown();
    expect((await w.post("/oauth2/introspect", { token: tokens.access_token }, secretOf("front-end-app"))).status).toBe(503);
    expect((await w.post("/oauth2/revoke", { token: tokens.access_token }, secretOf("front-end-app"))).status).toBe(503);
    expect((await refresh(w, "front-end-app", tokens.refresh_token)).status).toBe(503);
    expect(await errorOf(exchange(w, "front-end-app", { ...subjectOf(tokens.access_token), ...back }))).toEqual([503, "temporarily_unavailable"]);
    expect((await w.post("/oauth2/exchange/explain", { ...subjectOf(tokens.access_token), ...back }, secretOf("front-end-app"))).status).toBe(503);
    expect((await w.post("/oauth2/token/list", { token: tokens.access_token }, secretOf("front-end-app"))).status).toBe(503);
    up();
    expect((await refresh(w, "front-end-app", tokens.refresh_token)).status).toBe(200);
    expect(await introspect(w, "front-end-app", tokens.access_token)).toMatchObject({ active: true });
  });

  it("regression 18: a token with a known jti and another signature is inactive, though the real one has just been found active", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    expect(await introspect(w, "front-end-app", access_token)).toMatchObject({ active: true });
    const [header, payload] = access_token.split(".");
    for (const token of [changed(access_token), `${header}.${payload}.`, `${header}.${payload}`]) expect(await introspect(w, "front-end-app", token)).toEqual({ active: false });
  });

  it("regression 19: a permission's scopes, a client's secret and its exchange policy change within ten seconds, in an isolate that knew them", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const ask = () => exchange(w, "travel-agent", { ...subjectOf(access_token), scope: "hr-service|budget:read" });
    expect((await ask()).status).toBe(200);
    await editTenant(w, (file) => {
      for (const permission of file.permissions) if (permission.consumer === "travel-agent" && permission.provider === "hr-service") permission.scopes = ["level:read"];
    });
    clock.forward(11);
    expect(await errorOf(ask())).toEqual([400, "invalid_scope"]);
    await editTenant(w, (file) => void Object.assign(file.clients["travel-agent"] ?? {}, { developmentSecret: "another" }));
    clock.forward(11);
    expect(await errorOf(ask())).toEqual([401, "invalid_client"]);
  });

  it("regression 25: a service that is disabled neither exchanges nor introspects, and its tokens are inactive", async () => {
    const w = await world();
    const token = await own(w, "billing-worker", { audience: "orders-api" });
    expect(await introspect(w, "orders-api", token)).toMatchObject({ active: true });
    await editTenant(w, (file) => void Object.assign(file.clients["billing-worker"] ?? {}, { disabled: true }));
    clock.forward(11);
    expect(await introspect(w, "orders-api", token)).toEqual({ active: false });
    expect(await errorOf(exchange(w, "orders-api", subjectOf(token)))).toEqual([400, "invalid_request"]);
    expect((await w.post("/oauth2/token", { grant_type: "client_credentials" }, secretOf("billing-worker"))).status).toBe(401);
  });
});
