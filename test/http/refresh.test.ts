import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, familyCalls } from "../faults.ts";
import { introspect, login, refresh, type Tokens, type World, world } from "../world.ts";
import { onHttps } from "./login-steps.ts";

beforeEach(reset);
afterEach(() => void vi.restoreAllMocks());

const REFUSED = { error: "invalid_grant", error_description: "The refresh token is invalid, expired or revoked, or was issued to another client." };

async function renewed(w: World, token: string, extra: Record<string, string> = {}): Promise<Tokens> {
  const answer = await refresh(w, "front-end-app", token, extra);
  expect(answer.status).toBe(200);
  return await answer.json();
}

async function expectRefused(answer: Response): Promise<void> {
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual(REFUSED);
  expect(answer.headers.get("cache-control")).toBe("no-store");
}

/** Strict, so that whatever used the token up could not be undone. */
const strictly = () => world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { refreshRetry: "strict" } }) });

describe("a refresh token", () => {
  it("gives a new access token, ID token and refresh token, in one object call", async () => {
    const w = await world();
    const first = await login(w, "front-end-app");
    const calls = familyCalls();
    const next = await renewed(w, first.refresh_token);
    expect(calls).toHaveBeenCalledTimes(1);
    expect(next).toMatchObject({ token_type: "Bearer", expires_in: 300, scope: "openid profile email groups" });
    expect(next.refresh_token).not.toBe(first.refresh_token);
    expect(await introspect(w, "front-end-app", next.access_token)).toMatchObject({ active: true });
    await renewed(w, next.refresh_token);
  });

  it("RT-01 belongs to its client: another client's attempt is refused and changes nothing", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, "front-end-app");
    await expectRefused(await refresh(w, "web-app", refresh_token));
    await expectRefused(await refresh(w, "mobile-app", refresh_token));
    await renewed(w, refresh_token);
  });

  it("RT-02 is worth nothing to a confidential client that does not authenticate, or not rightly", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, "front-end-app");
    const form = { grant_type: "refresh_token", refresh_token };
    for (const [extra, as] of [[{}], [{ client_id: "front-end-app" }], [{}, ["front-end-app", "wrong"]], [{ client_id: "front-end-app", client_secret: "wrong" }]] as const) {
      const answer = await w.post("/oauth2/token", { ...form, ...extra }, as);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ error: "invalid_client" });
    }
    await renewed(w, refresh_token);
  });

  it("RT-05 reused inside the window by another client is refused, and the owner's successor lives", async () => {
    const w = await world();
    const first = await login(w, "front-end-app");
    const next = await renewed(w, first.refresh_token);
    await expectRefused(await refresh(w, "web-app", first.refresh_token));
    await renewed(w, next.refresh_token);
  });

  it("RT-06 two generations old is reuse even inside the window: the grant and all of its tokens die", async () => {
    const w = await world();
    const first = await login(w, "front-end-app");
    const second = await renewed(w, first.refresh_token);
    const third = await renewed(w, second.refresh_token);
    await expectRefused(await refresh(w, "front-end-app", first.refresh_token));
    await expectRefused(await refresh(w, "front-end-app", third.refresh_token));
    for (const { access_token } of [first, second, third]) expect(await introspect(w, "front-end-app", access_token)).toEqual({ active: false });
    expect(w.lines.some((line) => line.includes("refresh_reused"))).toBe(true);
  });

  it("RT-07 takes no wider scope than was granted, narrows, and gives the original scope again", async () => {
    const w = await strictly();
    const first = await login(w, "front-end-app", { scope: "openid email" });
    const wider = await refresh(w, "front-end-app", first.refresh_token, { scope: "openid email profile" });
    expect(wider.status).toBe(400);
    expect(await wider.json()).toMatchObject({ error: "invalid_scope" });
    const narrow = await renewed(w, first.refresh_token, { scope: "email" });
    expect(narrow.scope).toBe("email");
    expect(narrow).not.toHaveProperty("id_token");
    expect(await introspect(w, "front-end-app", narrow.access_token)).toMatchObject({ active: true, scope: "email" });
    expect((await renewed(w, narrow.refresh_token)).scope).toBe("openid email");
  });

  it("RT-15 changed in any way is no token: refused before any object is asked, and the real one still works", async () => {
    const w = await strictly();
    const { refresh_token: token } = await login(w, "front-end-app");
    const changed = {
      "with its last character cut off": token.slice(0, -1),
      "with its last four characters cut off": token.slice(0, -4),
      "with a character more": `${token}A`,
      "with padding": `${token}==`,
      "with a newline": `${token}\n`,
      "with a space before it": ` ${token}`,
      "in lower case": token.toLowerCase(),
      "with the prefix in upper case": token.replace("cambio_rt_", "CAMBIO_RT_"),
      "without its prefix": token.replace("cambio_rt_", ""),
      "with the prefix of an access token": token.replace("_rt_", "_at_"),
      "with the prefix of a code": token.replace("_rt_", "_code_"),
      "with stray bits at its end": strayBits(token),
      "of a newer version": flipped(token, 0),
      "with another key number": flipped(token, 2),
      "with another family": flipped(token, 10),
      "with another parent": flipped(token, 40),
      "with another grant": flipped(token, 55),
      "with another generation": flipped(token, 70),
      "with another secret": flipped(token, 80),
      "with another MAC": flipped(token, 90),
      "twice in a row": token + token,
    };
    const calls = familyCalls();
    for (const [name, text] of Object.entries(changed)) {
      const answer = await refresh(w, "front-end-app", text);
      expect([name, answer.status, await answer.json()]).toEqual([name, 400, REFUSED]);
    }
    expect(calls).not.toHaveBeenCalled();
    await renewed(w, token);
  });

  it("is no other kind of token: codes, access tokens, ID tokens and cookies are refused in its place", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { accessTokenFormat: "opaque" } }) });
    const tokens = await login(w, "front-end-app");
    const cookie = tokens.cookie.split("=")[1] ?? "";
    expect(tokens.access_token).toMatch(/^cambio_at_/);
    expect(cookie).toMatch(/^cambio_session_/);
    for (const other of [tokens.access_token, tokens.id_token, cookie]) await expectRefused(await refresh(w, "front-end-app", other));
    await renewed(w, tokens.refresh_token);
  });

  it("RT-16 takes no target outside the original grant; the client itself is one", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, "front-end-app");
    for (const extra of [{ resource: "https://orders.example.com" }, { audience: "back-end-api" }, { resource: "https://nowhere.example.com" }]) {
      const answer = await refresh(w, "front-end-app", refresh_token, extra);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: "invalid_target" });
    }
    await renewed(w, refresh_token, { audience: "front-end-app" });
  });

  it("RT-20 leaves the access tokens before it alive until they expire", async () => {
    const w = await world();
    const first = await login(w, "front-end-app");
    const second = await renewed(w, first.refresh_token);
    await renewed(w, second.refresh_token);
    for (const { access_token } of [first, second]) expect(await introspect(w, "front-end-app", access_token)).toMatchObject({ active: true });
    for (const { access_token } of [first, second]) expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${access_token}` } })).status).toBe(200);
  });

  it("RT-20 leaves the very first tokens alive after thirty refreshes, and revocable, in every format", async () => {
    for (const accessTokenFormat of ["jwt", "opaque"]) {
      const w = await world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { tokenPolicy: { accessTokenFormat } }) });
      const first = await login(w, "front-end-app");
      const all = [first];
      while (all.length <= 30) all.push({ ...first, ...(await renewed(w, all.at(-1)?.refresh_token ?? "")) });
      for (const { access_token } of all) expect((await introspect(w, "front-end-app", access_token)).active).toBe(true);
      await w.post("/oauth2/revoke", { token: first.access_token }, ["front-end-app", "front-end-app-secret"]);
      for (const { access_token } of all) expect((await introspect(w, "front-end-app", access_token)).active).toBe(access_token !== first.access_token);
    }
  });

  it("of another tenant is no token here, though both share their keys", async () => {
    const elsewhere = await world(onHttps());
    const { refresh_token } = await login(elsewhere, "front-end-app");
    const w = await world();
    const calls = familyCalls();
    await expectRefused(await refresh(w, "front-end-app", refresh_token));
    expect(calls).not.toHaveBeenCalled();
    expect((await refresh(elsewhere, "front-end-app", refresh_token)).status).toBe(200);
  });

  it.each(["/oauth2/token", "/oauth/token"])("RT-21 is never read from the URL of %s, in no dialect", async (path) => {
    const w = await strictly();
    for (const app of ["front-end-app", "web-app"] as const) {
      const { refresh_token } = await login(w, app);
      const answer = await w.post(`${path}?refresh_token=${refresh_token}`, { grant_type: "refresh_token" }, [app, `${app}-secret`]);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: "invalid_request" });
      expect((await refresh(w, app, refresh_token)).status).toBe(200);
    }
  });

  it("is required, and once", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, "front-end-app");
    for (const body of [
      "grant_type=refresh_token",
      "grant_type=refresh_token&refresh_token=",
      `grant_type=refresh_token&refresh_token=${refresh_token}&refresh_token=${refresh_token}`,
    ]) {
      const answer = await w.post("/oauth2/token", body, ["front-end-app", "front-end-app-secret"]);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ error: "invalid_request" });
    }
    await renewed(w, refresh_token);
  });

  it("is refused to a client whose record has lost the grant", async () => {
    const w = await strictly();
    const { refresh_token } = await login(w, "front-end-app");
    await editTenant(w, (file) => Object.assign(file.clients["front-end-app"] ?? {}, { grants: ["authorization_code"] }));
    const answer = await refresh(w, "front-end-app", refresh_token);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "unauthorized_client" });
    await editTenant(w, (file) => Object.assign(file.clients["front-end-app"] ?? {}, { grants: ["authorization_code", "refresh_token"] }));
    await renewed(w, refresh_token);
  });

  it("lives beside that of another device of the same user: reuse on one leaves the other alone", async () => {
    const w = await world();
    const phone = await login(w, "front-end-app");
    const laptop = await login(w, "front-end-app");
    const next = await renewed(w, phone.refresh_token);
    await renewed(w, next.refresh_token);
    await expectRefused(await refresh(w, "front-end-app", phone.refresh_token));
    await renewed(w, laptop.refresh_token);
  });
});

/** Changes one bit of one byte of a token. */
function flipped(token: string, byte: number): string {
  const [, prefix = "", body = ""] = /^(cambio_rt_)(.*)$/.exec(token) ?? [];
  const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  bytes[byte] = (bytes[byte] ?? 0) ^ 1;
  return (
    prefix +
    btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  );
}

/** Another spelling of the same bytes: the last character carries bits that no byte needs. */
function strayBits(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? "") ^ 1];
}
