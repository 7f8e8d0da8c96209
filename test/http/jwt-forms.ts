import { CompactEncrypt, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { bytesOf, concatBytes, toBase64url } from "../../src/protocol/bytes.ts";

/** What a slot takes: claims under an ES256 key of the one that the slot trusts. */
export interface Material {
  readonly claims: Record<string, unknown>;
  readonly header: { readonly alg: string; readonly kid?: string; readonly typ?: string };
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** The order of the group of P-256. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const attacker = generateKeyPair("ES256", { extractable: true });

/** A number as bytes, big-endian. */
export function bytesOfNumber(value: bigint, length = 32): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    value
      .toString(16)
      .padStart(length * 2, "0")
      .match(/../g) ?? [],
    (pair) => Number.parseInt(pair, 16),
  );
}

/** Bytes as a number, big-endian. */
export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}

function part(value: unknown): string {
  if (value instanceof Uint8Array) return toBase64url(value);
  return toBase64url(bytesOf(typeof value === "string" ? value : JSON.stringify(value)));
}

/** Signs any header and payload, however odd: text and bytes stand as they are. */
export async function compact({ privateKey }: Pick<Material, "privateKey">, header: unknown, payload: unknown, change = (signature: Uint8Array) => signature): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  const signature = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, bytesOf(input)));
  return `${input}.${toBase64url(change(signature))}`;
}

/** The proper form, which every slot takes. */
export async function properForm(material: Material): Promise<string> {
  return await compact(material, material.header, material.claims);
}

/** The same token under the other signature that holds for it: (r, n − s). */
export function malleated(jwt: string): string {
  const [header, payload, signature = ""] = jwt.split(".");
  const bytes = Uint8Array.from(atob(signature.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  return `${header}.${payload}.${toBase64url(concatBytes(bytes.subarray(0, 32), bytesOfNumber(P256_ORDER - numberOf(bytes.subarray(32)))))}`;
}

/** A raw ECDSA signature in ASN.1, as TLS and X.509 have it. */
export function asDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const integer = (bytes: Uint8Array) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const trimmed = bytes.subarray(start === -1 ? bytes.length - 1 : start);
    const padded = (trimmed[0] ?? 0) > 127 ? concatBytes(Uint8Array.of(0), trimmed) : trimmed;
    return concatBytes(Uint8Array.of(2, padded.length), padded);
  };
  const body = concatBytes(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
  return concatBytes(body.length > 127 ? Uint8Array.of(0x30, 0x81, body.length) : Uint8Array.of(0x30, body.length), body);
}

async function spki({ publicJwk }: Material): Promise<Uint8Array<ArrayBuffer>> {
  const { kty, crv, x, y } = publicJwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y } as JsonWebKey, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  return new Uint8Array((await crypto.subtle.exportKey("spki", key)) as ArrayBuffer);
}

async function hmac({ claims, header }: Material, secret: Uint8Array): Promise<string> {
  return await new SignJWT(claims).setProtectedHeader({ ...header, alg: "HS256" }).sign(secret);
}

async function pem(material: Material): Promise<string> {
  const lines = btoa(String.fromCharCode(...(await spki(material)))).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----`;
}

type Form = (material: Material) => Promise<string>;

const withHeader =
  (extra: Record<string, unknown>): Form =>
  (m) =>
    compact(m, { ...m.header, ...extra }, m.claims);

const withSignature =
  (change: (signature: Uint8Array) => Uint8Array): Form =>
  (m) =>
    compact(m, m.header, m.claims, change);

const after =
  (change: (jwt: string) => string): Form =>
  async (m) =>
    change(await properForm(m));

const withPayload =
  (payload: (claims: Record<string, unknown>) => unknown): Form =>
  (m) =>
    compact(m, m.header, payload(m.claims));

const byAttacker =
  (header: (m: Material, jwk: JWK) => Record<string, unknown>): Form =>
  async (m) => {
    const { privateKey } = await attacker;
    const { d: _d, ...jwk } = await exportJWK(privateKey);
    return await compact({ privateKey }, header(m, jwk), m.claims);
  };

const twice = (claims: Record<string, unknown>, name: string, first: unknown, spelt = JSON.stringify(name)) =>
  `{${spelt}:${JSON.stringify(first)},${JSON.stringify({ [name]: first, ...claims }).slice(1)}`;

const r = (signature: Uint8Array) => signature.subarray(0, 32);
const s = (signature: Uint8Array) => signature.subarray(32);
const ORDER = bytesOfNumber(P256_ORDER);
const ZERO = new Uint8Array(32);

/** Everything that no slot may take. Each differs from the proper form in one thing. */
export const REFUSED_FORMS: Readonly<Record<string, Form>> = {
  ...Object.fromEntries(
    ["none", "None", "nOnE", "NONE", "", null, ["ES256"], { alg: "ES256" }, 256, "ES256 ", "es256"].map((alg) => [
      `JWT-02 alg ${JSON.stringify(alg)}`,
      ((m) => compact(m, { ...m.header, alg }, m.claims)) as Form,
    ]),
  ),
  "JWT-02 alg none without a signature": async (m) => `${part({ ...m.header, alg: "none" })}.${part(m.claims)}.`,
  "JWT-02 no alg": (m) => compact(m, { ...m.header, alg: undefined }, m.claims),
  "JWT-02 HS256 with the public key as PEM": async (m) => await hmac(m, bytesOf(await pem(m))),
  "JWT-02 HS256 with the public key as PEM and a newline": async (m) => await hmac(m, bytesOf(`${await pem(m)}\n`)),
  "JWT-02 HS256 with the public key as DER": async (m) => await hmac(m, await spki(m)),
  "JWT-02 HS256 with the public key as JWK": async (m) => await hmac(m, bytesOf(JSON.stringify(m.publicJwk))),
  "JWT-02 HS256 with the public key as base64": async (m) => await hmac(m, bytesOf(btoa(String.fromCharCode(...(await spki(m)))))),
  "JWT-02 HS256 with the key's x": async (m) => await hmac(m, bytesOf(m.publicJwk.x ?? "")),
  ...Object.fromEntries(
    ["RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "HS256", "ML-DSA-44"].map((alg) => [`JWT-03 ${alg} over an ES256 signature`, withHeader({ alg })]),
  ),
  "JWT-04 r and s zero": withSignature(() => new Uint8Array(64)),
  "JWT-04 r zero": withSignature((signature) => concatBytes(ZERO, s(signature))),
  "JWT-04 s zero": withSignature((signature) => concatBytes(r(signature), ZERO)),
  "JWT-04 r is the order": withSignature((signature) => concatBytes(ORDER, s(signature))),
  "JWT-04 s is the order": withSignature((signature) => concatBytes(r(signature), ORDER)),
  "JWT-04 r and s are the order": withSignature(() => concatBytes(ORDER, ORDER)),
  "JWT-04 all bits set": withSignature(() => new Uint8Array(64).fill(255)),
  "JWT-04 DER": withSignature(asDer),
  "JWT-04 empty signature": withSignature(() => new Uint8Array()),
  "JWT-04 a byte short": withSignature((signature) => signature.subarray(0, 63)),
  "JWT-04 a byte long": withSignature((signature) => concatBytes(signature, Uint8Array.of(0))),
  "JWT-04 r and s exchanged": withSignature((signature) => concatBytes(s(signature), r(signature))),
  "JWT-04 one bit flipped": withSignature((signature) => signature.with(10, (signature[10] ?? 0) ^ 1)),
  "JWT-05 another's key under our kid": byAttacker((m) => m.header),
  "JWT-05 another's key in jwk": byAttacker((m, jwk) => ({ ...m.header, jwk })),
  "JWT-05 another's key in jwk, without kid": byAttacker((m, jwk) => ({ ...m.header, kid: undefined, jwk })),
  "JWT-05 jku": byAttacker((m) => ({ ...m.header, kid: "evil", jku: "http://localhost:8788/evil" })),
  "JWT-05 x5u": byAttacker((m) => ({ ...m.header, kid: "evil", x5u: "http://localhost:8788/evil" })),
  "JWT-05 x5c": byAttacker((m) => ({ ...m.header, x5c: ["MIIB"] })),
  "JWT-05 jku beside a good signature": withHeader({ jku: "http://localhost:8788/evil" }),
  "JWT-05 x5u beside a good signature": withHeader({ x5u: "http://localhost:8788/evil" }),
  "JWT-05 jwk beside a good signature": withHeader({ jwk: { kty: "EC" } }),
  ...Object.fromEntries(
    ["../../../etc/passwd", "' OR 1=1--", "x".repeat(10_000), "__proto__", "constructor", "toString", "\u0000", "evil", 1, null, [], {}, true].map((kid) => [
      `JWT-06 kid ${JSON.stringify(kid).slice(0, 20)}`,
      withHeader({ kid }),
    ]),
  ),
  "JWT-08 alg twice in the header": (m) => compact(m, twice(m.header, "alg", "none"), m.claims),
  "JWT-08 alg twice, once escaped": (m) => compact(m, twice(m.header, "alg", "none", '"\\u0061lg"'), m.claims),
  ...Object.fromEntries(["sub", "aud", "exp", "iss"].map((name) => [`JWT-08 ${name} twice`, withPayload((claims) => twice(claims, name, claims[name] ?? "x"))])),
  "JWT-08 sub twice, once escaped": withPayload((claims) => twice(claims, "sub", "evil", '"\\u0073ub"')),
  "JWT-08 a member twice, deep inside": withPayload((claims) => `{"deep":{"a":{"b":1,"b":2}},${JSON.stringify(claims).slice(1)}`),
  ...Object.fromEntries(["\n", " ", "\r\n", "\t", "=", "==", ".", "\u0000"].map((tail) => [`JWT-09 ${JSON.stringify(tail)} behind it`, after((jwt) => `${jwt}${tail}`)])),
  "JWT-09 a space before it": after((jwt) => ` ${jwt}`),
  "JWT-09 a space inside the signature": after((jwt) => `${jwt.slice(0, -5)} ${jwt.slice(-5)}`),
  "JWT-09 a newline inside the payload": after((jwt) => jwt.replace(".", ".\n")),
  "JWT-09 padding in the header": after((jwt) => jwt.replace(".", "=.")),
  "JWT-09 the alphabet of plain base64": after((jwt) => `${jwt.slice(0, -4)}+/+/`),
  "JWT-09 other bits behind the signature": after((jwt) => `${jwt.slice(0, -1)}${String.fromCharCode(jwt.charCodeAt(jwt.length - 1) + 1)}`),
  "JWT-11 flattened JSON": after((jwt) => {
    const [header, payload, signature] = jwt.split(".");
    return JSON.stringify({ protected: header, payload, signature });
  }),
  "JWT-11 general JSON with an unprotected alg": after((jwt) => {
    const [header, payload, signature] = jwt.split(".");
    return JSON.stringify({ payload, signatures: [{ protected: header, header: { alg: "none" }, signature }] });
  }),
  "JWT-13 encrypted to the key that verifies": async (m) => {
    const { kty, crv, x, y } = m.publicJwk;
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y } as JsonWebKey, { name: "ECDH", namedCurve: "P-256" }, true, []);
    return await new CompactEncrypt(bytesOf(JSON.stringify(m.claims))).setProtectedHeader({ ...m.header, alg: "ECDH-ES", enc: "A256GCM" }).encrypt(key);
  },
  "JWT-14 a payload in UTF-16": withPayload((claims) => new Uint8Array(Uint16Array.from(JSON.stringify(claims), (char) => char.charCodeAt(0)).buffer)),
  "JWT-14 a byte order mark": withPayload((claims) => `\ufeff${JSON.stringify(claims)}`),
  "JWT-14 bytes that are no UTF-8": withPayload((claims) => concatBytes(bytesOf(`{"x":"`), Uint8Array.of(0xff, 0xfe), bytesOf(`",${JSON.stringify(claims).slice(1)}`))),
  "JWT-14 an overlong character": withPayload((claims) => concatBytes(bytesOf(`{"x":"`), Uint8Array.of(0xc0, 0xaf), bytesOf(`",${JSON.stringify(claims).slice(1)}`))),
  "JWT-14 a lone surrogate": withPayload((claims) => `{"x":"\\ud800",${JSON.stringify(claims).slice(1)}`),
  "JWT-14 a lone surrogate in a name": withPayload((claims) => `{"\\udfff":1,${JSON.stringify(claims).slice(1)}`),
  "JWT-27 a JWT within a JWT": async (m) => await compact(m, { ...m.header, cty: "JWT" }, await properForm(m)),
  "JWT-27 cty beside plain claims": withHeader({ cty: "JWT" }),
  "a member that must be understood": withHeader({ crit: ["exp"], exp: 1 }),
  "an empty crit": withHeader({ crit: [] }),
  "crit naming what is not there": withHeader({ crit: ["b64"] }),
  "an unencoded payload": withHeader({ b64: false, crit: ["b64"] }),
  "a compressed payload": withHeader({ zip: "DEF" }),
  "a header that is a list": (m) => compact(m, [m.header], m.claims),
  "a header that is null": (m) => compact(m, "null", m.claims),
  "a header of two objects": (m) => compact(m, `${JSON.stringify(m.header)}{}`, m.claims),
  ...Object.fromEntries(["[]", "null", "1", '"x"', "{}", "", "{", "{'sub':1}"].map((text) => [`a payload ${text || "of nothing"}`, withPayload(() => text)])),
  "a payload thirteen levels deep": withPayload((claims) => ({ ...claims, deep: JSON.parse(`${"[".repeat(13)}${"]".repeat(13)}`) })),
  "two parts": after((jwt) => jwt.split(".").slice(0, 2).join(".")),
  "four parts": after((jwt) => `${jwt}.x`),
  "a part left empty": after((jwt) => jwt.replace(/\.[^.]+\./, "..")),
  "a changed payload": async (m) => {
    const [header, , signature] = (await properForm(m)).split(".");
    return `${header}.${part({ ...m.claims, extra: 1 })}.${signature}`;
  },
};
