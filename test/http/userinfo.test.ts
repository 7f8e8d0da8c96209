import { describe, expect, it } from "vitest";
import { anotherIsolate, editTenant, familyCalls, stoppedClock } from "../faults.ts";
import { arrive, introspect, login, payloadOf, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

const APP = "front-end-app";
const PATH = "/oauth2/userinfo";

const ask = (w: World, token: string, method = "GET") => w.fetch(PATH, { method, headers: { authorization: `Bearer ${token}` } });

async function expectInvalid(answer: Response): Promise<void> {
  expect(answer.status).toBe(401);
  expect(await answer.json()).toEqual({ error: "invalid_token", error_description: "The access token is invalid, expired or revoked." });
  expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="cambio", error="invalid_token", error_description="The access token is invalid, expired or revoked."');
}

describe("userinfo", () => {
  it.each(["GET", "POST"])("tells by %s what the scope of the access token asks for", async (method) => {
    const w = await world();
    const { access_token, id_token } = await login(w, APP);
    const calls = familyCalls();
    const answer = await ask(w, access_token, method);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      sub: payloadOf(id_token).sub,
      email: "dona.moore@example.com",
      email_verified: true,
      name: "Dona Moore",
      given_name: "Dona",
      family_name: "Moore",
      preferred_username: "dona.moore",
      idp: "corp",
      groups: ["employees", "travel-bookers"],
    });
    expect(calls).toHaveBeenCalledTimes(1);
  });

  it("tells no more than the scope, and to SAP's clients by SAP's names too", async () => {
    const w = await world();
    const narrow = await login(w, APP, { scope: "openid" });
    expect(Object.keys((await (await ask(w, narrow.access_token)).json()) as object)).toEqual(["sub"]);
    const sap = await login(w, "web-app", { scope: "openid email" });
    const seen = (await (await ask(w, sap.access_token)).json()) as Record<string, unknown>;
    expect(seen).toMatchObject({ user_uuid: seen.sub, mail: "dona.moore@example.com" });
    expect(seen).not.toHaveProperty("first_name");
  });

  it("takes opaque access tokens like JWTs", async () => {
    const w = await world();
    const { refresh_token } = await login(w, "web-app");
    const { access_token } = (await (await refresh(w, "web-app", refresh_token)).json()) as Tokens;
    expect(access_token).toMatch(/^cambio_at_/);
    expect((await ask(w, access_token)).status).toBe(200);
  });

  it("takes the token in the form of a POST", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    expect((await w.post(PATH, { access_token })).status).toBe(200);
    expect((await w.post(PATH, "", undefined, { authorization: `Bearer ${access_token}` })).status).toBe(200);
  });

  it("refuses the token in the URL, alone, with a good one in the header, and with one in the form", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    const url = `${PATH}?access_token=${access_token}`;
    const answers = [await w.fetch(url), await w.fetch(url, { headers: { authorization: `Bearer ${access_token}` } }), await w.post(url, ""), await w.post(url, { access_token })];
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: "invalid_request" });
    }
  });

  it("refuses two tokens in one request", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    for (const body of [`access_token=${access_token}`, "access_token=other"]) {
      const answer = await w.post(PATH, body, undefined, { authorization: `Bearer ${access_token}` });
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, "invalid_request"]);
    }
    expect((await w.post(PATH, `access_token=${access_token}&access_token=${access_token}`)).status).toBe(400);
  });

  it("challenges whoever presents nothing, without an error code (RFC 6750 section 3.1)", async () => {
    const w = await world();
    for (const answer of [await w.fetch(PATH), await w.fetch(PATH, { method: "POST" }), await w.post(PATH, ""), await w.post(PATH, "access_token=")]) {
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="cambio"']);
      await answer.text();
    }
  });

  it.each(["Bearer", "Bearer ", "Bearer a b", "Bearer é", "Basic d2ViLWFwcDp4", "DPoP abc", "bearer:abc", "Token abc", "Bearer abc, Bearer def"])(
    "finds no token in '%s'",
    async (authorization) => {
      const w = await world();
      const answer = await w.fetch(PATH, { headers: { authorization: encodeURI(authorization).replaceAll("%20", " ") } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    },
  );

  it("takes the scheme in any letters", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    for (const scheme of ["bearer", "BEARER"]) expect((await w.fetch(PATH, { headers: { authorization: `${scheme} ${access_token}` } })).status).toBe(200);
  });

  it("refuses every other kind of token", async () => {
    const w = await world();
    const tokens = await login(w, APP);
    const { code } = await arrive(w, APP, { cookie: tokens.cookie });
    const { sid } = await introspect(w, APP, tokens.access_token);
    const cookie = tokens.cookie.split("=")[1] ?? "";
    for (const token of [tokens.id_token, tokens.refresh_token, code, String(sid), cookie, "junk"]) await expectInvalid(await ask(w, token));
    expect((await ask(w, tokens.access_token)).status).toBe(200);
  });

  it("refuses a token without the scope openid, and one that stands for no user, as insufficient", async () => {
    const w = await world();
    const { access_token } = await login(w, APP, { scope: "email" });
    const service = await w.post("/oauth2/token", { grant_type: "client_credentials" }, ["billing-worker", "billing-worker-secret"]);
    for (const token of [access_token, ((await service.json()) as Tokens).access_token]) {
      const answer = await ask(w, token);
      expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([403, "insufficient_scope"]);
      expect(answer.headers.get("www-authenticate")).toContain('error="insufficient_scope"');
    }
  });

  it("refuses a token at once when it is revoked, here and elsewhere, whatever was asked a moment ago", async () => {
    const w = await world({ tenant: (file) => Object.assign(file, { consistency: "eventual" }) && Object.assign(file.clients[APP], { consistency: "eventual" }) });
    const { access_token } = await login(w, APP);
    const other = await anotherIsolate(w);
    for (const isolate of [w, other]) {
      await introspect(isolate, APP, access_token);
      expect((await ask(isolate, access_token)).status).toBe(200);
    }
    await w.post("/oauth2/revoke", { token: access_token }, [APP, `${APP}-secret`]);
    for (const isolate of [w, other]) await expectInvalid(await ask(isolate, access_token));
  });

  it("refuses a token that has expired", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    clock.forward(300);
    await expectInvalid(await ask(w, access_token));
  });

  it("lets scripts of the origins that the client declares read the answer, without credentials", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    const from = (origin: string) => w.fetch(PATH, { headers: { authorization: `Bearer ${access_token}`, origin } });
    expect((await from("https://app.example.com")).headers.has("access-control-allow-origin")).toBe(false);
    await editTenant(w, (file) => Object.assign(file.clients[APP] ?? {}, { corsOrigins: ["https://app.example.com"] }));
    const answer = await from("https://app.example.com");
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    expect(answer.headers.get("vary")).toContain("Origin");
    expect((await from("https://evil.example.com")).headers.has("access-control-allow-origin")).toBe(false);
  });
});
