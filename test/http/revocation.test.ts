import { describe, expect, it } from "vitest";
import { familyCalls, stoppedClock } from "../faults.ts";
import { arrive, introspect, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const APP = "front-end-app";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CLIENTS = ["web-app", "back-end-api", "travel-agent", "hr-service", "orders-api", "billing-worker", "stranger"] as const;

const revoke = (w: World, client: string, token: string, extra: Record<string, string> = {}) => w.post("/oauth2/revoke", { token, ...extra }, [client, `${client}-secret`]);
const isActive = async (w: World, client: string, token: string) => (await introspect(w, client, token)).active;

/** Every answer to a revocation that is none of anybody's business. */
async function expectDone(answer: Response): Promise<void> {
  expect([answer.status, await answer.text(), answer.headers.get("cache-control")]).toEqual([200, "", "no-store"]);
}

/** An opaque token and a JWT of one client, of the same login. */
async function bothOf(w: World) {
  const first = await login(w, APP);
  const second = (await (await refresh(w, APP, first.refresh_token)).json()) as Tokens;
  return { first, second };
}

describe("revocation", () => {
  it("kills an access token at once, in one object call, and answers 200 without a body", async () => {
    const w = await world();
    const { first, second } = await bothOf(w);
    const calls = familyCalls();
    await expectDone(await revoke(w, APP, first.access_token));
    expect(calls).toHaveBeenCalledTimes(1);
    expect(await isActive(w, APP, first.access_token)).toBe(false);
    expect(await isActive(w, APP, second.access_token)).toBe(true);
    expect(await isActive(w, APP, second.refresh_token)).toBe(true);
  });

  it.each(["current", "rotated", "long rotated"])("REV-06 of a refresh token kills its grant, whichever generation is presented: the %s one", async (generation) => {
    const w = await world();
    const { first, second } = await bothOf(w);
    const third = (await (await refresh(w, APP, second.refresh_token)).json()) as Tokens;
    clock.forward(60);
    const presented = { current: third, rotated: second, "long rotated": first }[generation] ?? third;
    await expectDone(await revoke(w, APP, presented.refresh_token));
    for (const { access_token } of [first, second, third]) expect(await isActive(w, APP, access_token)).toBe(false);
    for (const { refresh_token } of [first, second, third]) expect(await isActive(w, APP, refresh_token)).toBe(false);
    expect((await refresh(w, APP, third.refresh_token)).status).toBe(400);
  });

  it("leaves the user's other logins and other applications alone", async () => {
    const w = await world();
    const one = await login(w, APP);
    const sameSession = await login(w, "travel-agent", { cookie: one.cookie });
    const otherLogin = await login(w, APP);
    await expectDone(await revoke(w, APP, one.refresh_token));
    expect(await isActive(w, APP, one.access_token)).toBe(false);
    expect(await isActive(w, "travel-agent", sameSession.access_token)).toBe(true);
    expect(await isActive(w, APP, otherLogin.access_token)).toBe(true);
    expect((await arrive(w, APP, { cookie: one.cookie, authorize: { prompt: "none" } })).code).not.toBe("");
  });

  it("REV-03 of another client's token changes nothing, and looks like that of an unknown one", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const opaque = await login(w, "mobile-app").then(async ({ refresh_token }) => (await (await refresh(w, "mobile-app", refresh_token)).json()) as Tokens);
    const headersOf = (answer: Response) => [...answer.headers].filter(([name]) => name !== "cambio-trace");
    for (const client of CLIENTS) {
      const unknown = headersOf(await revoke(w, client, "cambio_at_unknown"));
      for (const token of [tokens.access_token, tokens.refresh_token, tokens.id_token, opaque.access_token, opaque.refresh_token]) {
        const answer = await revoke(w, client, token);
        expect(headersOf(answer)).toEqual(unknown);
        await expectDone(answer);
      }
    }
    for (const token of [tokens.access_token, tokens.refresh_token]) expect(await isActive(w, APP, token)).toBe(true);
    expect(await isActive(w, "web-app", opaque.access_token)).toBe(true);
    expect((await refresh(w, "mobile-app", opaque.refresh_token)).status).toBe(200);
  });

  it("is done by a public client with its id alone, for its own tokens; by nobody without a client", async () => {
    const w = await world();
    const mobile = await login(w, "mobile-app");
    const frontEnd = await login(w, APP);
    const byMobile = (token: string) => w.post("/oauth2/revoke", { token, client_id: "mobile-app" });
    await expectDone(await byMobile(frontEnd.refresh_token));
    expect(await isActive(w, APP, frontEnd.refresh_token)).toBe(true);
    for (const answer of [await w.post("/oauth2/revoke", { token: mobile.refresh_token }), await w.post("/oauth2/revoke", { token: frontEnd.refresh_token, client_id: APP })]) {
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([401, "invalid_client"]);
    }
    await expectDone(await byMobile(mobile.refresh_token));
    expect((await refresh(w, "mobile-app", mobile.refresh_token)).status).toBe(400);
  });

  it("REV-05 of an ID token kills that leaf and nothing else; in the SAP dialect, what any token would", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    for (let turn = 0; turn < 2; turn++) await expectDone(await revoke(w, APP, tokens.id_token));
    for (const token of [tokens.access_token, tokens.refresh_token]) expect(await isActive(w, APP, token)).toBe(true);
    const sap = await login(w, "web-app");
    expect(await isActive(w, "web-app", sap.id_token)).toBe(true);
    await expectDone(await revoke(w, "web-app", sap.id_token));
    for (const token of [sap.id_token, sap.access_token, sap.refresh_token]) expect(await isActive(w, "web-app", token)).toBe(false);
  });

  it("REV-10 twice, and twenty at once, is 200 each time and dead each time", async () => {
    const w = await world();
    const { first, second } = await bothOf(w);
    for (let turn = 0; turn < 2; turn++) await expectDone(await revoke(w, APP, first.access_token));
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => revoke(w, APP, second.refresh_token)))) await expectDone(answer);
    for (const token of [first.access_token, second.access_token, second.refresh_token]) expect(await isActive(w, APP, token)).toBe(false);
  });

  it("REV-11 of a re-encoded text kills the token that it spells", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { accessTokenFormat: "opaque" } }) });
    const strayBits = (text: string) => text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.at(-1) ?? "") ^ 1];
    const prefix = "cambio_at_".length;
    const standardAlphabet = (text: string) => text.slice(0, prefix) + text.slice(prefix).replaceAll("-", "+").replaceAll("_", "/");
    const spellings: readonly ((token: string) => string)[] = [
      (token) => `${token}\n`,
      (token) => ` ${token} `,
      (token) => `${token}==`,
      (token) => strayBits(token),
      (token) => standardAlphabet(token),
    ];
    for (const spell of spellings) {
      const tokens = await login(w, APP);
      const jwt = await login(w, "travel-agent");
      for (const [client, token] of [
        [APP, tokens.access_token],
        [APP, tokens.refresh_token],
        ["travel-agent", jwt.access_token],
      ] as const) {
        await expectDone(await revoke(w, client, spell(token)));
        expect([spell(token), await isActive(w, client, token)]).toEqual([spell(token), false]);
      }
    }
  });

  it("REV-12 of a token that is cut short, longer or changed is 200, and the real one lives", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const opaque = await login(w, "web-app").then(async ({ refresh_token }) => (await (await refresh(w, "web-app", refresh_token)).json()) as Tokens);
    for (const [client, token] of [
      [APP, tokens.access_token],
      [APP, tokens.refresh_token],
      ["web-app", opaque.access_token],
      ["web-app", opaque.refresh_token],
    ] as const) {
      const changed = [
        token.slice(0, -1),
        token.slice(0, -2),
        token.slice(0, -3),
        token.slice(0, -20),
        token.slice(1),
        `${token}AAAA`,
        token + token,
        token.toUpperCase(),
        token.slice(0, 12),
      ];
      for (const text of changed) await expectDone(await revoke(w, client, text));
      expect(await isActive(w, client, token)).toBe(true);
    }
  });

  it("REV-13 is never done by GET, and knows no callback", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    for (const url of [`/oauth2/revoke?token=${access_token}`, `/oauth2/revoke?token=${access_token}&callback=alert&client_id=${APP}&client_secret=${APP}-secret`]) {
      const answer = await w.fetch(url);
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    }
    expect(await isActive(w, APP, access_token)).toBe(true);
    await expectDone(await revoke(w, APP, access_token, { callback: "alert" }));
    expect(await isActive(w, APP, access_token)).toBe(false);
  });

  it.each(["access_token", "refresh_token", "id_token", "saml2", "nonsense"])("does what it does whatever the token_type_hint: %s", async (token_type_hint) => {
    const w = await world();
    const { first, second } = await bothOf(w);
    await expectDone(await revoke(w, APP, first.access_token, { token_type_hint }));
    expect(await isActive(w, APP, first.access_token)).toBe(false);
    expect(await isActive(w, APP, second.access_token)).toBe(true);
    await expectDone(await revoke(w, APP, second.refresh_token, { token_type_hint }));
    expect(await isActive(w, APP, second.access_token)).toBe(false);
  });

  it("refuses a form without a token, or with two", async () => {
    const w = await world();
    for (const body of ["", "token=", "token=a&token=b"]) {
      const answer = await w.post("/oauth2/revoke", body, [APP, `${APP}-secret`]);
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_request"]);
    }
  });

  it("of a code, a cookie or a session reference does nothing to what they stand for", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const arrived = await arrive(w, APP, { cookie: tokens.cookie });
    const { sid } = await introspect(w, APP, tokens.access_token);
    for (const text of [arrived.code, tokens.cookie.split("=")[1] ?? "", String(sid)]) await expectDone(await revoke(w, APP, text));
    expect((await redeem(w, APP, arrived)).status).toBe(200);
    expect(await isActive(w, APP, tokens.access_token)).toBe(true);
  });

  it("of an expired token is 200, and asks nobody", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    clock.forward(300);
    const calls = familyCalls();
    await expectDone(await revoke(w, APP, access_token));
    expect(calls).not.toHaveBeenCalled();
  });
});
