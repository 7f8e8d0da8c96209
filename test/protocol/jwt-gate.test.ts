import { describe, expect, it } from "vitest";
import { bytesOf, toBase64url } from "../../src/protocol/bytes.ts";
import { openIdentityProviderJwt, openJwt } from "../../src/protocol/jwt-gate.ts";

const encode = (value: unknown) => toBase64url(bytesOf(typeof value === "string" ? value : JSON.stringify(value)));
const jwt = (header: unknown, payload: unknown = { sub: "a" }, signature = "AAAA") => `${encode(header)}.${encode(payload)}.${signature}`;
const GOOD = { alg: "ES256", kid: "k", typ: "at+jwt" };

describe("the gate before a JWT", () => {
  it("lets through what has the form of one, and claims nothing about it", () => {
    const text = jwt(GOOD);
    expect(openJwt(text)).toEqual({ algorithm: "ES256", keyId: "k", type: "at+jwt", header: GOOD, payload: { sub: "a" }, text, signature: new Uint8Array(3) });
    expect(openJwt(jwt({ alg: "none" }))).toMatchObject({ algorithm: "none", keyId: undefined, type: undefined });
  });

  it.each(["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])("reads typ %s as at+jwt", (typ) => {
    expect(openJwt(jwt({ ...GOOD, typ }))?.type).toBe("at+jwt");
  });

  it.each(["at+jwt ", " at+jwt", "application/application/at+jwt", "text/at+jwt", "at+jwt;v=1", "at jwt"])("does not read typ %j as at+jwt", (typ) => {
    expect(openJwt(jwt({ ...GOOD, typ }))?.type).not.toBe("at+jwt");
  });

  it.each(["jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "cty", "zip", "enc", "epk", "iss", "p2c", "url", "nonce", "__proto__", "constructor"])(
    "JWT-05 JWT-13 JWT-27 refuses the header member %s",
    (name) => {
      expect(openJwt(jwt(`{"alg":"ES256","kid":"k","${name}":{}}`))).toBeUndefined();
      expect(openJwt(jwt(`{"alg":"ES256","kid":"k","${name}":null}`))).toBeUndefined();
    },
  );

  it("ignores the thumbprint of a certificate from a corporate IdP, and nothing else", () => {
    expect(openIdentityProviderJwt(jwt({ ...GOOD, x5t: "a", "x5t#S256": "b" }))).toBeDefined();
    for (const name of ["jku", "jwk", "x5u", "x5c", "crit", "b64", "cty", "zip"]) expect(openIdentityProviderJwt(jwt({ ...GOOD, [name]: "x" }))).toBeUndefined();
  });

  it("asks of every token what its own place lets through, whatever another place has taken", () => {
    const text = jwt({ ...GOOD, x5t: "a" });
    for (let time = 0; time < 2; time++) {
      expect(openIdentityProviderJwt(text)).toBeDefined();
      expect(openJwt(text)).toBeUndefined();
    }
  });

  it.each<[string, unknown]>([
    ["no alg", { kid: "k" }],
    ["alg as a list", { alg: ["ES256"] }],
    ["alg as a number", { alg: 1 }],
    ["alg null", { alg: null }],
    ["kid as a number", { ...GOOD, kid: 1 }],
    ["kid as a list", { ...GOOD, kid: ["k"] }],
    ["kid as an object", { ...GOOD, kid: {} }],
    ["kid null", { ...GOOD, kid: null }],
    ["kid of 10 KB", { ...GOOD, kid: "k".repeat(10_240) }],
    ["kid of 257", { ...GOOD, kid: "k".repeat(257) }],
    ["typ as a list", { ...GOOD, typ: ["JWT"] }],
    ["typ of 65", { ...GOOD, typ: "t".repeat(65) }],
    ["a list for a header", []],
    ["a text for a header", '"ES256"'],
    ["null for a header", null],
  ])("JWT-06 refuses %s", (_name, header) => {
    expect(openJwt(jwt(header))).toBeUndefined();
  });

  it.each(["../../x", "' OR 1=1--", "\u0000", "k\r\nX: y", "__proto__", ""])("JWT-06 passes the kid %j on as a text that names no key", (kid) => {
    expect(openJwt(jwt({ ...GOOD, kid }))?.keyId).toBe(kid);
  });

  it.each(['{"alg":"none","alg":"ES256"}', '{"alg":"ES256","\\u0061lg":"none"}', '{"alg":"ES256","kid":"a","kid":"b"}'])("JWT-08 refuses the header %s", (header) => {
    expect(openJwt(jwt(header))).toBeUndefined();
  });

  it.each(['{"sub":"a","sub":"b"}', '{"aud":"a","aud":"b"}', '{"exp":1,"exp":2}', '{"a":{"sub":1,"sub":2}}'])("JWT-08 refuses the payload %s", (payload) => {
    expect(openJwt(jwt(GOOD, payload))).toBeUndefined();
  });

  it.each(["null", "[]", '"a"', "1", "", "{", '{"a":1}x', "\ufeff{}"])("JWT-14 refuses the payload %j", (payload) => {
    expect(openJwt(jwt(GOOD, payload))).toBeUndefined();
  });

  it.each<[string, (good: string) => string]>([
    ["a newline behind it", (good) => `${good}\n`],
    ["a space before it", (good) => ` ${good}`],
    ["a space within", (good) => good.replace(".", ". ")],
    ["padding", (good) => `${good}==`],
    ["the other alphabet", (good) => `${good.slice(0, -4)}+/AA`],
    ["stray bits at the end of the signature", (good) => `${good.slice(0, -4)}AB`],
    ["a signature of an impossible length", (good) => `${good}A`],
    ["no signature", (good) => good.slice(0, good.lastIndexOf(".") + 1)],
    ["no payload", (good) => good.replace(/\.[^.]+\./, "..")],
    ["two parts", (good) => good.slice(0, good.lastIndexOf("."))],
    ["four parts", (good) => `${good}.AAAA`],
    ["five parts, as an encrypted one has", (good) => `${good}.AAAA.AAAA`],
    ["a dot before it", (good) => `.${good}`],
    ["the flattened serialization", () => JSON.stringify({ protected: encode(GOOD), payload: encode({}), signature: "AAAA" })],
    ["the general serialization", () => JSON.stringify({ payload: encode({}), signatures: [{ protected: encode(GOOD), header: { alg: "none" }, signature: "AAAA" }] })],
    ["a percent-encoded dot", (good) => good.replace(".", "%2E")],
    ["nothing", () => ""],
  ])("JWT-09 JWT-11 refuses %s", (_name, spoil) => {
    expect(openJwt(spoil(jwt(GOOD)))).toBeUndefined();
  });

  it("refuses more than 48 KiB, and takes as much", () => {
    const head = jwt(GOOD).length;
    const filled = (length: number) => jwt(GOOD, { sub: "a" }, "A".repeat(length - head + 4));
    expect(filled(49_152)).toHaveLength(49_152);
    expect([openJwt(filled(49_152)), openJwt(filled(49_150)), openJwt(filled(49_151))].some((opened) => opened !== undefined)).toBe(true);
    expect([49_153, 49_154, 49_155, 49_156].map((length) => openJwt(filled(length)))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("refuses a payload of more than twelve levels", () => {
    expect(openJwt(jwt(GOOD, `{"a":${"[".repeat(12)}${"]".repeat(12)}}`))).toBeUndefined();
    expect(openJwt(jwt(GOOD, `{"a":${"[".repeat(11)}${"]".repeat(11)}}`))).toBeDefined();
  });
});
