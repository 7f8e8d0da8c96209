import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { type World, world } from "../world.ts";
import { idpKey, presentIdToken } from "./federation-steps.ts";

beforeEach(reset);

/** Logs in with an ID token that is signed by a key, while the IdP publishes what it publishes. */
async function signedBy(w: World, privateKey: CryptoKey, published: readonly object[], header: Record<string, unknown>) {
  w.idp.scripts.keys = () => Response.json({ keys: published });
  return await presentIdToken(w, (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", ...header }).sign(privateKey));
}

describe("FED-16 a published key", () => {
  it("counts when it is a public key for signatures, of the algorithm's own type", async () => {
    for (const alg of ["ES256", "RS256", "PS256", "EdDSA"]) {
      const { privateKey, jwk } = await idpKey("k", alg);
      const { alg: _alg, use: _use, ...bare } = jwk;
      expect([alg, (await signedBy(await world(), privateKey, [jwk], { alg, kid: "k" })).accepted]).toEqual([alg, true]);
      expect([alg, (await signedBy(await world(), privateKey, [bare], { alg, kid: "k" })).accepted]).toEqual([alg, true]);
    }
  });

  it.each([
    ["its private part", (_jwk: JWK, d: string) => [{ d }]],
    ["the use of encryption", () => [{ use: "enc" }]],
    ["another algorithm", () => [{ alg: "ES384" }]],
    ["alg none", () => [{ alg: "none" }]],
    ["another type", () => [{ kty: "RSA" }]],
    ["another curve", () => [{ crv: "P-384" }]],
    ["a curve that nobody knows", () => [{ crv: "secp256k1" }]],
    ["a point that is not on the curve", ({ x }: JWK) => [{ y: x }]],
    ["half a point", () => [{ y: undefined }]],
    ["a symmetric key", () => [{ kty: "oct", k: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }]],
    ["another name", () => [{ kid: "other" }]],
    ["a name twice, once for each key", (jwk: JWK) => [{}, { ...jwk }]],
  ])("with %s is never used", async (_name, spoil: (jwk: JWK, d: string) => readonly object[]) => {
    const { privateKey, jwk } = await idpKey("k", "ES256");
    const { d = "" } = await exportJWK(privateKey);
    const published = spoil(jwk, d).map((change) => JSON.parse(JSON.stringify({ ...jwk, ...change })));
    expect(await signedBy(await world(), privateKey, published, { kid: "k" })).toMatchObject({ accepted: false, reason: "idp_id_token_invalid" });
  });

  it("that is spoilt does not keep a good one beside it from being used", async () => {
    const { privateKey, jwk } = await idpKey("k", "ES256");
    const spoilt = [{ ...jwk, kid: "a", crv: "P-999" }, { kty: "oct", kid: "b", k: "AAAA" }, { kty: "new", kid: "c" }, jwk];
    expect((await signedBy(await world(), privateKey, spoilt, { kid: "k" })).accepted).toBe(true);
  });

  it("of RSA with less than 2048 bit is never used", async () => {
    const weak = await crypto.subtle.generateKey({ name: "RSASSA-PKCS1-v1_5", modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: "SHA-256" }, true, [
      "sign",
      "verify",
    ]);
    const pair = weak as CryptoKeyPair;
    const { n = "", e } = (await crypto.subtle.exportKey("jwk", pair.publicKey)) as JsonWebKey;
    const sign = async (claims: Record<string, unknown>) => {
      const text = (value: object) => btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
      const input = `${text({ alg: "RS256", kid: "k" })}.${text(claims)}`;
      const signature = new Uint8Array(await crypto.subtle.sign("RSASSA-PKCS1-v1_5", pair.privateKey, new TextEncoder().encode(input)));
      return `${input}.${btoa(String.fromCharCode(...signature))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replaceAll("=", "")}`;
    };
    // The second spelling has the length of 2048 bit: zeros in front.
    for (const modulus of [n, `${"A".repeat(171)}${n}`, `${"A".repeat(172)}${n}`]) {
      const w = await world();
      w.idp.scripts.keys = () => Response.json({ keys: [{ kty: "RSA", kid: "k", n: modulus, e }] });
      expect(await presentIdToken(w, sign)).toMatchObject({ accepted: false, reason: "idp_id_token_invalid" });
    }
  });

  it("of RSA whose exponent is one, under which everybody can sign, is never used", async () => {
    const { publicKey } = await generateKeyPair("RS256", { extractable: true });
    const { n = "" } = await exportJWK(publicKey);
    const w = await world();
    for (const e of ["AQ", "AA", "Ag"]) {
      w.idp.scripts.keys = () => Response.json({ keys: [{ kty: "RSA", kid: `k-${e}`, n, e }] });
      const outcome = await presentIdToken(w, async (claims) => {
        const text = (value: Uint8Array | string) =>
          btoa(typeof value === "string" ? value : String.fromCharCode(...value))
            .replaceAll("+", "-")
            .replaceAll("/", "_")
            .replaceAll("=", "");
        const input = `${text(JSON.stringify({ alg: "RS256", kid: `k-${e}` }))}.${text(JSON.stringify(claims))}`;
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(input)));
        const prefix = Uint8Array.from([0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]);
        // What a signature is the e-th root of, e = 1: the padded hash itself.
        const padded = Uint8Array.from([0, 1, ...new Array(256 - 3 - 51).fill(255), 0, ...prefix, ...digest]);
        return `${input}.${text(padded)}`;
      });
      expect([e, outcome.accepted]).toEqual([e, false]);
    }
  });

  it("is looked for only among the algorithms that the IdP's record allows", async () => {
    const { privateKey, jwk } = await idpKey("k", "ES256");
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { signingAlgorithms: ["RS256"] }) });
    expect(await signedBy(w, privateKey, [jwk], { kid: "k" })).toMatchObject({ accepted: false, reason: "idp_id_token_invalid" });
    const es384 = await idpKey("k", "ES384");
    const allowed = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { signingAlgorithms: ["ES384"] }) });
    expect(await signedBy(allowed, es384.privateKey, [es384.jwk], { alg: "ES384", kid: "k" })).toMatchObject({ accepted: true });
    expect(await signedBy(await world(), es384.privateKey, [es384.jwk], { alg: "ES384", kid: "k" })).toMatchObject({ accepted: false });
  });
});
