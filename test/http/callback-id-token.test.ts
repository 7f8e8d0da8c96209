import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { login, payloadOf, world } from "../world.ts";
import { idpMaterial, presentClaims, presentIdToken } from "./federation-steps.ts";
import { properForm, REFUSED_FORMS } from "./jwt-forms.ts";

const NOW = Math.floor(Date.now() / 1000);

beforeEach(async () => {
  await reset();
  vi.useFakeTimers({ toFake: ["Date"], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const INVALID = { accepted: false, reason: "idp_id_token_invalid", error: "server_error" };

describe("the ID token of a login", () => {
  it("logs its user in, and no other form of it does (JWT-02 to JWT-27); nothing that it names is fetched", async () => {
    const w = await world();
    const material = await idpMaterial(w);
    expect((await presentIdToken(w, (claims) => properForm(material(claims)))).accepted).toBe(true);
    for (const [name, form] of Object.entries(REFUSED_FORMS)) {
      const { accepted, error, reason } = await presentIdToken(w, (claims) => form(material(claims)));
      expect([name, accepted, reason, error]).toEqual([name, false, "idp_id_token_invalid", "server_error"]);
    }
    expect((await presentIdToken(w, (claims) => properForm(material(claims)))).accepted).toBe(true);
    expect(new Set(w.idp.requests)).toEqual(
      new Set(["GET http://localhost:8788/.well-known/openid-configuration", "GET http://localhost:8788/jwks", "POST http://localhost:8788/token"]),
    );
  });

  it.each([
    ["AZ-31 our id", { aud: "cambio" }],
    ["JWT-17 our id in a list", { aud: ["cambio"] }],
    ["JWT-17 our id and another, with us authorized", { aud: ["cambio", "other"], azp: "cambio" }],
    ["our id, and us authorized", { aud: "cambio", azp: "cambio" }],
    ["no typ", {}, { typ: undefined }],
    ["a thumbprint of a certificate in the header, as some IdPs have it", {}, { x5t: "abc", "x5t#S256": "def" }],
    ["no access token hash", { at_hash: undefined }],
    ["an issuer 9 s ahead of us", { iat: NOW + 9, nbf: NOW + 9, exp: NOW + 300 }],
    ["an issuer 5 min behind us", { iat: NOW - 300, exp: NOW + 60 }],
  ])("is taken with %s", async (_name, claims: object, header: object = {}) => {
    expect(await presentClaims(await world(), { ...claims }, { ...header })).toMatchObject({ accepted: true });
  });

  it.each([
    ["AZ-31 another audience that is authorized", { aud: ["cambio", "evil"], azp: "evil" }],
    ["AZ-31 two audiences and nobody authorized", { aud: ["cambio", "evil"] }],
    ["our id, and another authorized", { aud: "cambio", azp: "evil" }],
    ["us authorized as a list", { aud: "cambio", azp: ["cambio"] }],
    ["JWT-17 another's id", { aud: "other" }],
    ["JWT-17 a list without us", { aud: ["other"] }],
    ["JWT-17 our id in other letters", { aud: "Cambio" }],
    ["JWT-17 a longer id", { aud: "cambio2" }],
    ["JWT-17 our id and a space", { aud: "cambio other" }],
    ["JWT-17 a number", { aud: 7 }],
    ["JWT-17 a list in a list", { aud: [["cambio"]] }],
    ["JWT-17 an object", { aud: { cambio: true } }],
    ["JWT-17 an empty list", { aud: [] }],
    ["JWT-17 no audience", { aud: undefined }],
    ["JWT-16 another issuer", { iss: "http://localhost:8789" }],
    ["JWT-16 a slash behind the issuer", { iss: "http://localhost:8788/" }],
    ["JWT-16 the issuer in other letters", { iss: "HTTP://localhost:8788" }],
    ["JWT-16 the issuer in a list", { iss: ["http://localhost:8788"] }],
    ["JWT-16 the issuer escaped", { iss: "http://localhost%3A8788" }],
    ["JWT-16 a letter that looks like another", { iss: "http://loc\u0430lhost:8788" }],
    ["JWT-16 no issuer", { iss: undefined }],
    ["JWT-18 no subject", { sub: undefined }],
    ["JWT-18 an empty subject", { sub: "" }],
    ["JWT-18 a subject of null", { sub: null }],
    ["JWT-18 an object for a subject", { sub: { id: 1 } }],
    ["JWT-18 a number for a subject", { sub: 42 }],
    ["JWT-18 a subject of 256 characters", { sub: "s".repeat(256) }],
    ["CON-53 an expiry 10 s ago", { iat: NOW - 300, exp: NOW - 10 }],
    ["no expiry", { exp: undefined }],
    ["an expiry in words", { exp: "tomorrow" }],
    ["an endless expiry", { exp: 1e300 }],
    ["JWT-28 a life of more than a day", { exp: NOW + 86_500 }],
    ["CON-53 an issuer 61 s ahead of us", { iat: NOW + 61, exp: NOW + 361 }],
    ["CON-53 an issuer 5 min ahead of us", { iat: NOW + 300, exp: NOW + 600 }],
    ["no time of issue", { iat: undefined }],
    ["a time of issue in words", { iat: "now" }],
    ["a time to come before which it must not be used", { nbf: NOW + 60 }],
    ["such a time in words", { nbf: "later" }],
    ["the hash of another access token", { at_hash: "AAAAAAAAAAAAAAAAAAAAAA" }],
    ["a number for a hash", { at_hash: 1 }],
    ["the type of an access token", {}, { typ: "at+jwt" }],
    ["the type of a logout token", {}, { typ: "logout+jwt" }],
    ["the type of a signed introspection", {}, { typ: "token-introspection+jwt" }],
  ])("is refused with %s", async (_name, claims: object, header: object = {}) => {
    expect(await presentClaims(await world(), { ...claims }, { ...header })).toMatchObject(INVALID);
  });

  it.each([
    ["no nonce", undefined],
    ["an empty nonce", ""],
    ["another login's nonce", "AAAAAAAAAAAAAAAAAAAAAA"],
    ["a list", ["AAAAAAAAAAAAAAAAAAAAAA"]],
    ["null", null],
  ])("is refused with %s in place of the nonce of this login", async (_name, nonce) => {
    expect(await presentClaims(await world(), { nonce })).toMatchObject({ accepted: false, reason: "idp_nonce_differs", error: "server_error" });
  });

  it("is refused when it is another login's, both begun in this browser", async () => {
    const w = await world();
    let stolen = "";
    await presentIdToken(w, async (claims) => {
      stolen = await w.idp.sign(claims);
      return stolen;
    });
    expect(await presentIdToken(w, () => stolen)).toMatchObject({ accepted: false, reason: "idp_nonce_differs" });
  });

  it("is taken with the hash of the access token beside it", async () => {
    const hash = atob((await sha256("idp-at")).replaceAll("-", "+").replaceAll("_", "/")).slice(0, 16);
    const at_hash = btoa(hash).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const w = await world();
    expect(await presentClaims(w, { at_hash })).toMatchObject({ accepted: true });
    expect(await presentIdToken(w, (claims) => w.idp.sign({ ...claims, at_hash }), { access_token: "another" })).toMatchObject(INVALID);
  });

  it.each([
    ["no ID token", { id_token: undefined }],
    ["a number for an ID token", { id_token: 1 }],
    ["a list of ID tokens", { id_token: ["a.b.c"] }],
  ])("must be there: an answer with %s logs nobody in", async (_name, answer) => {
    const w = await world();
    expect(await presentIdToken(w, (claims) => w.idp.sign(claims), answer)).toMatchObject({ accepted: false, reason: "idp_token_refused", error: "server_error" });
  });

  it("may be as long as a user with hundreds of groups makes it, and our own tokens of it can be read", async () => {
    const w = await world();
    const groups = Array.from({ length: 250 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`);
    Object.assign(w.idp.users["dona.moore"] ?? {}, { groups });
    const tokens = await login(w, "web-app");
    expect(payloadOf(tokens.access_token).groups).toEqual(groups);
    const answer = await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect([answer.status, ((await answer.json()) as { groups: string[] }).groups?.length]).toEqual([200, 250]);
  });
});
