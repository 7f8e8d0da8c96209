import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, familiesDown, stopClock, UNAVAILABLE } from "../faults.ts";
import { changed, exchange, introspect, login, operatorToken, refresh, type World, world } from "../world.ts";
import { type ApiAnswer, api, apiRequest } from "./api.ts";
import { lastLineOf } from "./wire.ts";

beforeEach(reset);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const OTHER_ISSUER = "https://other.example.com";
const NOWHERE = "0".repeat(64);

interface Node {
  readonly id: string;
  readonly client: string;
  readonly audience: readonly string[];
  readonly hops: number;
  readonly dead?: string;
  readonly leaves: readonly { readonly id: string; readonly type: string }[];
  readonly refresh?: { readonly generation: number };
}
interface Family {
  readonly family: string;
  readonly nodes: readonly Node[];
  readonly refusals: readonly { readonly client: string; readonly reason: string; readonly targets: readonly string[] }[];
}
interface Found {
  readonly family: string;
  readonly token: {
    readonly grant: string;
    readonly node?: string;
    readonly kind: string;
    readonly format: string;
    readonly client?: string;
    readonly alive: boolean;
    readonly dead?: string;
  };
  readonly trace?: Family;
}

const lookUp = (w: World, token: string) => api(w, "operator", "POST", "/api/v1/families/lookup", { token });
const found = async (w: World, token: string) => (await lookUp(w, token)).body as unknown as Found;
const read = (w: World, family: string) => api(w, "operator", "GET", `/api/v1/families/${family}`);
const revoke = (w: World, family: string, body: object = {}) => api(w, "operator", "POST", `/api/v1/families/${family}/revoke`, body);
const nodes = (answer: ApiAnswer) => (answer.body as unknown as Family).nodes;
const line = ({ client, audience, hops, dead }: Node) => `${client} → ${audience} at ${hops}${dead === undefined ? "" : `: ${dead}`}`;

/** dona.moore logs in at the front end, which trades her token for the back end, which trades that one for itself. */
async function chain(w: World) {
  const { access_token: first, refresh_token } = await login(w, "front-end-app");
  const trade = async (client: string, subject: string, audience: string) =>
    String((await exchange(w, client, { subject_token: subject, audience, requested_token_type: TOKEN_TYPE.access_token })).body.access_token);
  const second = await trade("front-end-app", first, "back-end-api");
  const third = await trade("back-end-api", second, "back-end-api");
  return { first, second, third, refresh_token };
}

describe("the trace of a token family", () => {
  it("shows who exchanged what for whom, when and at which depth, without a hash or a token", async () => {
    const w = await world();
    const { third } = await chain(w);
    const { family, token } = await found(w, third);
    expect(token).toEqual({ kind: "access_token", format: "jwt", client: "back-end-api", grant: expect.any(String), node: expect.any(String), alive: true });
    const answer = await read(w, family);
    expect([answer.status, nodes(answer).map(line)]).toEqual([
      200,
      ["front-end-app → front-end-app at 0", "front-end-app → back-end-api at 1", "back-end-api → back-end-api at 2"],
    ]);
    expect(answer.body).toMatchObject({
      ...{ family, kind: "login", root: expect.any(Number), closes: expect.any(Number), truncated: false, revokedNodes: [], refusals: [] },
      principal: { idp: "corp", loginName: "dona.moore", sub: expect.any(String) },
      sessions: [{ idp: "corp", expires: expect.any(Number) }],
    });
    expect(nodes(answer).at(-1)?.id).toBe(token.grant);
    expect(JSON.stringify(answer.body)).not.toMatch(/hash|idpTokens|cambio_|eyJ[\w-]{20}|dona\.moore@/);
    expect(lastLineOf(w)).toMatchObject({ endpoint: "/api/v1/families/:id", operator: "local", family, issued: "trace", status: 200 });
  });

  it("says how often a grant was refreshed, names every token of it, and why an exchange was refused", async () => {
    const w = await world();
    const { first, refresh_token } = await chain(w);
    await refresh(w, "front-end-app", refresh_token);
    await exchange(w, "front-end-app", { subject_token: first, audience: "back-end-api", requested_token_type: TOKEN_TYPE.access_token, scope: "nonsense" });
    const { trace } = await found(w, first);
    expect(trace?.nodes[0]?.refresh).toEqual({ generation: 1, expires: expect.any(Number) });
    expect(trace?.nodes[0]?.leaves.map(({ type }) => type).toSorted()).toEqual(["access_token", "access_token", "id_token", "id_token"]);
    expect(trace?.refusals).toEqual([{ at: expect.any(Number), client: "front-end-app", reason: "scope_exceeds", targets: ["back-end-api"] }]);
  });

  it("says of a node that the configuration ended why, as of one that the family knows of", async () => {
    const w = await world();
    const { first } = await chain(w);
    await editTenant(w, (file) => Object.assign(file.clients["back-end-api"] ?? {}, { disabled: true }));
    expect((await found(w, first)).trace?.nodes.map(line)).toEqual([
      "front-end-app → front-end-app at 0",
      "front-end-app → back-end-api at 1",
      "back-end-api → back-end-api at 2: client_cut_off",
    ]);
    await api(w, "operator", "POST", "/api/v1/permissions/front-end-app/back-end-api/withdraw", { cut_off: true });
    expect((await found(w, first)).trace?.nodes.map(line)[1]).toBe("front-end-app → back-end-api at 1: permission_cut_off");
  });

  it.each([
    ["of no family", NOWHERE],
    ["of something that is none", "lookup2"],
    ["of an object of another kind", "tenant"],
  ])("is 404 %s", async (_case, id) => {
    const w = await world();
    const family = id === "tenant" ? env.TENANTS.idFromName("http://localhost:8787").toString() : id;
    for (const answer of [await read(w, family), await revoke(w, family)]) expect([answer.status, answer.body.error]).toEqual([404, "not_found"]);
    expect((await read(w, (await found(w, (await chain(w)).first)).family)).status).toBe(200);
  });

  it("HTTP-20 is 404 for another tenant's operator, and nothing is revoked", async () => {
    const w = await world();
    const { first } = await chain(w);
    const { family } = await found(w, first);
    const other = await world({
      issuer: OTHER_ISSUER,
      tenant: (file) => Object.assign(file, { issuer: OTHER_ISSUER, clients: {}, permissions: [], identityProviders: {}, defaultIdentityProvider: undefined }),
    });
    const send = async (method: string, path: string, body = "") =>
      (
        await other.fetch(path, {
          method,
          headers: { authorization: `Bearer ${await operatorToken(OTHER_ISSUER, method, path, body)}`, "content-type": "application/json" },
          ...(body === "" ? {} : { body }),
        })
      ).status;
    expect(await send("GET", `/api/v1/families/${family}`)).toBe(404);
    expect(await send("POST", `/api/v1/families/${family}/revoke`, "{}")).toBe(404);
    expect(await send("POST", "/api/v1/families/lookup", JSON.stringify({ token: first }))).toBe(404);
    expect(await introspect(w, "front-end-app", first)).toMatchObject({ active: true });
  });

  it("is for operators only", async () => {
    const w = await world();
    const { first } = await chain(w);
    const { family } = await found(w, first);
    const path = `/api/v1/families/${family}`;
    for (const headers of [{}, { authorization: `Bearer ${first}` }, (await apiRequest({ client: "front-end-app" }, "GET", path)).headers as Record<string, string>]) {
      expect((await w.fetch(path, { headers })).status).toBe(401);
      expect((await w.fetch(`${path}/revoke`, { method: "POST", headers, body: "{}" })).status).toBe(401);
      expect((await w.fetch("/api/v1/families/lookup", { method: "POST", headers, body: JSON.stringify({ token: first }) })).status).toBe(401);
    }
    expect(await introspect(w, "front-end-app", first)).toMatchObject({ active: true });
  });

  it("is 503 while the family cannot be asked, never 404", async () => {
    const w = await world();
    const { family } = await found(w, (await chain(w)).first);
    const up = familiesDown();
    for (const answer of [await read(w, family), await revoke(w, family)]) expect([answer.status, answer.body.error]).toEqual([UNAVAILABLE.status, UNAVAILABLE.error]);
    up();
    expect((await read(w, family)).status).toBe(200);
  });
});

describe("looking a token up", () => {
  it("finds every kind of token of ours, and says whether it is alive", async () => {
    const w = await world();
    const mobile = await login(w, "mobile-app");
    const renewed = (await (await refresh(w, "mobile-app", mobile.refresh_token, { token_format: "opaque" })).json()) as { access_token: string; refresh_token: string };
    const sso = await exchange(w, "mobile-app", { subject_token: renewed.refresh_token, subject_token_type: TOKEN_TYPE.refresh_token, resource: "urn:sap:identity:sso" });
    const places = await Promise.all(
      [mobile.access_token, mobile.id_token, renewed.access_token, renewed.refresh_token, String(sso.body.access_token)].map((token) => found(w, token)),
    );
    expect(places.map(({ token: { kind, format, alive } }) => `${kind} ${format} ${alive}`)).toEqual([
      "access_token jwt true",
      "id_token jwt true",
      "access_token opaque true",
      "refresh_token opaque true",
      "sso_token opaque true",
    ]);
    expect(new Set(places.map(({ family }) => family)).size).toBe(1);
    const [first] = places;
    const grants = first?.trace?.nodes ?? [];
    expect(places.map(({ token }) => grants.findIndex(({ id }) => id === token.grant))).toEqual([0, 0, 0, 0, 1]);
    for (const { token } of places) if (token.node !== undefined) expect(grants.flatMap(({ leaves }) => leaves.map(({ id }) => id))).toContain(token.node);
  });

  it("finds expired, rotated and revoked ones too, and says what they died of", async () => {
    const clock = stopClock();
    const w = await world();
    const { access_token, refresh_token } = await login(w, "mobile-app");
    await refresh(w, "mobile-app", refresh_token);
    expect((await found(w, refresh_token)).token).toMatchObject({ kind: "refresh_token", client: "mobile-app", alive: false, dead: "rotated" });
    await w.post("/oauth2/revoke", { token: access_token, client_id: "mobile-app" });
    expect((await found(w, access_token)).token).toMatchObject({ alive: false, dead: "node_revoked" });
    clock.forward(4000);
    expect((await found(w, access_token)).token).toMatchObject({ alive: false, dead: "expired" });
  });

  it("finds the family of a client's own token, which nobody has written down yet", async () => {
    const w = await world();
    const { access_token } = (await (await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"])).json()) as {
      access_token: string;
    };
    const place = await found(w, access_token);
    expect(place).toEqual({
      family: expect.stringMatching(/^[0-9a-f]{64}$/),
      token: { kind: "access_token", format: "jwt", client: "billing-worker", grant: place.token.node, node: place.token.node, alive: true },
    });
    expect((await read(w, place.family)).status).toBe(404);
    await runInDurableObject(env.FAMILIES.get(env.FAMILIES.idFromString(place.family)), async (_object, state) => {
      expect(state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'family'").toArray()).toEqual([]);
    });
  });

  it("is 404 for what is no token of ours, and the audit log has neither", async () => {
    const w = await world();
    const { access_token } = await login(w, "mobile-app");
    for (const token of ["junk", `cambio_at_${"A".repeat(120)}`, changed(access_token)]) {
      expect([(await lookUp(w, token)).status, lastLineOf(w).reason]).toEqual([404, "token_unknown"]);
      expect(w.lines.join("\n")).not.toContain(token);
    }
    expect((await lookUp(w, access_token)).status).toBe(200);
    expect(w.lines.join("\n")).not.toContain(access_token);
  });

  it.each([
    [{}, "token"],
    [{ token: "" }, "token"],
    [{ token: 5 }, "token"],
    [{ token: "x", node: "y" }, ""],
  ])("refuses %j, and never repeats what was sent", async (body, path) => {
    const w = await world();
    const answer = await api(w, "operator", "POST", "/api/v1/families/lookup", body);
    expect([answer.status, answer.body.problems]).toEqual([400, [{ path, message: expect.any(String) }]]);
  });
});

describe("revoking in a family", () => {
  it("kills a node with everything below it, and nothing beside it", async () => {
    const w = await world();
    const { first, second, third, refresh_token } = await chain(w);
    const sibling = String(
      (await exchange(w, "front-end-app", { subject_token: first, audience: "back-end-api", requested_token_type: TOKEN_TYPE.access_token })).body.access_token,
    );
    const { family, token } = await found(w, second);
    const answer = await revoke(w, family, { node: token.grant });
    expect(
      nodes(answer)
        .map(line)
        .filter((text) => text.includes(": ")),
    ).toEqual(["front-end-app → back-end-api at 1: node_revoked", "back-end-api → back-end-api at 2: node_revoked"]);
    expect(lastLineOf(w)).toMatchObject({ operator: "local", family, node: token.grant, issued: "revocation", status: 200 });
    expect([await introspect(w, "back-end-api", second), await introspect(w, "back-end-api", third)]).toEqual([{ active: false }, { active: false }]);
    for (const alive of [first, sibling]) expect(await introspect(w, alive === first ? "front-end-app" : "back-end-api", alive)).toMatchObject({ active: true });
    expect((await refresh(w, "front-end-app", refresh_token)).status).toBe(200);
    expect((await exchange(w, "back-end-api", { subject_token: third, audience: "back-end-api" })).body.error).toBe("invalid_request");
  });

  it("kills one token by its leaf, with what was exchanged from it; its grant goes on", async () => {
    const w = await world();
    const { first, second, refresh_token } = await chain(w);
    const { family, token } = await found(w, first);
    expect((await revoke(w, family, { node: token.node })).status).toBe(200);
    expect([await introspect(w, "front-end-app", first), await introspect(w, "back-end-api", second)]).toEqual([{ active: false }, { active: false }]);
    expect((await refresh(w, "front-end-app", refresh_token)).status).toBe(200);
  });

  it("kills the whole family, its session with it", async () => {
    const w = await world();
    const { cookie: _cookie, ...tokens } = await login(w, "front-end-app");
    const { family } = await found(w, tokens.access_token);
    const answer = await revoke(w, family);
    expect(answer.body).toMatchObject({ revoked: expect.any(Number), nodes: [{ dead: "family_revoked" }] });
    expect(await introspect(w, "front-end-app", tokens.access_token)).toEqual({ active: false });
    expect((await refresh(w, "front-end-app", tokens.refresh_token)).status).toBe(400);
    expect((await revoke(w, family)).status).toBe(200);
  });

  it("is 404 for a node that is not in the family, and nothing changes", async () => {
    const w = await world();
    const { first } = await chain(w);
    const { family } = await found(w, first);
    const answer = await revoke(w, family, { node: "A".repeat(22) });
    expect([answer.status, answer.body.error]).toEqual([404, "not_found"]);
    expect((await revoke(w, family, { node: "short" })).status).toBe(400);
    expect((await revoke(w, family, { nodes: [] })).status).toBe(400);
    expect(nodes(await read(w, family)).filter(({ dead }) => dead !== undefined)).toEqual([]);
  });
});
