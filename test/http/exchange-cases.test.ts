import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, editTenant, stoppedClock } from "../faults.ts";
import { changed, exchange, introspect, login, payloadOf, refresh, type TenantFile, type TenantFileInput, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const AT = TOKEN_TYPE.access_token;
const subjectOf = (token: string, type: string = AT) => ({ subject_token: token, subject_token_type: type });
const errorOf = async (answer: Promise<{ readonly status: number; readonly body: Record<string, unknown> }>) => {
  const { status, body } = await answer;
  return [status, body.error];
};
const REQUEST = [400, "invalid_request"];
const TARGET = [400, "invalid_target"];
const SCOPE = [400, "invalid_scope"];

async function serviceToken(w: World, client = "billing-worker", form: Record<string, string> = { audience: "orders-api" }): Promise<string> {
  const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", ...form }, [client, `${client}-secret`]);
  return ((await answer.json()) as Tokens).access_token;
}

describe("what an exchange must say", () => {
  it("TX-01, TX-25 a subject token and its type; empty and blank are none, and no client-only token stands in", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    expect(await errorOf(exchange(w, "travel-agent", { subject_token_type: AT }))).toEqual(REQUEST);
    expect(await errorOf(exchange(w, "travel-agent", { subject_token: access_token }))).toEqual(REQUEST);
    for (const empty of ["", " ", "\t"]) expect(await errorOf(exchange(w, "travel-agent", subjectOf(empty)))).toEqual(REQUEST);
    expect((await exchange(w, "travel-agent", subjectOf(access_token))).status).toBe(200);
  });

  it("TX-02 an actor token with its type, or neither", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    expect(await errorOf(exchange(w, "travel-agent", { ...subjectOf(access_token), actor_token: access_token }))).toEqual(REQUEST);
    expect(await errorOf(exchange(w, "travel-agent", { ...subjectOf(access_token), actor_token_type: AT }))).toEqual(REQUEST);
  });

  it.each(["urn:ietf:params:oauth:token-type:unknown", "access_token", `${AT} `, AT.toUpperCase()])("TX-04, TX-05 no type but those that there are: %j", async (type) => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    expect(await errorOf(exchange(w, "web-app", subjectOf(access_token, type)))).toEqual(REQUEST);
    expect(await errorOf(exchange(w, "web-app", { ...subjectOf(access_token), requested_token_type: type }))).toEqual(REQUEST);
  });

  it.each(["JWT", "foo", "Opaque"])("TX-44 no token_format but jwt and opaque: %s", async (token_format) => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    expect(await errorOf(exchange(w, "web-app", { ...subjectOf(access_token), token_format }))).toEqual(REQUEST);
  });

  it("TX-07 a client that may exchange", async () => {
    const w = await world({ tenant: (file) => void file.clients["travel-agent"].grants.pop() });
    const { access_token } = await login(w, "travel-agent");
    expect(await errorOf(exchange(w, "travel-agent", subjectOf(access_token)))).toEqual([400, "unauthorized_client"]);
  });

  it("TX-45 and is answered with the type that was issued, truthfully", async () => {
    const w = await world();
    const { access_token, id_token } = await login(w, "front-end-app");
    const idToken = await exchange(w, "front-end-app", { ...subjectOf(access_token), requested_token_type: TOKEN_TYPE.id_token, audience: "back-end-api" });
    expect(idToken.body).toMatchObject({ issued_token_type: TOKEN_TYPE.id_token, token_type: "N_A" });
    expect(payloadOf(String(idToken.body.access_token))).toMatchObject({ aud: "back-end-api", azp: "front-end-app" });
    const fromId = await exchange(w, "front-end-app", { ...subjectOf(id_token, TOKEN_TYPE.id_token), requested_token_type: AT, audience: "back-end-api" });
    expect(fromId.body).toMatchObject({ issued_token_type: AT, token_type: "Bearer" });
  });
});

describe("each of our tokens under its own type", () => {
  it("regression 2: no kind stands for another", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["travel-agent"], { dialect: "rfc8693" }) });
    const tokens = await login(w, "travel-agent");
    const kinds = { [AT]: tokens.access_token, [TOKEN_TYPE.refresh_token]: tokens.refresh_token, [TOKEN_TYPE.id_token]: tokens.id_token };
    for (const [declared, allowed] of [
      [AT, AT],
      [TOKEN_TYPE.refresh_token, TOKEN_TYPE.refresh_token],
      [TOKEN_TYPE.id_token, TOKEN_TYPE.id_token],
      [TOKEN_TYPE.jwt, AT],
    ] as const) {
      for (const [kind, token] of Object.entries(kinds)) {
        expect([declared, kind, (await exchange(w, "travel-agent", subjectOf(token, declared))).status]).toEqual([declared, kind, kind === allowed ? 200 : 400]);
      }
    }
  });

  it("TX-28, TX-58 a forged, a foreign, a revoked and an expired one are refused in the same words", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const stranger = await exchange(w, "stranger", subjectOf(access_token));
    const forged = await exchange(w, "travel-agent", subjectOf(changed(access_token)));
    const never = await exchange(w, "travel-agent", subjectOf("cambio_at_none"));
    await w.post("/oauth2/revoke", { token: access_token }, ["travel-agent", "travel-agent-secret"]);
    const revoked = await exchange(w, "travel-agent", subjectOf(access_token));
    const second = await login(w, "travel-agent");
    clock.forward(3601);
    const expired = await exchange(w, "travel-agent", subjectOf(second.access_token));
    for (const answer of [forged, never, revoked, expired]) expect(answer).toEqual(stranger);
    expect(stranger.body.error).toBe("invalid_request");
  });

  it("TX-06, TX-37 a refresh token is its own client's, and is not consumed", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "mobile-app");
    expect(await errorOf(exchange(w, "web-app", subjectOf(refresh_token, TOKEN_TYPE.refresh_token)))).toEqual(REQUEST);
    expect((await exchange(w, "mobile-app", subjectOf(refresh_token, TOKEN_TYPE.refresh_token))).status).toBe(200);
    expect((await refresh(w, "mobile-app", refresh_token)).status).toBe(200);
  });

  it("regression 11: an older generation as subject is reuse, and ends the grant", async () => {
    const w = await world();
    const first = await login(w, "mobile-app");
    let current = first.refresh_token;
    for (let n = 0; n < 2; n++) current = ((await (await refresh(w, "mobile-app", current)).json()) as Tokens).refresh_token;
    expect(await errorOf(exchange(w, "mobile-app", subjectOf(first.refresh_token, TOKEN_TYPE.refresh_token)))).toEqual(REQUEST);
    expect((await refresh(w, "mobile-app", current)).status).toBe(400);
  });

  it("CA-15, regression 9: a public client exchanges what is its own, where its record says so, and no ID token", async () => {
    const w = await world();
    const { id_token, access_token } = await login(w, "mobile-app");
    expect(await errorOf(exchange(w, "mobile-app", subjectOf(id_token, TOKEN_TYPE.id_token)))).toEqual(REQUEST);
    expect((await exchange(w, "mobile-app", subjectOf(access_token))).status).toBe(200);
    const closed = await world({ tenant: (file) => void Object.assign(file.clients["mobile-app"], { publicExchange: false }) });
    expect(await errorOf(exchange(closed, "mobile-app", subjectOf((await login(closed, "mobile-app")).access_token)))).toEqual([400, "unauthorized_client"]);
  });

  it("TX-52 a client's own token gives nothing about a user", async () => {
    const w = await world();
    const token = await serviceToken(w);
    for (const requested_token_type of [TOKEN_TYPE.id_token, TOKEN_TYPE.refresh_token]) {
      expect(await errorOf(exchange(w, "orders-api", { ...subjectOf(token), requested_token_type }))).toEqual(REQUEST);
    }
    expect(await errorOf(exchange(w, "orders-api", { ...subjectOf(token), scope: "openid" }))).toEqual(SCOPE);
  });
});

describe("targets of an exchange", () => {
  it("TX-08 unknown, forbidden and disabled ones are refused in the same bytes", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file.clients["hr-service"], { disabled: true }) });
    const { access_token } = await login(w, "travel-agent");
    const ask = (audience: string) => exchange(w, "travel-agent", { ...subjectOf(access_token), audience });
    const answers = [await ask("nobody"), await ask("orders-api"), await ask("hr-service"), await ask("x".repeat(3000)), await ask("../client")];
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect([answers[0]?.status, answers[0]?.body.error]).toEqual(TARGET);
  });

  it.each(["orders", "https://orders.example.com/#x", "javascript:alert(1)", `https://orders.example.com/${"x".repeat(3000)}`, "urn:sap:identity:sso"])(
    "TX-09 no resource but a URL that somebody owns: %s",
    async (resource) => {
      const w = await world();
      expect(await errorOf(exchange(w, "orders-api", { ...subjectOf(await serviceToken(w)), resource }))).toEqual(TARGET);
    },
  );

  it("TX-10, TX-12, regression 20: all of them or none", async () => {
    const w = await world({
      tenant: (file) => void file.permissions.push({ consumer: "travel-agent", provider: "back-end-api", name: "back", tokenTypes: ["access_token"] }),
    });
    const { access_token } = await login(w, "travel-agent");
    const ask = (...targets: readonly (readonly [string, string])[]) =>
      exchange(w, "travel-agent", [...Object.entries({ ...subjectOf(access_token), requested_token_type: AT }), ...targets]);
    expect(await errorOf(ask(["audience", "back-end-api"], ["audience", "assistant"], ["audience", "stranger"]))).toEqual(TARGET);
    expect(await errorOf(ask(["audience", "back-end-api"], ["resource", "https://orders.example.com"]))).toEqual(TARGET);
    const both = await ask(["audience", "back-end-api"], ["audience", "assistant"]);
    expect(payloadOf(String(both.body.access_token)).aud).toEqual(["back-end-api", "assistant"]);
  });

  it("TX-16 each hop is judged with its own requester: there is no way back", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { ...subjectOf(access_token), audience: "back-end-api" });
    expect(await errorOf(exchange(w, "back-end-api", { ...subjectOf(String(body.access_token)), audience: "front-end-app" }))).toEqual(TARGET);
  });

  it("TX-47 roles are the target's own, whatever the source had", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app", { user: "julie.armstrong" });
    const { body } = await exchange(w, "front-end-app", { ...subjectOf(access_token), audience: "back-end-api" });
    expect(payloadOf(String(body.access_token)).roles).toEqual(["backend_user"]);
  });
});

describe("scope and life of what is exchanged", () => {
  it("TX-13, TX-14, TX-15 only narrows", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const narrow = await exchange(w, "travel-agent", { ...subjectOf(access_token), scope: "hr-service|level:read" });
    const token = String(narrow.body.access_token);
    expect(await errorOf(exchange(w, "hr-service", { ...subjectOf(token), scope: "budget:read" }))).toEqual(SCOPE);
    expect((await exchange(w, "hr-service", subjectOf(token))).body.scope).toBe("level:read");
    expect(await errorOf(exchange(w, "travel-agent", { ...subjectOf(access_token), scope: "hr-service|.all hr-service|nothing" }))).not.toEqual(SCOPE);
  });

  it("TX-53 offline_access is not asked for anew", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app");
    expect(await errorOf(exchange(w, "web-app", { ...subjectOf(access_token), scope: "openid offline_access" }))).toEqual(SCOPE);
  });

  it("TX-54, regression 5: what is issued belongs to the client that exchanged", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const { body } = await exchange(w, "front-end-app", { ...subjectOf(access_token), audience: "back-end-api" });
    const answer = await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: String(body.refresh_token) }, ["back-end-api", "back-end-api-secret"]);
    expect(answer.status).toBe(400);
    expect((await refresh(w, "front-end-app", String(body.refresh_token))).status).toBe(200);
  });

  it("TX-62, DEP-02, regression 6: exchanging for oneself gains no second, and every hop counts", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const { exp } = payloadOf(access_token);
    let token = access_token;
    for (let hop = 0; hop < 5; hop++) {
      token = String((await exchange(w, "travel-agent", subjectOf(token))).body.access_token);
      expect(Number(payloadOf(token).exp)).toBeLessThanOrEqual(Number(exp));
    }
    for (let n = 0; n < 20; n++) expect(await errorOf(exchange(w, "travel-agent", subjectOf(token)))).toEqual(REQUEST);
  });

  it("TX-40 max_exchange_period only shortens, for all that follows", async () => {
    const w = await world();
    const { access_token } = await login(w, "web-app", { redeem: { max_exchange_period: "3600" } });
    const { body } = await exchange(w, "web-app", { ...subjectOf(access_token), max_exchange_period: "999999" });
    clock.forward(3500);
    expect((await refresh(w, "web-app", String(body.refresh_token))).status).toBe(200);
    clock.forward(100);
    expect((await refresh(w, "web-app", String(body.refresh_token))).status).toBe(400);
  });
});

describe("depth and budget", () => {
  const limited = (limits: Readonly<Record<string, number>>) => (file: TenantFileInput) => {
    for (const [client, maxHops] of Object.entries(limits)) {
      if (client === "tenant") Object.assign(file, { tokenPolicy: { maxHops } });
      else Object.assign(file.clients[client as "hr-service"], { tokenPolicy: { maxHops } });
    }
  };

  it.each([
    [{ tenant: 3 }, 3],
    [{ tenant: 5, "travel-agent": 2 }, 2],
    [{ tenant: 5, "travel-agent": 0 }, 0],
    [{ tenant: 7 }, 7],
  ] as const)("DEP-01, DEP-05 the strictest limit wins: %j", async (limits, hops) => {
    const w = await world({ tenant: limited(limits as Record<string, number>) });
    let { access_token: token } = await login(w, "travel-agent");
    for (let hop = 0; hop < hops; hop++) {
      const { status, body } = await exchange(w, "travel-agent", subjectOf(token));
      expect(status, w.lines.at(-1)).toBe(200);
      token = String(body.access_token);
    }
    expect(await errorOf(exchange(w, "travel-agent", subjectOf(token)))).toEqual(REQUEST);
  });

  it("DEP-03 no other type of token and no refresh makes a chain shorter", async () => {
    const w = await world({ tenant: (file) => void Object.assign(file, { tokenPolicy: { maxHops: 2 } }) });
    const tokens = await login(w, "web-app");
    const first = await exchange(w, "web-app", subjectOf(tokens.access_token));
    const renewed = (await (await refresh(w, "web-app", String(first.body.refresh_token))).json()) as Tokens;
    const second = await exchange(w, "web-app", subjectOf(renewed.id_token, TOKEN_TYPE.id_token));
    expect(second.status).toBe(200);
    for (const [token, type] of [
      [second.body.access_token, AT],
      [second.body.id_token, TOKEN_TYPE.id_token],
      [second.body.refresh_token, TOKEN_TYPE.refresh_token],
    ] as const) {
      expect(await errorOf(exchange(w, "web-app", subjectOf(String(token), type)))).toEqual(REQUEST);
    }
  });

  it("DEP-09 jwt-bearer counts as an exchange", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file, { tokenPolicy: { maxHops: 1 } });
        file.clients["web-app"].grants.push("jwt_bearer");
      },
    });
    const { id_token } = await login(w, "web-app");
    const bearer = (assertion: string) =>
      w.post("/oauth2/token", { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion, token_format: "jwt" }, ["web-app", "web-app-secret"]);
    const first = (await (await bearer(id_token)).json()) as Tokens & { issued_token_type?: string };
    expect(Object.keys(first)).toEqual(expect.arrayContaining(["access_token", "refresh_token"]));
    expect(first.issued_token_type).toBeUndefined();
    const second = await bearer(first.access_token);
    expect([second.status, ((await second.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
  });

  it("CON-06 two exchanges of one token do not disturb each other", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const scopes = ["hr-service|level:read", "hr-service|budget:read"];
    const answers = await Promise.all(scopes.map((scope) => exchange(w, "travel-agent", { ...subjectOf(access_token), scope })));
    expect(answers.map(({ body }) => body.scope)).toEqual(["level:read", "budget:read"]);
  });
});

describe("a chain A → B → C", () => {
  async function chain(w: World): Promise<{ readonly a: Tokens; readonly b: string; readonly c: string }> {
    const a = await login(w, "front-end-app");
    const b = (await exchange(w, "front-end-app", { ...subjectOf(a.access_token), audience: "back-end-api", requested_token_type: AT })).body.access_token;
    const c = (await exchange(w, "back-end-api", { ...subjectOf(String(b)), requested_token_type: AT })).body.access_token;
    return { a, b: String(b), c: String(c) };
  }
  const seen = (w: World, token: string) => introspect(w, "back-end-api", token).then(({ active }) => active);
  const revoke = (w: World, client: string, token: string) => w.post("/oauth2/revoke", { token }, [client, `${client}-secret`]);

  it.each(["access_token", "refresh_token"] as const)("TX-20, REV-06 dies with A's %s, at once and everywhere", async (kind) => {
    const w = await world();
    const { a, b, c } = await chain(w);
    expect([await seen(w, b), await seen(w, c)]).toEqual([true, true]);
    expect((await revoke(w, "front-end-app", a[kind])).status).toBe(200);
    expect([await seen(w, b), await seen(w, c)]).toEqual([false, false]);
    expect(await errorOf(exchange(w, "back-end-api", subjectOf(c)))).toEqual(REQUEST);
    expect(await errorOf(exchange(w, "front-end-app", { ...subjectOf(a.access_token), audience: "back-end-api" }))).toEqual(REQUEST);
  });

  it("REV-08 dies from the middle downwards only", async () => {
    const w = await world();
    const { a, b, c } = await chain(w);
    await revoke(w, "front-end-app", b);
    expect([await seen(w, b), await seen(w, c)]).toEqual([false, false]);
    expect(await introspect(w, "front-end-app", a.access_token)).toMatchObject({ active: true });
  });

  it.each<[string, (file: TenantFile) => unknown, readonly unknown[]]>([
    ["TX-22 the client", (file) => Object.assign(file.clients["front-end-app"] ?? {}, { disabled: true }), [401, "invalid_client"]],
    ["TX-23 the target", (file) => Object.assign(file.clients["back-end-api"] ?? {}, { disabled: true }), TARGET],
    ["TX-24 the identity provider", (file) => Object.assign(file.identityProviders.corp ?? {}, { disabled: true }), REQUEST],
  ])("%s that is disabled stops it and its refreshes at once here, within ten seconds everywhere", async (_who, disable, outcome) => {
    const w = await world();
    const a = await login(w, "front-end-app");
    const trade = (isolate: World) => exchange(isolate, "front-end-app", { ...subjectOf(a.access_token), audience: "back-end-api" });
    const other = await anotherIsolate(w);
    const issued = await trade(other);
    await editTenant(w, (file) => void disable(file));
    expect(await errorOf(trade(w))).toEqual(outcome);
    expect((await trade(other)).status).toBe(200);
    clock.forward(10);
    expect(await errorOf(trade(other))).toEqual(outcome);
    expect((await refresh(other, "front-end-app", String(issued.body.refresh_token))).status).not.toBe(200);
  });
});

describe("delegation", () => {
  const acting = (subject: string, actor: string) => ({ ...subjectOf(subject), actor_token: actor, actor_token_type: AT });
  const own = (w: World, client: string) => serviceToken(w, client, {});

  it("TX-51 nests the actors, newest outermost, and introspection shows the same", async () => {
    const w = await world();
    const { access_token } = await login(w, "travel-agent");
    const handed = await exchange(w, "travel-agent", { ...subjectOf(access_token), audience: "assistant" });
    const once = await exchange(w, "assistant", { ...acting(String(handed.body.access_token), await own(w, "assistant")), audience: "scheduler" });
    const twice = await exchange(w, "scheduler", { ...acting(String(once.body.access_token), await own(w, "scheduler")), audience: "hr-service" });
    const act = { sub: "scheduler", client_id: "scheduler", act: { sub: "assistant", client_id: "assistant" } };
    expect(payloadOf(String(twice.body.access_token))).toMatchObject({ sub: payloadOf(access_token).sub, act });
    expect(await introspect(w, "hr-service", String(twice.body.access_token))).toMatchObject({ active: true, act });
    expect(await errorOf(exchange(w, "scheduler", { ...subjectOf(String(once.body.access_token)), audience: "hr-service" }))).toEqual(REQUEST);
  });

  it("TX-50 refuses an actor that is somebody else's, revoked, the subject, or no actor at all", async () => {
    const w = await world();
    const { access_token, refresh_token } = await login(w, "travel-agent");
    const julie = await login(w, "travel-agent", { user: "julie.armstrong" });
    const revoked = await login(w, "travel-agent", { user: "julie.armstrong" });
    await w.post("/oauth2/revoke", { token: revoked.access_token }, ["travel-agent", "travel-agent-secret"]);
    for (const actor of [await own(w, "assistant"), revoked.access_token, access_token, "junk"]) {
      expect(await errorOf(exchange(w, "travel-agent", acting(access_token, actor)))).toEqual(REQUEST);
    }
    const asRefresh = { ...subjectOf(access_token), actor_token: refresh_token, actor_token_type: TOKEN_TYPE.refresh_token };
    expect(await errorOf(exchange(w, "travel-agent", asRefresh))).toEqual(REQUEST);
    expect((await exchange(w, "travel-agent", acting(access_token, julie.access_token))).status).toBe(200);
  });

  it("TX-50 refuses a JWT as actor token whose client has been cut off since, and takes a later one", async () => {
    const w = await world();
    const early = await login(w, "travel-agent", { user: "julie.armstrong" });
    const cutoff = clock.now();
    clock.forward(30);
    const [{ access_token }, late] = [await login(w, "travel-agent"), await login(w, "travel-agent", { user: "julie.armstrong" })];
    expect((await exchange(w, "travel-agent", acting(access_token, early.access_token))).status).toBe(200);
    await editTenant(w, ({ clients }) => Object.assign(clients["travel-agent"] ?? {}, { cutoff }));
    expect(await errorOf(exchange(w, "travel-agent", acting(access_token, early.access_token)))).toEqual(REQUEST);
    expect(JSON.parse(w.lines.at(-1) ?? "")).toMatchObject({ reason: "actor_dead", note: "client_cut_off" });
    expect((await exchange(w, "travel-agent", acting(access_token, late.access_token))).status).toBe(200);
  });
});
