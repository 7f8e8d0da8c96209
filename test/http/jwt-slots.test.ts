import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { login, type World, world } from "../world.ts";
import { compact, type Material, properForm, REFUSED_FORMS } from "./jwt-forms.ts";
import { isActive, isHint, isOperator, opensUserinfo, operatorMaterial, ownMaterial } from "./jwt-steps.ts";

beforeEach(reset);

/** A place where a JWT is taken: what it takes, and whether it took it. */
interface Slot {
  readonly material: (w: World) => Promise<() => Promise<Material>>;
  readonly takes: (w: World, jwt: string) => Promise<boolean>;
  /** Whether a text arrives here as it was sent. */
  readonly carries?: (text: string) => boolean;
}

const ofToken = (kind: "access_token" | "id_token") => async (w: World) => {
  const material = await ownMaterial((await login(w, "web-app"))[kind]);
  return async () => material;
};

// A header's value is trimmed on its way, and holds no control characters (RFC 9110 §5.5).
const inHeader = (text: string) => /^[\x20-\x7e]*$/.test(text) && text === text.trim();

const SLOTS: Readonly<Record<string, Slot>> = {
  "an access token at userinfo": { material: ofToken("access_token"), takes: opensUserinfo },
  "an access token at introspection": { material: ofToken("access_token"), takes: (w, jwt) => isActive(w, "web-app", jwt) },
  "an ID token at introspection": { material: ofToken("id_token"), takes: (w, jwt) => isActive(w, "web-app", jwt) },
  "a hint at logout": { material: ofToken("id_token"), takes: isHint },
  "an operator's token": { material: async () => () => operatorMaterial("http://localhost:8787"), takes: isOperator, carries: inHeader },
};

describe.each(Object.entries(SLOTS))("%s", (_name, slot) => {
  it("is taken in its proper form, and in no other (JWT-02 to JWT-27); nothing that it names is fetched", async () => {
    const w = await world();
    const material = await slot.material(w);
    const asked = w.idp.requests.length;
    expect(await slot.takes(w, await properForm(await material()))).toBe(true);
    for (const [name, form] of Object.entries(REFUSED_FORMS)) {
      const text = await form(await material());
      if (slot.carries?.(text) !== false) expect([name, await slot.takes(w, text)]).toEqual([name, false]);
    }
    expect(await slot.takes(w, await properForm(await material()))).toBe(true);
    expect(w.idp.requests).toHaveLength(asked);
  });

  it("is taken with its typ in any letters and as a whole media type, and with no other typ (RFC 7515 §4.1.9)", async () => {
    const w = await world();
    const material = await slot.material(w);
    const typed = async (change: (typ: string) => unknown) => {
      const made = await material();
      return await slot.takes(w, await compact(made, { ...made.header, typ: change(made.header.typ ?? "") }, made.claims));
    };
    expect(await typed((typ) => typ.toUpperCase())).toBe(true);
    expect(await typed((typ) => `application/${typ}`)).toBe(true);
    for (const typ of [undefined, "", "jwt2", "at", "access+jwt", "logout+jwt", "dpop+jwt", "token-introspection+jwt", "application/", "text/at+jwt", 1, ["at+jwt"], " JWT"]) {
      expect([typ, await typed(() => typ)]).toEqual([typ, false]);
    }
  });
});

/** Claims that no token of ours may have, whoever signed it: our key, and nothing else wrong. */
const NOW = Math.floor(Date.now() / 1000);
const CLAIMS: Readonly<Record<string, Record<string, unknown>>> = {
  "JWT-16 another issuer": { iss: "https://id.example.com" },
  "JWT-16 a slash behind the issuer": { iss: "http://localhost:8787/" },
  "JWT-16 the issuer in other letters": { iss: "http://LOCALHOST:8787" },
  "JWT-16 the issuer in a list": { iss: ["http://localhost:8787"] },
  "JWT-16 the issuer escaped": { iss: "http://localhost%3a8787" },
  "JWT-16 a letter that looks like another": { iss: "http://l\u043ecalhost:8787" },
  "JWT-16 no issuer": { iss: undefined },
  "JWT-18 no subject": { sub: undefined },
  "JWT-18 a subject of null": { sub: null },
  "JWT-18 an object for a subject": { sub: {} },
  "JWT-18 a number for a subject": { sub: 1 },
  "JWT-17 no audience": { aud: undefined },
  "JWT-17 an empty audience": { aud: [] },
  "JWT-17 a number for an audience": { aud: 1 },
  "JWT-17 a list in a list": { aud: [["web-app"]] },
  "JWT-17 an object for an audience": { aud: { "web-app": true } },
  "JWT-17 a list with something else in it": { aud: ["web-app", null] },
  "no client": { client_id: undefined, azp: undefined },
  "no expiry": { exp: undefined },
  "an expiry in words": { exp: "9999999999" },
  "a fraction for an expiry": { exp: NOW + 1000.5 },
  "an endless expiry": { exp: 1e300 },
  "no time of issue": { iat: undefined },
  "no lineage": { lin: undefined },
  "a lineage that is not sealed": { lin: '[1,["x",[],"y",null,"login",1,1,null],0,9999999999,[]]' },
  "a lineage that is no text": { lin: {} },
};

describe("a token of ours, under our own key", () => {
  it.each([
    ["access_token", opensUserinfo],
    ["id_token", isHint],
  ] as const)("is read for what it is: %s with one claim changed is not taken", async (kind, takes) => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const material = await ownMaterial(tokens[kind]);
    expect(await takes(w, await properForm(material))).toBe(true);
    for (const [name, claims] of Object.entries(CLAIMS)) {
      expect([name, await takes(w, await compact(material, material.header, { ...material.claims, ...claims }))]).toEqual([name, false]);
    }
  });

  it("is refused at the second that it expires, without any skew", async () => {
    const w = await world();
    const material = await ownMaterial((await login(w, "web-app")).access_token);
    const at = async (exp: number) => await opensUserinfo(w, await compact(material, material.header, { ...material.claims, exp }));
    const now = Math.floor(Date.now() / 1000);
    expect(await at(now + 100)).toBe(true);
    expect(await at(now)).toBe(false);
    expect(await at(0)).toBe(false);
    expect(await at(-1)).toBe(false);
  });

  it("has a lineage of its own: that of another kind of token, of another tenant or of another's hand is none", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const [access, id] = [await ownMaterial(tokens.access_token), await ownMaterial(tokens.id_token)];
    const lin = String(access.claims.lin);
    for (const wrong of [id.claims.lin, `${lin}A`, lin.slice(0, -1), `${lin.slice(0, 10)}${lin[10] === "A" ? "B" : "A"}${lin.slice(11)}`]) {
      expect(await opensUserinfo(w, await compact(access, access.header, { ...access.claims, lin: wrong }))).toBe(false);
    }
    expect(await isHint(w, await compact(id, id.header, { ...id.claims, lin }))).toBe(false);
  });

  it("tells nothing by its lineage: two tokens of one login have nothing long in common but what they say of the user", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const [access, id] = [await ownMaterial(tokens.access_token), await ownMaterial(tokens.id_token)];
    expect(access.claims.jti).not.toBe(id.claims.jti);
    expect(String(access.claims.lin).slice(6, 30)).not.toBe(String(id.claims.lin).slice(6, 30));
  });
});

describe("JWT-28 an operator's token", () => {
  it.each([
    ["that lives longer than a minute", { exp: NOW + 600, iat: NOW }],
    ["that was issued in the future", { iat: NOW + 600, exp: NOW + 650 }],
    ["that has expired", { iat: NOW - 70, exp: NOW - 10 }],
    ["without an expiry", { exp: undefined }],
    ["without a time of issue", { iat: undefined }],
    ["with a fraction for an expiry", { exp: NOW + 30.5 }],
    ["for another tenant", { aud: "https://other.example.com/api/v1" }],
    ["for this tenant and another", { aud: ["http://localhost:8787/api/v1", "https://other.example.com/api/v1"] }],
    ["for the issuer, not its API", { aud: "http://localhost:8787" }],
    ["of another operator's name", { iss: "somebody" }],
    ["for another method", { htm: "PUT" }],
    ["for another path", { htu: "/api/v1/tenant?dry_run=true" }],
    ["for another body", { content_digest: "AAAA" }],
    ["without an id of its own", { jti: undefined }],
    ["with a short id of its own", { jti: "1" }],
  ])("%s is refused", async (_name, claims) => {
    const w = await world();
    const material = await operatorMaterial("http://localhost:8787");
    expect(await isOperator(w, await compact(material, material.header, { ...material.claims, ...claims }))).toBe(false);
    expect(await isOperator(w, await properForm(material))).toBe(true);
  });
});
