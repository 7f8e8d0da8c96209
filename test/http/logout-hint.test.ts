import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { editTenant, stopClock } from "../faults.ts";
import { login, payloadOf, type World, world } from "../world.ts";
import { authorize, begin, comeBack, onHttps, sentTo } from "./login-steps.ts";

const HOME = "http://localhost:8789/";

beforeEach(reset);
afterEach(() => void vi.useRealTimers());

async function logout(w: World, parameters: Record<string, string>, cookie = ""): Promise<Response> {
  return await w.fetch(`/oauth2/logout?${new URLSearchParams(parameters)}`, { headers: { cookie } });
}

function headerOf(jwt: string): { alg: string; kid: string; typ: string } {
  return JSON.parse(atob((jwt.split(".")[0] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}

/** No redirect, no cookie taken away, and the session goes on. */
async function expectNoLogout(w: World, answer: Response, cookie: string): Promise<void> {
  expect(answer.status).toBe(400);
  expect(answer.headers.get("location")).toBeNull();
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(sentTo(await authorize(w, "web-app", { prompt: "none" }, cookie)).get("code")).not.toBeNull();
}

describe("AZ-35 an id_token_hint", () => {
  it("with alg none, of another signer, or of our key in another's name logs nobody out", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const claims = payloadOf(tokens.id_token);
    const { kid } = headerOf(tokens.id_token);
    const [header = "", payload = "", signature = ""] = tokens.id_token.split(".");
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const publicJwk = await exportJWK(privateKey);
    const sign = (protectedHeader: Record<string, unknown>, key: CryptoKey | Uint8Array = privateKey) =>
      new SignJWT(claims).setProtectedHeader({ alg: "ES256", ...protectedHeader }).sign(key);
    const certs = (await (await w.fetch("/oauth2/certs")).json()) as { keys: Record<string, string>[] };
    const ours = certs.keys.find((key) => key.kid === kid) ?? {};
    const hints = {
      "alg none": new UnsecuredJWT(claims).encode(),
      "alg none with our header's kid": `${btoa(JSON.stringify({ alg: "none", kid, typ: "JWT" })).replaceAll("=", "")}.${payload}.${signature}`,
      "no signature": `${header}.${payload}.`,
      "another's signature": `${header}.${payload}.${(await sign({ kid, typ: "JWT" })).split(".")[2]}`,
      "another's key, our kid": await sign({ kid, typ: "JWT" }),
      "another's key, in the header": await sign({ kid, typ: "JWT", jwk: { ...publicJwk, d: undefined } }),
      "HMAC with our public key": await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid, typ: "JWT" }).sign(new TextEncoder().encode(JSON.stringify(ours))),
      "a changed claim": `${header}.${btoa(JSON.stringify({ ...claims, azp: "front-end-app" }))
        .replaceAll("=", "")
        .replaceAll("+", "-")
        .replaceAll("/", "_")}.${signature}`,
      "the IdP's ID token": await w.idp.sign(claims, { kid, typ: "JWT" }),
      "an access token": tokens.access_token,
      "a refresh token": tokens.refresh_token,
      junk: "x",
      "10 KB of junk": "x".repeat(10_000),
    };
    for (const hint of Object.values(hints)) await expectNoLogout(w, await logout(w, { id_token_hint: hint, post_logout_redirect_uri: HOME }, tokens.cookie), tokens.cookie);
    expect((await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: HOME }, tokens.cookie)).status).toBe(303);
  });

  it("of another client than the request names logs nobody out", async () => {
    const w = await world();
    const web = await login(w, "web-app");
    await expectNoLogout(w, await logout(w, { id_token_hint: web.id_token, client_id: "front-end-app", post_logout_redirect_uri: HOME }, web.cookie), web.cookie);
    await expectNoLogout(w, await logout(w, { id_token_hint: web.id_token, client_id: "nobody" }, web.cookie), web.cookie);
    expect((await logout(w, { id_token_hint: web.id_token, client_id: "web-app", post_logout_redirect_uri: HOME }, web.cookie)).status).toBe(303);
  });

  it("of another tenant logs nobody out, whichever key signed it", async () => {
    const w = await world();
    const mine = await login(w, "web-app");
    const other = await world(onHttps("https://other.example.com"));
    const begun = await begin(other);
    const code = sentTo(await comeBack(other, begun)).get("code") ?? "";
    const form = { grant_type: "authorization_code", code, redirect_uri: "http://localhost:8789/callback", code_verifier: begun.verifier };
    const theirs = (await (await other.post("/oauth2/token", form, ["web-app", "web-app-secret"])).json()) as { id_token: string };
    await expectNoLogout(w, await logout(w, { id_token_hint: theirs.id_token, post_logout_redirect_uri: HOME }, mine.cookie), mine.cookie);
    // SIGNING_KEY_3 is deployed here, but is the other tenant's alone.
    const { issuer: _issuer, ...jwk } = JSON.parse((env as unknown as Record<string, string>).SIGNING_KEY_3 ?? "");
    const forged = await new SignJWT(payloadOf(mine.id_token))
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: await calculateJwkThumbprint(jwk) })
      .sign(await importJWK(jwk, "ES256"));
    await expectNoLogout(w, await logout(w, { id_token_hint: forged, post_logout_redirect_uri: HOME }, mine.cookie), mine.cookie);
  });
});

describe("AZ-33 a way back", () => {
  it.each(["//evil.example.com/", "/\\evil.example.com/", "https:evil.example.com", "https:/evil.example.com", "/", "javascript:alert(1)"])(
    "leads nowhere but to a registered address: %s",
    async (back) => {
      const w = await world();
      const tokens = await login(w, "web-app");
      await expectNoLogout(w, await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: back }, tokens.cookie), tokens.cookie);
    },
  );
});

describe("AZ-35 a post_logout_redirect_uri", () => {
  it("of an application that is disabled leads nowhere, by its hint or its name", async () => {
    const clock = stopClock();
    const w = await world({ tenant: (file) => void Object.assign(file.identityProviders.corp, { logout: false }) });
    const tokens = await login(w, "web-app");
    const ways: Record<string, string>[] = [{ id_token_hint: tokens.id_token }, { client_id: "web-app" }];
    await editTenant(w, (file) => void Object.assign(file.clients["web-app"] ?? {}, { disabled: true }));
    clock.forward(11);
    for (const way of ways) {
      const answer = await logout(w, { ...way, post_logout_redirect_uri: HOME }, tokens.cookie);
      expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
    }
    const other = await logout(w, { client_id: "front-end-app", post_logout_redirect_uri: HOME });
    expect([other.status, other.headers.get("location")]).toEqual([303, HOME]);
  });

  it("is compared as bytes: every variant of a registered one gets a page, and the session goes on", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.identityProviders.corp, { logout: false });
        Object.assign(file.clients["web-app"], { postLogoutRedirectUris: ["https://good.example/bye?x=1", "http://127.0.0.1/bye"] });
      },
    });
    const tokens = await login(w, "web-app");
    const variants = [
      "https://good.example/bye",
      "https://good.example/bye?x=1&y=2",
      "https://good.example/bye?x=1/",
      "https://good.example/bye?x=1#y",
      "https://good.example/bye/?x=1",
      "https://good.example/bye/../evil?x=1",
      "https://GOOD.example/bye?x=1",
      "https://good.example@evil.example/bye?x=1",
      "https://good.example.evil.example/bye?x=1",
      "https://good.example\\@evil.example/bye?x=1",
      "http://good.example/bye?x=1",
      "//evil.example",
      "/\\evil.example",
      "https:evil.example",
      "javascript:alert(1)",
      // Only a redirect URI has any port (RFC 8252); a logout goes exactly where it is registered.
      "http://127.0.0.1:5000/bye",
      HOME,
    ];
    for (const variant of variants) {
      const answer = await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: variant }, tokens.cookie);
      expect([variant, answer.status]).toEqual([variant, 400]);
      await expectNoLogout(w, answer, tokens.cookie);
    }
    const registered = "https://good.example/bye?x=1";
    const answer = await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: registered, state: "s" }, tokens.cookie);
    expect(answer.headers.get("location")).toBe(`${registered}&state=s`);
  });

  it("needs a client: a hint's or a client_id's, and one that exists", async () => {
    const w = await world();
    const { cookie } = await login(w, "web-app");
    for (const client of [{}, { client_id: "nobody" }, { client_id: "hr-service" }, { client_id: "../client/web-app" }]) {
      await expectNoLogout(w, await logout(w, { ...client, post_logout_redirect_uri: HOME } as Record<string, string>, cookie), cookie);
    }
  });

  it("of another client is not this client's", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["front-end-app"], { postLogoutRedirectUris: ["https://front.example/"] }) });
    const tokens = await login(w, "web-app");
    await expectNoLogout(w, await logout(w, { id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://front.example/" }, tokens.cookie), tokens.cookie);
  });

  it("given twice is refused", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const query = `id_token_hint=${tokens.id_token}&post_logout_redirect_uri=${encodeURIComponent(HOME)}&post_logout_redirect_uri=https://evil.example`;
    await expectNoLogout(w, await w.fetch(`/oauth2/logout?${query}`, { headers: { cookie: tokens.cookie } }), tokens.cookie);
  });
});
