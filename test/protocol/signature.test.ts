import { CompactSign, compactVerify, exportJWK, generateKeyPair, type JWK } from "jose";
import { describe, expect, it } from "vitest";
import { bytesOf, concatBytes, fromBase64url, toBase64url } from "../../src/protocol/bytes.ts";
import { openJwt, type UnverifiedJwt } from "../../src/protocol/jwt-gate.ts";
import { importPrivateKey, importPublicKey, signJwt, thumbprint, verifySignature } from "../../src/protocol/signature.ts";

const ALGORITHMS = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];
const pair = async (algorithm: string) => {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, publicKey, privateJwk: await exportJWK(privateKey), publicJwk: await exportJWK(publicKey) };
};
const PAIRS = new Map(await Promise.all(ALGORITHMS.map(async (algorithm) => [algorithm, await pair(algorithm)] as const)));
const keysOf = (algorithm: string) => PAIRS.get(algorithm)!;
const opened = (text: string): UnverifiedJwt => openJwt(text)!;

// RFC 7517 appendix A.1, of 2048 bit, and its thumbprint as RFC 7638 §3.1 has it.
const RFC7638: JWK = {
  kty: "RSA",
  n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
  e: "AQAB",
  alg: "RS256",
  kid: "2011-04-29",
};

describe("signatures", () => {
  it.each(ALGORITHMS)("of %s are the same to us and to a certified library, in both directions", async (algorithm) => {
    const { privateKey, publicKey, privateJwk, publicJwk } = keysOf(algorithm);
    const key = await importPrivateKey(privateJwk, algorithm);
    const text = await signJwt({ sub: "ä" }, "at+jwt", { key: key!, algorithm, keyId: "k" });
    const { payload, protectedHeader } = await compactVerify(text, publicKey, { algorithms: [algorithm] });
    expect([protectedHeader, new TextDecoder().decode(payload)]).toEqual([{ alg: algorithm, kid: "k", typ: "at+jwt" }, '{"sub":"ä"}']);
    const foreign = await new CompactSign(bytesOf('{"sub":"b"}')).setProtectedHeader({ alg: algorithm, kid: "k" }).sign(privateKey);
    const verifier = await importPublicKey(publicJwk, algorithm);
    expect(await Promise.all([text, foreign].map((each) => verifySignature(opened(each), verifier!)))).toEqual([true, true]);
  });

  it.each(ALGORITHMS)("of %s hold for their own text, key and length alone", async (algorithm) => {
    const { privateKey, publicJwk } = keysOf(algorithm);
    const text = await new CompactSign(bytesOf('{"sub":"b"}')).setProtectedHeader({ alg: algorithm }).sign(privateKey);
    const [header = "", payload = "", signature = ""] = text.split(".");
    const key = (await importPublicKey(publicJwk, algorithm))!;
    const stranger = (await importPublicKey((await pair(algorithm)).publicJwk, algorithm))!;
    const holds = async (changed: string, by = key) => await verifySignature(opened(changed), by);
    expect(await holds(text)).toBe(true);
    expect(await holds(text, stranger)).toBe(false);
    expect(await holds(`${header}.${toBase64url(bytesOf('{"sub":"c"}'))}.${signature}`)).toBe(false);
    expect(await holds(`${toBase64url(bytesOf(`{"alg":"${algorithm}" }`))}.${payload}.${signature}`)).toBe(false);
    for (const other of [signature.slice(0, 40), "AAAA", "A".repeat(signature.length - (signature.length % 4)), `${signature.slice(0, 4)}AAAA${signature.slice(8)}`]) {
      expect(await holds(`${header}.${payload}.${other}`)).toBe(false);
    }
  });

  it("never hold by another algorithm than the key's", async () => {
    const { privateKey, publicJwk } = keysOf("RS256");
    const text = await new CompactSign(bytesOf("{}")).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
    const key = (await importPublicKey(publicJwk, "RS256"))!;
    expect(await verifySignature(opened(text), key)).toBe(true);
    expect(await verifySignature({ ...opened(text), algorithm: "PS256" }, key)).toBe(false);
    expect(await verifySignature({ ...opened(text), algorithm: "none" }, { ...key, algorithm: "none" })).toBe(false);
  });
});

describe("a key", () => {
  it("is imported for the one algorithm of its type", async () => {
    for (const [algorithm, { publicJwk, privateJwk }] of PAIRS) {
      const fitting = algorithm === "RS256" || algorithm === "PS256" ? ["RS256", "PS256"] : [algorithm];
      const { alg: _alg, ...bare } = publicJwk;
      const taken = await Promise.all(ALGORITHMS.map(async (other) => ((await importPublicKey(bare, other)) === undefined ? [] : [other])));
      expect(taken.flat()).toEqual(fitting);
      expect(await importPublicKey(privateJwk, algorithm)).toBeUndefined();
      expect(await importPrivateKey(privateJwk, "HS256")).toBeUndefined();
    }
  });

  it.each<[string, JWK, string]>([
    ["symmetric", { kty: "oct", k: "AAAA" }, "ES256"],
    ["not on its curve", { kty: "EC", crv: "P-256", x: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", y: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }, "ES256"],
    ["without a coordinate", { kty: "EC", crv: "P-256", x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU" }, "ES256"],
    ["without an exponent", { kty: "RSA", n: RFC7638.n ?? "" }, "RS256"],
  ])("that is %s is none", async (_name, jwk, algorithm) => {
    expect(await importPublicKey(jwk, algorithm)).toBeUndefined();
    expect(await importPublicKey(RFC7638, "RS256")).toBeDefined();
  });

  it("of RSA is none below 2048 bit, with zeros before its modulus or without", async () => {
    const modulusOf = async (modulusLength: number) => {
      const algorithm = { name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
      const { publicKey } = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
      return fromBase64url((await exportJWK(publicKey)).n ?? "") ?? new Uint8Array();
    };
    const imported = async (n: Uint8Array) => (await importPublicKey({ kty: "RSA", e: "AQAB", n: toBase64url(n) }, "RS256")) !== undefined;
    const [short, long] = await Promise.all([modulusOf(1024), modulusOf(2048)]);
    expect([short.length, long.length]).toEqual([128, 256]);
    expect([await imported(short), await imported(concatBytes(new Uint8Array(128), short)), await imported(long)]).toEqual([false, false, true]);
  });

  it("DOS-03 of RSA is none above 8192 bit, nor with an exponent that makes every signature dear", async () => {
    const modulusOf = (bits: number) =>
      toBase64url(crypto.getRandomValues(new Uint8Array(bits / 8)).map((byte, at) => (at === 0 ? byte | 128 : at === bits / 8 - 1 ? byte | 1 : byte)));
    const imported = async (bits: number, e: string) => (await importPublicKey({ kty: "RSA", e, n: modulusOf(bits) }, "RS256")) !== undefined;
    expect(await Promise.all([4096, 8192, 8200, 12_288, 16_384].map((bits) => imported(bits, "AQAB")))).toEqual([true, true, false, false, false]);
    expect(await Promise.all(["AQAB", toBase64url(new Uint8Array(16).fill(255)), modulusOf(2048)].map((e) => imported(2048, e)))).toEqual([true, false, false]);
  });

  it("has the thumbprint of RFC 7638, whatever else stands in it", async () => {
    expect(await thumbprint(RFC7638)).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    // RFC 8037 appendix A.3.
    expect(await thumbprint({ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    await expect(thumbprint({ kty: "EC", crv: "P-256", x: "AA" })).rejects.toThrow(TypeError);
  });
});
