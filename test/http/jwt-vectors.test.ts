import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bytesOf, concatBytes, fromBase64url, toBase64url } from "../../src/protocol/bytes.ts";
import { world } from "../world.ts";
import { presentIdToken } from "./federation-steps.ts";
import { asDer, bytesOfNumber, numberOf, P256_ORDER } from "./jwt-forms.ts";

// Vectors of our own making, in the manner of Project Wycheproof: what a verifier must take, and what it must not.

type Bytes = Uint8Array<ArrayBuffer>;
type Change = (signature: Bytes, input: Bytes) => Bytes | Promise<Bytes>;

const ALGORITHMS = {
  ES256: { name: "ECDSA", hash: "SHA-256" },
  ES384: { name: "ECDSA", hash: "SHA-384" },
  RS256: { name: "RSASSA-PKCS1-v1_5" },
  PS256: { name: "RSA-PSS", saltLength: 32 },
  EdDSA: { name: "Ed25519" },
} as const;
type Algorithm = keyof typeof ALGORITHMS;

const P384_ORDER = 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const keys = {} as Record<Algorithm, { readonly privateKey: CryptoKey; readonly jwk: JWK }>;

beforeAll(async () => {
  for (const alg of Object.keys(ALGORITHMS) as Algorithm[]) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys[alg] = { privateKey, jwk: await exportJWK(privateKey) };
  }
});
beforeEach(reset);

function publicPart(alg: Algorithm, kid: string): object {
  const { kty, crv, x, y, n, e } = keys[alg].jwk;
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, kid }));
}

/** Logs in with signatures of one key, each changed in its own way, and answers which were taken. */
async function taken(alg: Algorithm, changes: Readonly<Record<string, Change>>, header: Record<string, unknown> = {}): Promise<readonly string[]> {
  const w = await world({ tenant: (file) => Object.assign(file.identityProviders.corp, { signingAlgorithms: Object.keys(ALGORITHMS) }) });
  w.idp.scripts.keys = () => Response.json({ keys: (Object.keys(ALGORITHMS) as Algorithm[]).map((one) => publicPart(one, one)) });
  const accepted: string[] = [];
  for (const [name, change] of Object.entries(changes)) {
    const outcome = await presentIdToken(w, async (claims) => {
      const input = `${toBase64url(bytesOf(JSON.stringify({ alg, kid: alg, ...header })))}.${toBase64url(bytesOf(JSON.stringify(claims)))}`;
      const signature = new Uint8Array(await crypto.subtle.sign(ALGORITHMS[alg], keys[alg].privateKey, bytesOf(input)));
      return `${input}.${toBase64url(await change(signature, bytesOf(input)))}`;
    });
    if (outcome.accepted) accepted.push(name);
    else expect([name, outcome.reason]).toEqual([name, "idp_id_token_invalid"]);
  }
  return accepted;
}

const flip =
  (at: number): Change =>
  (signature) =>
    signature.with(at, (signature[at] ?? 0) ^ 0x01) as Bytes;

/** What no algorithm's signature may be. */
function spoilt(length: number): Record<string, Change> {
  const places = [0, 1, 15, Math.floor(length / 2) - 1, Math.floor(length / 2), length - 2, length - 1];
  return {
    ...Object.fromEntries(places.map((at) => [`bit flipped in byte ${at}`, flip(at)])),
    empty: () => new Uint8Array(0),
    "one byte": () => Uint8Array.of(0),
    zeros: () => new Uint8Array(length),
    "all bits": () => new Uint8Array(length).fill(255),
    "a byte cut at the end": (signature) => signature.slice(0, -1),
    "a byte cut at the start": (signature) => signature.slice(1),
    "a zero at the end": (signature) => concatBytes(signature, Uint8Array.of(0)),
    "a zero at the start": (signature) => concatBytes(Uint8Array.of(0), signature),
    "twice itself": (signature) => concatBytes(signature, signature),
    half: (signature) => signature.slice(0, length / 2),
    "back to front": (signature) => signature.toReversed() as Bytes,
    "of another message": async (_signature, input) => new Uint8Array(await crypto.subtle.digest("SHA-512", input)).slice(0, length) as Bytes,
  };
}

describe.each([
  ["ES256", 32, P256_ORDER],
  ["ES384", 48, P384_ORDER],
] as const)("JWT-23 ECDSA, %s", (alg, size, order) => {
  const r = (signature: Bytes) => numberOf(signature.subarray(0, size));
  const s = (signature: Bytes) => numberOf(signature.subarray(size));
  const pair = (first: bigint, second: bigint) => concatBytes(bytesOfNumber(first, size), bytesOfNumber(second, size));

  it("takes a signature, and the other one that holds for the same message", async () => {
    const valid: Record<string, Change> = { plain: (signature) => signature, "(r, n − s)": (signature) => pair(r(signature), order - s(signature)) };
    expect(await taken(alg, valid)).toEqual(Object.keys(valid));
  });

  it("takes numbers that begin with a zero byte, at their full length", async () => {
    const leading: Record<string, Change> = {
      "r or s begins with zero": async (signature, input) => {
        let found = signature;
        while (found[0] !== 0 && found[size] !== 0) found = new Uint8Array(await crypto.subtle.sign(ALGORITHMS[alg], keys[alg].privateKey, input));
        return found;
      },
    };
    expect(await taken(alg, leading)).toEqual(Object.keys(leading));
  });

  it("refuses every number outside of 1 to n − 1, every other encoding and every other length", async () => {
    const edges = { zero: 0n, one: 1n, "n − 1": order - 1n, n: order, "n + 1": order + 1n, "2^k − 1": 2n ** BigInt(size * 8) - 1n };
    const invalid: Record<string, Change> = { ...spoilt(size * 2), DER: (signature) => concatBytes(asDer(signature)) };
    for (const [name, value] of Object.entries(edges)) {
      invalid[`r is ${name}`] = (signature) => pair(value, s(signature));
      invalid[`s is ${name}`] = (signature) => pair(r(signature), value);
      for (const [other, second] of Object.entries(edges)) invalid[`r is ${name}, s is ${other}`] = () => pair(value, second);
    }
    invalid["r + n"] = (signature) => concatBytes(bytesOfNumber(r(signature) + order, size + 1), bytesOfNumber(s(signature), size));
    invalid["r and s exchanged"] = (signature) => pair(s(signature), r(signature));
    invalid["r negated"] = (signature) => pair(order - r(signature), s(signature));
    invalid["zeros before both numbers"] = (signature) => concatBytes(Uint8Array.of(0), signature.slice(0, size), Uint8Array.of(0), signature.slice(size));
    invalid["another hash"] = async (_signature, input) => new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-512" }, keys[alg].privateKey, input));
    expect(await taken(alg, invalid)).toEqual([]);
  });
});

describe("JWT-23 a key of one curve or kind under the name of another", () => {
  it.each([
    ["ES256", "ES384"],
    ["ES384", "ES256"],
    ["ES256", "RS256"],
    ["RS256", "ES256"],
    ["EdDSA", "ES256"],
    ["ES256", "EdDSA"],
  ] as const)("refuses a signature by the %s key that is said to be %s", async (alg, said) => {
    expect(await taken(alg, { plain: (signature) => signature }, { alg: said })).toEqual([]);
    expect(await taken(alg, { plain: (signature) => signature }, { kid: said })).toEqual([]);
    expect(await taken(alg, { plain: (signature) => signature })).toEqual(["plain"]);
  });
});

describe("JWT-23 RSA", () => {
  const LENGTH = 256;
  const DIGEST_INFO = Uint8Array.from([0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]);
  const WITHOUT_NULL = Uint8Array.from([0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20]);

  const modulus = (alg: Algorithm) => numberOf(fromBase64url(keys[alg].jwk.n ?? "") ?? Uint8Array.of(0));

  /** The bare private operation, for paddings that no library would make. */
  function raised(alg: Algorithm, block: Uint8Array): Bytes {
    const n = modulus(alg);
    let [base, exponent, result] = [numberOf(block), numberOf(fromBase64url(keys[alg].jwk.d ?? "") ?? Uint8Array.of(0)), 1n];
    for (; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) result = (result * base) % n;
      base = (base * base) % n;
    }
    return bytesOfNumber(result, LENGTH);
  }

  const hashOf = async (input: Bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", input));
  const block = (type: number, filler: number, padding: number, ...rest: Uint8Array[]) =>
    concatBytes(Uint8Array.of(0, type), new Uint8Array(padding).fill(filler), Uint8Array.of(0), ...rest);

  it("takes RS256 and PS256 signatures, and PKCS #1 padding made by hand", async () => {
    const byHand: Change = async (_signature, input) => raised("RS256", block(1, 255, LENGTH - 54, DIGEST_INFO, await hashOf(input)));
    expect(await taken("RS256", { plain: (signature) => signature, byHand })).toEqual(["plain", "byHand"]);
    expect(await taken("PS256", { plain: (signature) => signature })).toEqual(["plain"]);
  });

  it("refuses PKCS #1 signatures whose padding is not the one that there is", async () => {
    const made =
      (make: (hash: Uint8Array) => Uint8Array): Change =>
      async (_signature, input) =>
        raised("RS256", make(await hashOf(input)));
    const invalid: Record<string, Change> = {
      ...spoilt(LENGTH),
      "the algorithm without its NULL": made((hash) => block(1, 255, LENGTH - 52, WITHOUT_NULL, hash)),
      "a short padding and garbage behind the hash": made((hash) => block(1, 255, 8, DIGEST_INFO, hash, new Uint8Array(LENGTH - 62))),
      "garbage in place of the padding": made((hash) => block(1, 254, LENGTH - 54, DIGEST_INFO, hash)),
      "the padding of encryption": made((hash) => block(2, 255, LENGTH - 54, DIGEST_INFO, hash)),
      "the padding of type 0": made((hash) => block(0, 0, LENGTH - 54, DIGEST_INFO, hash)),
      "no zero behind the padding": made((hash) => concatBytes(Uint8Array.of(0, 1), new Uint8Array(LENGTH - 53).fill(255), DIGEST_INFO, hash)),
      "the bare hash": made((hash) => block(1, 255, LENGTH - 35, hash)),
      "another hash's name": made((hash) => block(1, 255, LENGTH - 54, DIGEST_INFO.with(14, 2), hash)),
      "a hash of SHA-512": async (_signature, input) =>
        raised("RS256", block(1, 255, LENGTH - 54, DIGEST_INFO, new Uint8Array(await crypto.subtle.digest("SHA-512", input)).slice(0, 32))),
      "the signature and the modulus": (signature) => {
        const sum = numberOf(signature) + modulus("RS256");
        return sum < 2n ** 2048n ? bytesOfNumber(sum, LENGTH) : bytesOfNumber(sum, LENGTH + 1);
      },
      one: () => bytesOfNumber(1n, LENGTH),
      "the modulus": () => bytesOfNumber(modulus("RS256"), LENGTH),
      "the modulus less one": () => bytesOfNumber(modulus("RS256") - 1n, LENGTH),
    };
    expect(await taken("RS256", invalid)).toEqual([]);
  });

  it("refuses PSS signatures with another salt, another hash or another trailer", async () => {
    const salted =
      (saltLength: number): Change =>
      async (_signature, input) =>
        new Uint8Array(await crypto.subtle.sign({ name: "RSA-PSS", saltLength }, keys.PS256.privateKey, input));
    const invalid: Record<string, Change> = {
      ...spoilt(LENGTH),
      "no salt": salted(0),
      "a salt of 20 bytes": salted(20),
      "a salt of 31 bytes": salted(31),
      "a salt of 33 bytes": salted(33),
      "the longest salt": salted(LENGTH - 34),
    };
    expect(await taken("PS256", invalid)).toEqual([]);
  });

  it("refuses a PKCS #1 signature that is said to be PSS, and the reverse, by the very same key", async () => {
    expect(await taken("RS256", { plain: (signature) => signature }, { alg: "PS256" })).toEqual([]);
    expect(await taken("PS256", { plain: (signature) => signature }, { alg: "RS256" })).toEqual([]);
  });
});

describe("JWT-23 EdDSA", () => {
  const littleEndian = (bytes: Uint8Array) => numberOf(bytes.toReversed());

  it("takes a signature, and refuses the one with S + L, S out of range, and every other length", async () => {
    const withS =
      (change: (s: bigint) => bigint): Change =>
      (signature) =>
        concatBytes(signature.slice(0, 32), bytesOfNumber(change(littleEndian(signature.subarray(32))), 32).toReversed());
    const invalid: Record<string, Change> = {
      ...spoilt(64),
      "S + L": withS((s) => s + ED25519_ORDER),
      "S negated": withS((s) => ED25519_ORDER - s),
      "S is zero": withS(() => 0n),
      "S is L": withS(() => ED25519_ORDER),
      "S is 2^256 − 1": withS(() => 2n ** 256n - 1n),
      "R is the neutral point": (signature) => concatBytes(Uint8Array.of(1), new Uint8Array(31), signature.slice(32)),
      "R is the neutral point and S zero": () => concatBytes(Uint8Array.of(1), new Uint8Array(63)),
      "R with its sign changed": (signature) => signature.with(31, (signature[31] ?? 0) ^ 0x80) as Bytes,
    };
    expect(await taken("EdDSA", { plain: (signature) => signature, ...invalid })).toEqual(["plain"]);
  });
});
