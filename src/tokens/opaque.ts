import { concatBytes, fromBase64url, randomId, sha256, toBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
import { contextOf } from "./context.ts";
import type { KeyRing } from "./keys.ts";

/** What an opaque token is, by its prefix. `session` is the browser's cookie, `saml` the id of an assertion, `sid` a reference without a secret. */
export type OpaqueKind = "at" | "rt" | "code" | "sso" | "session" | "sid" | "saml";

/** An opaque token taken apart, or about to be put together. It says where its record lies; what it grants stands there. */
export interface OpaqueToken {
  readonly kind: OpaqueKind;
  readonly keyNumber: number;
  readonly family: FamilyId;
  /** With `node` the key of the record's row; empty for what hangs at the root. */
  readonly parent: NodeId;
  readonly node: NodeId;
  readonly generation: number;
  /** 128 random or derived bits in base64url; none in a reference. */
  readonly secret: string;
}

const VERSION = 1;
const MAC_BYTES = 16;
const ID_BYTES = 16;
// Where each part begins: version and key number, family, then parent, node, generation and secret; a reference has its node alone.
const FAMILY = 3;
const PARENT = FAMILY + 32;
const NODE = PARENT + ID_BYTES;
const GENERATION = NODE + ID_BYTES;
const SECRET = GENERATION + 4;
const BODY_BYTES = SECRET + ID_BYTES;
const REFERENCE_BYTES = PARENT + ID_BYTES;
const NO_ID = "A".repeat(22);
const BASE64URL = { alphabet: "base64url" } as const;

/** A new secret, and the hash that is kept of it. */
export async function newSecret(): Promise<{ readonly secret: string; readonly hash: string }> {
  const secret = randomId();
  return { secret, hash: await sha256(secret) };
}

/**
 * Writes an opaque token: prefix, version, key number, family, place, generation, secret, and a MAC over all of it and the
 * tenant, so that junk is refused before any storage is touched. Starts with a letter: a valid `xs:ID`.
 */
export async function writeOpaque(ring: KeyRing, token: OpaqueToken): Promise<string> {
  const context = contextOf(ring, `${token.kind}\n`);
  const bytes = behind(context, token);
  const mac = await macOf(await keyOf(ring, token.keyNumber, "mac"), bytes.subarray(0, -MAC_BYTES));
  bytes.set(mac, bytes.length - MAC_BYTES);
  return prefixOf(token.kind) + toBase64url(bytes.subarray(context.length));
}

/** Reads an opaque token of one kind: exact length, canonical text, MAC. Undefined for anything that we did not write for this tenant. */
export async function readOpaque(ring: KeyRing, kind: OpaqueKind, text: string): Promise<OpaqueToken | undefined> {
  const prefix = prefixOf(kind);
  const bytes = text.length < 200 && text.startsWith(prefix) ? fromBase64url(text.slice(prefix.length)) : undefined;
  const length = kind === "sid" ? REFERENCE_BYTES : BODY_BYTES;
  if (bytes === undefined || bytes.length !== length + MAC_BYTES || bytes[0] !== VERSION) return undefined;
  const keyNumber = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
  const key = await ring.tokenKey(keyNumber, "mac");
  if (key === undefined) return undefined;
  const body = bytes.subarray(0, length);
  const mac = await macOf(key, concatBytes(contextOf(ring, `${kind}\n`), body));
  return crypto.subtle.timingSafeEqual(bytes.subarray(length), mac) ? parse(kind, keyNumber, body) : undefined;
}

/** The successor of a refresh token: the same for the same token and key, so that it need not be kept to be given again. */
export async function successorOf(ring: KeyRing, token: OpaqueToken, keyNumber: number): Promise<OpaqueToken> {
  const secret = await macOf(await keyOf(ring, keyNumber, "successor"), behind(contextOf(ring, ""), token).subarray(0, -MAC_BYTES));
  return { ...token, keyNumber, generation: token.generation + 1, secret: toBase64url(secret) };
}

/** The word in the prefix of what could be an opaque token of ours; empty for anything else. */
export function wordOf(text: string): string {
  return /^cambio_([a-z]+)_/.exec(text)?.[1] ?? "";
}

function prefixOf(kind: OpaqueKind): string {
  return `cambio_${kind}_`;
}

// The bytes of a token behind those that bind it, and room for a MAC.
function behind(context: Uint8Array, token: OpaqueToken): Uint8Array<ArrayBuffer> {
  const length = token.kind === "sid" ? REFERENCE_BYTES : BODY_BYTES;
  const bytes = new Uint8Array(context.length + length + MAC_BYTES);
  bytes.set(context);
  const body = bytes.subarray(context.length);
  body[0] = VERSION;
  body[1] = token.keyNumber >> 8;
  body[2] = token.keyNumber & 255;
  body.subarray(FAMILY, PARENT).setFromHex(token.family);
  if (token.kind === "sid") body.subarray(PARENT, REFERENCE_BYTES).setFromBase64(token.node, BASE64URL);
  else {
    // An empty text leaves zeros.
    body.subarray(PARENT, NODE).setFromBase64(token.parent, BASE64URL);
    body.subarray(NODE, GENERATION).setFromBase64(token.node, BASE64URL);
    new DataView(body.buffer, body.byteOffset).setUint32(GENERATION, token.generation);
    body.subarray(SECRET, BODY_BYTES).setFromBase64(token.secret, BASE64URL);
  }
  return bytes;
}

function parse(kind: OpaqueKind, keyNumber: number, body: Uint8Array<ArrayBuffer>): OpaqueToken {
  const idAt = (offset: number) => toBase64url(body.subarray(offset, offset + ID_BYTES));
  const family = body.subarray(FAMILY, PARENT).toHex();
  if (kind === "sid") return { kind, keyNumber, family, parent: "", node: idAt(PARENT), generation: 0, secret: "" };
  const parent = idAt(PARENT);
  const generation = new DataView(body.buffer, body.byteOffset).getUint32(GENERATION);
  return { kind, keyNumber, family, parent: parent === NO_ID ? "" : parent, node: idAt(NODE), generation, secret: idAt(SECRET) };
}

async function keyOf(ring: KeyRing, number: number, purpose: "mac" | "successor"): Promise<CryptoKey> {
  const key = await ring.tokenKey(number, purpose);
  if (key === undefined) throw new Rejection("unavailable", { note: `${purpose} key` });
  return key;
}

async function macOf(key: CryptoKey, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes), 0, MAC_BYTES);
}
