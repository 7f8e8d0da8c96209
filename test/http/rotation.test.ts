import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { editTenant, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { exchange, login, refresh, type Tokens, type World, world } from "../world.ts";
import { begin, comeBack } from "./login-steps.ts";
import { asOperator, newSigningKey, newTokenKey, version } from "./operator-requests.ts";

const clock = stoppedClock();

const APP = "web-app";
const OLD = "web-app-secret";
const AT = TOKEN_TYPE.access_token;

/** One token of each kind, and a login that has begun and not come back. */
async function everything(w: World) {
  const { access_token: jwt, id_token, refresh_token } = await login(w, APP);
  const next = (await (await refresh(w, APP, refresh_token)).json()) as Tokens;
  const traded = await exchange(w, APP, { subject_token: jwt, subject_token_type: AT, token_format: "jwt" });
  expect([traded.status, traded.body.error_description]).toEqual([200, undefined]);
  return { tokens: [jwt, id_token, next.access_token, next.refresh_token, String(traded.body.access_token)], refresh: next.refresh_token, begun: await begin(w, APP) };
}

/** That all of it is as good as before. */
async function expectAllValid(w: World, { tokens, refresh: token, begun }: Awaited<ReturnType<typeof everything>>, secret = OLD): Promise<void> {
  const as = [APP, secret] as const;
  const seen = await Promise.all(tokens.map(async (one) => ((await (await w.post("/oauth2/introspect", { token: one }, as)).json()) as { active: boolean }).active));
  expect(seen).toEqual(tokens.map(() => true));
  expect((await w.post("/oauth2/token", { grant_type: "refresh_token", refresh_token: token }, as)).status).toBe(200);
  expect((await comeBack(w, begun)).headers.get("location")).toMatch(/[?&]code=/);
}

describe("no valid token dies, and no login that is under way, when there rotates", () => {
  it("a client's secret: both prove the client until the old one is retired", async () => {
    const hash = await sha256(OLD);
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { developmentSecret: undefined, secrets: [{ hash }] }) });
    const before = await everything(w);
    const { secret } = (await asOperator(w, "POST", `/clients/${APP}/secrets`)).body;
    const isLetIn = async (one: string) => (await w.post("/oauth2/revoke", "token=x", [APP, one])).status === 200;
    expect([await isLetIn(OLD), await isLetIn(secret)]).toEqual([true, true]);
    expect((await asOperator(w, "DELETE", `/clients/${APP}/secrets/${hash.slice(0, 12)}`)).status).toBe(200);
    expect([await isLetIn(OLD), await isLetIn(secret)]).toEqual([false, true]);
    await expectAllValid(w, before, secret);
  });

  it("our secret at an IdP: put under a new name, named by the tenant file, used from then on", async () => {
    const w = await world();
    const before = await everything(w);
    const fresh = await version(w, { CORP2_CLIENT_SECRET: "the-new-secret" });
    await editTenant(w, ({ identityProviders }) => Object.assign(identityProviders.corp ?? {}, { clientSecretName: "CORP2_CLIENT_SECRET" }));
    clock.forward(10);
    const presented: string[] = [];
    w.idp.scripts.token = (request) => {
      presented.push(atob((request.headers.get("authorization") ?? "").replace("Basic ", "")));
      return undefined;
    };
    await expectAllValid(fresh, before);
    expect(presented).toEqual([expect.stringContaining(":the-new-secret")]);
    // Then the old one can go.
    expect((await login(await version(fresh, { CORP_CLIENT_SECRET: undefined, CORP2_CLIENT_SECRET: "the-new-secret" }), APP)).access_token).toBeDefined();
  });

  it.each([
    ["signing", "SIGNING_KEY_7", () => newSigningKey()],
    ["token", "TOKEN_KEY_7", async () => newTokenKey()],
  ] as const)("a %s key: registered, promoted, and the old one retired when nothing needs it, and not before", async (kind, name, make) => {
    const w = await world();
    const secret = await make();
    const fresh = await version(w, { [name]: secret });
    expect((await asOperator(fresh, "POST", "/keys/register")).status).toBe(200);
    clock.forward(310);
    const before = await everything(w);
    expect((await asOperator(fresh, "POST", `/keys/${kind}/7/promote`)).status).toBe(200);
    clock.forward(10);
    expect((await asOperator(fresh, "POST", `/keys/${kind}/1/retire`)).status).toBe(409);
    await expectAllValid(fresh, before);
    const { body } = await asOperator(fresh, "GET", "/keys");
    const former = body.keys.find((key: { kind: string; number: number }) => key.kind === kind && key.number === 1);
    expect(former).toMatchObject({ role: "previous", retirableFrom: expect.any(Number) });
    // What is made from now on needs the old key no more: it outlives it.
    clock.forward(former.retirableFrom - clock.now() - 60);
    const after = await everything(fresh);
    clock.forward(60);
    expect((await asOperator(fresh, "POST", `/keys/${kind}/1/retire`)).status).toBe(200);
    clock.forward(10);
    await expectAllValid(await version(fresh, { [name.replace("7", "1")]: undefined, [name]: secret }), after);
  });
});

describe("two versions of the Worker at once, of which one lacks the new token key", () => {
  it("make tokens by the keys that they have; what the other made is judged by who can, and 503 where nobody can tell", async () => {
    const old = await world();
    const fresh = await version(old, { TOKEN_KEY_7: newTokenKey() });
    await asOperator(fresh, "POST", "/keys/register");
    clock.forward(310);
    const before = await everything(old);
    expect((await asOperator(fresh, "POST", "/keys/token/7/promote")).status).toBe(200);
    clock.forward(10);
    const [byOld, byFresh] = [await everything(old), await everything(fresh)];
    const as = [APP, OLD] as const;
    for (const token of [...before.tokens, ...byOld.tokens]) {
      for (const w of [old, fresh]) expect(await (await w.post("/oauth2/introspect", { token }, as)).json()).toMatchObject({ active: true });
    }
    for (const token of byFresh.tokens) {
      expect(await (await fresh.post("/oauth2/introspect", { token }, as)).json()).toMatchObject({ active: true });
      for (const path of ["/oauth2/introspect", "/oauth2/revoke"]) expect(await outcomeOf(await old.post(path, { token }, as))).toEqual(UNAVAILABLE);
    }
    expect(await outcomeOf(await refresh(old, APP, byFresh.refresh))).toEqual(UNAVAILABLE);
    await expectAllValid(fresh, byFresh);
  });
});
