import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { coalescingKey } from "../../src/grants/coalescing.ts";
import { readQuery } from "../../src/protocol/form.ts";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import type { ClientRequest } from "../../src/service.ts";
import { sharedAnswers } from "../../src/tokens/shared-answers.ts";
import { editTenant, stoppedClock } from "../faults.ts";
import { ISSUER, introspect, login, payloadOf } from "../world.ts";
import { familyCallsOf, lineOf, sharing, trade } from "./coalescing-steps.ts";
import { agentToken, withAgents } from "./delegation-steps.ts";

const clock = stoppedClock();

const FOR_HR = { audience: "hr-service" };
const AT = TOKEN_TYPE.access_token;

describe("identical exchanges", () => {
  it("share one answer within the window: one look at the family, no row, the same node in the audit log, and the seconds that are left", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    const first = await trade(w, access_token, FOR_HR);
    const { node, family, scope, audience, issued, subject } = lineOf(w);
    const nodes = async () => (await w.service.families.trace(String(family))) as { readonly nodes: readonly object[] };
    const before = (await nodes()).nodes.length;
    clock.forward(2);
    const calls = await familyCallsOf(w, async () => {
      const second = await trade(w, access_token, FOR_HR);
      expect([second.isShared, second.token]).toEqual([true, first.token]);
      expect(second.body).toEqual({ ...first.body, expires_in: Number(first.body.expires_in) - 2 });
    });
    expect(calls).toEqual(["family.status"]);
    expect(lineOf(w)).toMatchObject({ coalesced: true, node, family, scope, audience, issued, subject, status: 200 });
    expect((await nodes()).nodes).toHaveLength(before);
    expect(await introspect(w, "hr-service", first.token)).toMatchObject({ active: true });
  });

  it("do not, where nobody has switched it on, or the isolate keeps no answers", async () => {
    for (const [tokenPolicy, kept] of [
      [{}, 1000],
      [{ coalesceSeconds: 0 }, 1000],
      [{ coalesceSeconds: 5 }, 0],
    ] as const) {
      const w = await sharing((file) => Object.assign(file, { tokenPolicy }));
      Object.assign(w.service, { answers: sharedAnswers(w.service.now, kept) });
      const { access_token } = await login(w, "travel-agent");
      const tokens = [await trade(w, access_token, FOR_HR), await trade(w, access_token, FOR_HR)];
      expect(new Set(tokens.map(({ token }) => token)).size).toBe(2);
      expect(w.lines.some((line) => line.includes("coalesced"))).toBe(false);
    }
  });

  it("share until the window ends, which begins with the request that was answered first", async () => {
    const w = await sharing((file) => Object.assign(file.clients["travel-agent"], { tokenPolicy: { coalesceSeconds: 2 } }));
    const { access_token } = await login(w, "travel-agent");
    const first = await trade(w, access_token);
    clock.forward(1);
    expect(await trade(w, access_token)).toMatchObject({ isShared: true, token: first.token });
    clock.forward(1);
    const next = await trade(w, access_token);
    expect([next.isShared, next.token === first.token]).toEqual([false, false]);
    expect(await trade(w, access_token)).toMatchObject({ isShared: true, token: next.token });
  });

  it("end with what was shared, where that ends sooner", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    clock.forward(Number(payloadOf(access_token).exp) - clock.now() - 2);
    expect((await trade(w, access_token)).body.expires_in).toBe(2);
    clock.forward(1);
    expect(await trade(w, access_token)).toMatchObject({ isShared: true, body: { expires_in: 1 } });
    clock.forward(1);
    expect(await trade(w, access_token)).toMatchObject({ status: 400, error: "invalid_request" });
  });

  it("may be in any dialect and format: an opaque token, an ID token beside it", async () => {
    const w = await sharing((file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { refreshTokenLifetime: 0 } }));
    const web = await login(w, "web-app");
    const page = await login(w, "front-end-app");
    const asks = [
      ["web-app", web.access_token, { requested_token_type: AT, token_format: "opaque" }, "cambio_at_"],
      ["front-end-app", page.access_token, { requested_token_type: AT, scope: "openid" }, "ey"],
      ["front-end-app", page.access_token, { requested_token_type: TOKEN_TYPE.id_token }, "ey"],
    ] as const;
    for (const [client, token, form, prefix] of asks) {
      const first = await trade(w, token, form, client);
      expect([first.status, first.token.startsWith(prefix)], w.lines.at(-1)).toEqual([200, true]);
      expect(await trade(w, token, form, client)).toMatchObject({ isShared: true, body: first.body });
    }
  });
});

describe("what differs in anything is not shared", () => {
  it("subject, target, scope, type, what nobody knows, and the order of parameters", async () => {
    const w = await sharing();
    const [one, other] = [await login(w, "travel-agent"), await login(w, "travel-agent")];
    const base = { audience: "hr-service", scope: "hr-service|level:read" };
    const first = await trade(w, one.access_token, base);
    const others: readonly (readonly [string, Record<string, string>])[] = [
      [other.access_token, base],
      [one.access_token, { scope: "hr-service|budget:read", audience: "hr-service" }],
      [one.access_token, { scope: "hr-service|level:read", audience: "hr-service" }],
      [one.access_token, { scope: "hr-service|level:read" }],
      [one.access_token, { audience: "hr-service" }],
      [one.access_token, {}],
      [one.access_token, { audience: "assistant" }],
      [one.access_token, { ...base, requested_token_type: AT }],
      [one.access_token, { ...base, nobody: "knows" }],
      [one.access_token, { ...base, nobody: "knows this" }],
      [one.access_token, { ...base, nobody: "" }],
    ];
    const tokens = new Set([first.token]);
    for (const [subject, form] of others) {
      const traded = await trade(w, subject, form);
      expect([traded.status, traded.isShared], JSON.stringify(form)).toEqual([200, false]);
      tokens.add(traded.token);
    }
    expect(tokens.size).toBe(others.length + 1);
    expect(await trade(w, one.access_token, base)).toMatchObject({ isShared: true, token: first.token });
  });

  it("the client: both may exchange the token, each has its own answer", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    const { token } = await trade(w, access_token, FOR_HR);
    const answers = [await trade(w, token, {}, "travel-agent"), await trade(w, token, {}, "hr-service")];
    expect(answers.map(({ status, isShared, token }) => [status, isShared, payloadOf(token).client_id])).toEqual([
      [200, false, "travel-agent"],
      [200, false, "hr-service"],
    ]);
    expect(await trade(w, token, {}, "hr-service")).toMatchObject({ isShared: true, token: answers[1]?.token });
  });

  it("the actor, and none", async () => {
    const w = await sharing(withAgents);
    const { access_token } = await login(w, "travel-agent");
    const acting = async (agent: string) => ({ actor_token: await agentToken(w, agent), actor_token_type: AT });
    const [one, other] = [await acting("agent-1"), await acting("agent-2")];
    const alone = await trade(w, access_token);
    const first = await trade(w, access_token, one);
    expect([first.isShared, (await trade(w, access_token, other)).isShared]).toEqual([false, false]);
    // Each family is asked: the subject's and the actor's.
    expect(await familyCallsOf(w, async () => expect(await trade(w, access_token, one)).toMatchObject({ isShared: true, token: first.token }))).toEqual([
      "family.status",
      "family.status",
    ]);
    expect(await trade(w, access_token)).toMatchObject({ isShared: true, token: alone.token });
  });

  it("the configuration: any change of the tenant ends what was shared before it", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    const first = await trade(w, access_token, FOR_HR);
    await editTenant(w, (file) => Object.assign(file, { displayName: "Another name" }));
    expect((await trade(w, access_token, FOR_HR)).token).not.toBe(first.token);
    expect((await trade(w, access_token, FOR_HR)).isShared).toBe(true);
    await editTenant(w, (file) => {
      for (const permission of file.permissions) Object.assign(permission, { status: "denied" });
    });
    expect(await trade(w, access_token, FOR_HR)).toMatchObject({ status: 400, error: "invalid_target" });
  });

  it("any member of the key", async () => {
    const base = { clientId: "a", form: readQuery("?audience=x&audience=y&scope=s"), proven: {}, issuer: "https://a", version: 1 };
    const changes: readonly Partial<typeof base>[] = [
      { clientId: "b" },
      { issuer: "https://b" },
      { version: 2 },
      { proven: { jkt: "k" } },
      { proven: { jkt: "l" } },
      { proven: { "x5t#S256": "k" } },
      { proven: { jkt: "k", "x5t#S256": "k" } },
      ...["audience=y&audience=x&scope=s", "audience=x&scope=s", "audience=xy&scope=s", "audience=x&audience=y&scope=S", "scope=s&audience=x&audience=y"].map((query) => ({
        form: readQuery(`?${query}`),
      })),
      ...["token_format=jwt", "resource=https%3A%2F%2Fa", "actor_token=t", "client_id=a", "subject_issuer=i", "a=client_secret"].map((more) => ({
        form: readQuery(`?audience=x&audience=y&scope=s&${more}`),
      })),
    ];
    const keyOf = ({ issuer, version, ...request }: typeof base) =>
      coalescingKey({ ...request, tenant: { issuer, version, settings: { tokenPolicy: {} } }, client: { tokenPolicy: {} } } as unknown as ClientRequest);
    const keys = await Promise.all([base, ...changes.map((change) => ({ ...base, ...change }))].map(keyOf));
    expect(new Set(keys).size).toBe(changes.length + 1);
    // What proves the client has been judged by then, and is never the same twice where it is an assertion.
    expect(await keyOf({ ...base, form: readQuery("?audience=x&audience=y&scope=s&client_assertion=a.b.c&client_secret=s") })).toBe(keys[0]);
  });
});

describe("whoever is given a shared answer", () => {
  it("has proved who it is: a wrong secret is refused as ever", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    await trade(w, access_token);
    const form = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT };
    expect((await w.post("/oauth2/token", form, ["travel-agent", "wrong"])).status).toBe(401);
    expect((await w.post("/oauth2/token", form, ["travel-agent", "travel-agent-secret"])).status).toBe(200);
  });

  it("has proved its own DPoP key with a proof of its own: with another key it gets another token, without one a third", async () => {
    const w = await sharing();
    const { access_token } = await login(w, "travel-agent");
    const [one, other] = [await generateKeyPair("ES256", { extractable: true }), await generateKeyPair("ES256", { extractable: true })];
    const proof = async ({ publicKey, privateKey }: typeof one) =>
      await new SignJWT({ htm: "POST", htu: `${ISSUER}/oauth2/token`, iat: clock.now(), jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(publicKey) })
        .sign(privateKey);
    const ask = async (dpop?: string) => {
      const form = { grant_type: GRANT_TYPE.token_exchange, subject_token: access_token, subject_token_type: AT };
      const answer = await w.post("/oauth2/token", form, ["travel-agent", "travel-agent-secret"], dpop === undefined ? {} : { dpop });
      return { status: answer.status, ...((await answer.json()) as { readonly access_token: string }) };
    };
    const used = await proof(one);
    const tokens = [await ask(), await ask(used), await ask(await proof(other))].map(({ access_token: token }) => token);
    expect(new Set(tokens.map((token) => JSON.stringify(payloadOf(token).cnf))).size).toBe(3);
    expect((await ask(await proof(one))).access_token).toBe(tokens[1]);
    expect(lineOf(w).coalesced).toBe(true);
    expect(await ask(used)).toMatchObject({ status: 400, error: "invalid_dpop_proof" });
  });
});
