import { describe, expect, it } from "vitest";
import { editTenant, familyCalls, stoppedClock } from "../faults.ts";
import { arrive, introspect, login, refresh, type Tokens, type World, world } from "../world.ts";
import { onHttps } from "./login-steps.ts";

const clock = stoppedClock();

const INACTIVE = '{"active":false}';
const CLIENTS = ["web-app", "front-end-app", "back-end-api", "travel-agent", "hr-service", "orders-api", "billing-worker", "stranger"];

const ask = (w: World, client: string, form: Record<string, string> | string, headers: Record<string, string> = {}) =>
  w.post("/oauth2/introspect", form, [client, `${client}-secret`], headers);

/** The opaque token that the demo's mobile app hands over. */
async function handedOver(w: World, refreshToken: string): Promise<string> {
  const answer = await refresh(w, "mobile-app", refreshToken);
  return ((await answer.json()) as Tokens).access_token;
}

describe("introspection", () => {
  it("says what a JWT access token says, to its client", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const seen = await introspect(w, "front-end-app", access_token);
    expect(seen).toMatchObject({
      active: true,
      iss: "http://localhost:8787",
      aud: "front-end-app",
      client_id: "front-end-app",
      token_type: "Bearer",
      scope: "openid profile email groups",
      username: "dona.moore",
      email: "dona.moore@example.com",
      iat: clock.now(),
      exp: clock.now() + 300,
      cambio_consistency: "strong",
      cambio_checked_at: clock.now(),
    });
    expect(seen).not.toHaveProperty("lin");
  });

  it("answers with no-store, as JSON, and the same by GET is refused", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const answer = await ask(w, "front-end-app", { token: access_token });
    expect(Object.fromEntries(answer.headers)).toMatchObject({ "cache-control": "no-store", "content-type": "application/json", "x-content-type-options": "nosniff" });
    const byGet = await w.fetch(`/oauth2/introspect?token=${access_token}`);
    expect(byGet.status).toBe(405);
    const inUrl = await w.post(`/oauth2/introspect?token=${access_token}`, {}, ["front-end-app", "front-end-app-secret"]);
    expect(inUrl.status).toBe(400);
  });

  it("INT-03 gives one answer, byte for byte, for everything that is not active", async () => {
    const w = await world();
    const revoked = await login(w, "front-end-app");
    await w.post("/oauth2/revoke", { token: revoked.access_token }, ["front-end-app", "front-end-app-secret"]);
    const live = await login(w, "travel-agent");
    const rotated = await login(w, "front-end-app");
    await refresh(w, "front-end-app", rotated.refresh_token);
    const next = (await (await refresh(w, "front-end-app", rotated.refresh_token)).json()) as Tokens;
    await refresh(w, "front-end-app", next.refresh_token);
    const elsewhere = await world(onHttps("https://id.example.com"));
    const foreign = await login(elsewhere, "front-end-app");
    const causes = {
      malformed: "junk",
      "one character": "x",
      "not a token of ours": "cambio_at_AAAA",
      revoked: revoked.access_token,
      "rotated out": rotated.refresh_token,
      "not for the caller": live.access_token,
      "a refresh token of another client": live.refresh_token,
      "of another tenant": foreign.access_token,
      "a refresh token of another tenant": foreign.refresh_token,
      "cut short": live.access_token.slice(0, -1),
    };
    for (const [cause, token] of Object.entries(causes)) {
      const answer = await ask(w, "front-end-app", { token });
      const headers = [...answer.headers].filter(([name]) => name !== "cambio-trace");
      expect([cause, answer.status, await answer.text(), headers]).toEqual([
        cause,
        200,
        INACTIVE,
        [...(await ask(w, "front-end-app", { token: "unknown" })).headers].filter(([name]) => name !== "cambio-trace"),
      ]);
    }
    expect(await introspect(elsewhere, "front-end-app", foreign.access_token)).toMatchObject({ active: true });
  });

  it("INT-04 tells nothing of a token to a client that it is not for", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    for (const client of CLIENTS) expect((await introspect(w, client, access_token)).active, client).toBe(client === "front-end-app");
  });

  it.each(["", "token=", "token=a&token=b", "other=x"])("INT-07 refuses a form of '%s'", async (form) => {
    const w = await world();
    const answer = await ask(w, "web-app", form);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_request" });
  });

  it("INT-08 does not mind a wrong token_type_hint, of any kind of token", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const opaque = await refresh(w, "web-app", tokens.refresh_token).then((answer) => answer.json() as Promise<Tokens>);
    for (const token of [tokens.access_token, opaque.access_token, opaque.refresh_token, tokens.id_token, "junk"]) {
      const without = await introspect(w, "web-app", token);
      for (const token_type_hint of ["access_token", "refresh_token", "id_token", "saml2", "nonsense", "../../etc"]) {
        expect(await introspect(w, "web-app", token, { token_type_hint })).toEqual(without);
      }
    }
  });

  it("INT-15 shows a refresh token to its own client only", async () => {
    const w = await world();
    const mobile = await login(w, "mobile-app");
    const web = await login(w, "web-app");
    for (const client of CLIENTS) expect(await introspect(w, client, mobile.refresh_token), client).toEqual({ active: false });
    for (const client of CLIENTS) expect((await introspect(w, client, web.refresh_token)).active, client).toBe(client === "web-app");
    expect(await introspect(w, "web-app", web.refresh_token)).toMatchObject({ client_id: "web-app", username: "dona.moore", scope: "openid profile email groups" });
    expect(await introspect(w, "web-app", web.refresh_token)).not.toHaveProperty("token_type");
  });

  it("INT-16 finds codes, session cookies, session references and its own signed answers inactive", async () => {
    const w = await world();
    const tokens = await login(w, "front-end-app");
    const { code } = await arrive(w, "front-end-app", { cookie: tokens.cookie });
    const { sid } = await introspect(w, "front-end-app", tokens.access_token);
    const signed = await ask(w, "front-end-app", { token: tokens.access_token }, { accept: "application/token-introspection+jwt" });
    const cookie = tokens.cookie.split("=")[1] ?? "";
    expect([code.slice(0, 12), String(sid).slice(0, 11), cookie.slice(0, 15)]).toEqual(["cambio_code_", "cambio_sid_", "cambio_session_"]);
    for (const token of [code, String(sid), cookie, await signed.text()]) expect(await introspect(w, "front-end-app", token)).toEqual({ active: false });
  });

  // INT-16 would have every ID token inactive; design.md (section 9) lets a client of the SAP dialect introspect one that is for it.
  it("shows an ID token in the SAP dialect only, and only to a client in its audience", async () => {
    const w = await world();
    const web = await login(w, "web-app");
    const mobile = await login(w, "mobile-app");
    const frontEnd = await login(w, "front-end-app");
    expect(await introspect(w, "web-app", web.id_token)).toMatchObject({ active: true, aud: "web-app", username: "dona.moore" });
    expect(await introspect(w, "web-app", web.id_token)).not.toHaveProperty("token_type");
    expect(await introspect(w, "web-app", mobile.id_token)).toEqual({ active: false });
    expect(await introspect(w, "front-end-app", frontEnd.id_token)).toEqual({ active: false });
  });

  it("INT-20 shows of the user what the token's scope asks for, and no more", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app", { scope: "openid email" });
    const seen = await introspect(w, "web-app", await handedOver(w, tokens.refresh_token));
    expect(seen).toMatchObject({ scope: "openid email", email: "dona.moore@example.com", mail: "dona.moore@example.com" });
    for (const name of ["name", "given_name", "family_name", "first_name", "last_name", "groups"]) expect(seen).not.toHaveProperty(name);
  });

  it("INT-22 refuses a body of 300 KB, and finds a token of 60 KB inactive without asking anyone", async () => {
    const w = await world();
    const calls = familyCalls();
    expect((await ask(w, "web-app", { token: "a".repeat(300_000) })).status).toBe(413);
    for (const token of ["a".repeat(60_000), `cambio_at_${"A".repeat(60_000)}`, `${"a".repeat(20_000)}.${"a".repeat(20_000)}.${"a".repeat(20_000)}`]) {
      expect(await introspect(w, "web-app", token)).toEqual({ active: false });
    }
    expect(calls).not.toHaveBeenCalled();
  });
});

describe("who may introspect", () => {
  it("is no public client, and no client whose record forbids it, whatever the token", async () => {
    const w = await world();
    const { access_token } = await login(w, "mobile-app");
    const web = await login(w, "web-app");
    await editTenant(w, (file) => Object.assign(file.clients["web-app"] ?? {}, { introspection: false }));
    const answers = [
      await w.post("/oauth2/introspect", { token: access_token, client_id: "mobile-app" }),
      await w.post("/oauth2/introspect", { token: "junk", client_id: "mobile-app" }),
      await ask(w, "web-app", { token: web.access_token }),
      await ask(w, "web-app", { token: "junk" }),
    ];
    for (const answer of answers) expect([answer.status, await answer.json()]).toEqual([403, { error: "access_denied", error_description: "This client may not introspect." }]);
  });

  it("authenticates: nobody, a stranger to us, and a wrong secret are 401, and learn nothing of the token", async () => {
    const w = await world();
    const { access_token } = await login(w, "front-end-app");
    const bodies = [];
    for (const token of [access_token, "junk"]) {
      for (const as of [undefined, ["front-end-app", "wrong"], ["nobody", "front-end-app-secret"], ["mobile-app", "x"]] as const) {
        const answer = await w.post("/oauth2/introspect", { token }, as);
        expect(answer.status).toBe(401);
        bodies.push(await answer.text());
      }
      const byToken = await w.post("/oauth2/introspect", { token }, undefined, { authorization: `Bearer ${access_token}` });
      expect(byToken.status).toBe(401);
    }
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("a hand-off", () => {
  it("shows an opaque access token to the clients that its client trusts, and to no other", async () => {
    const w = await world();
    const opaque = await handedOver(w, (await login(w, "mobile-app")).refresh_token);
    for (const client of CLIENTS) expect((await introspect(w, client, opaque)).active, client).toBe(client === "web-app");
  });

  it("does not reach JWT access tokens, ID tokens and refresh tokens of the trusting client", async () => {
    const w = await world();
    const tokens = await login(w, "mobile-app");
    for (const token of [tokens.access_token, tokens.id_token, tokens.refresh_token]) expect(await introspect(w, "web-app", token)).toEqual({ active: false });
  });

  it("is one-way: the trusting client sees nothing of the trusted one's", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { trustedForHandoff: ["front-end-app"] }) });
    const web = await login(w, "web-app");
    const frontEnd = await login(w, "front-end-app");
    const opaque = (await (await refresh(w, "web-app", web.refresh_token)).json()) as Tokens;
    expect(await introspect(w, "front-end-app", opaque.access_token)).toMatchObject({ active: true, client_id: "web-app" });
    expect(await introspect(w, "web-app", frontEnd.access_token)).toEqual({ active: false });
  });

  it("ends when the trust does", async () => {
    const w = await world();
    const opaque = await handedOver(w, (await login(w, "mobile-app")).refresh_token);
    expect(await introspect(w, "web-app", opaque)).toMatchObject({ active: true });
    await editTenant(w, (file) => Object.assign(file.clients["mobile-app"] ?? {}, { trustedForHandoff: [] }));
    expect(await introspect(w, "web-app", opaque)).toEqual({ active: false });
  });
});
