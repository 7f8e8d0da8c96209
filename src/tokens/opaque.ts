import { bytesOf, concatBytes, fromBase64url, randomId, sha256, toBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { FamilyId, NodeId } from "../storage/lineage.ts";
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
const FAMILY_BYTES = 32;
const HEADER_BYTES = 3;
// version, key number, family, parent, node, generation, secret
const BODY_BYTES = HEADER_BYTES + FAMILY_BYTES + ID_BYTES + ID_BYTES + 4 + ID_BYTES;
const REFERENCE_BYTES = HEADER_BYTES + FAMILY_BYTES + ID_BYTES;

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
  const body = bodyOf(token);
  return `${prefixOf(token.kind)}${toBase64url(concatBytes(body, await mac(ring, token.kind, token.keyNumber, body)))}`;
}

/** Reads an opaque token of one kind: exact length, canonical text, MAC. Undefined for anything that we did not write for this tenant. */
export async function readOpaque(ring: KeyRing, kind: OpaqueKind, text: string): Promise<OpaqueToken | undefined> {
  const prefix = prefixOf(kind);
  const bytes = text.length < 200 && text.startsWith(prefix) ? fromBase64url(text.slice(prefix.length)) : undefined;
  const length = kind === "sid" ? REFERENCE_BYTES : BODY_BYTES;
  if (bytes === undefined || bytes.length !== length + MAC_BYTES || bytes[0] !== VERSION) return undefined;
  const body = bytes.slice(0, length);
  const keyNumber = ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);
  if ((await ring.tokenKey(keyNumber, "mac")) === undefined) return undefined;
  if (!crypto.subtle.timingSafeEqual(bytes.slice(length), await mac(ring, kind, keyNumber, body))) return undefined;
  return parse(kind, keyNumber, body);
}

/** The successor of a refresh token: the same for the same token and key, so that it need not be kept to be given again. */
export async function successorOf(ring: KeyRing, token: OpaqueToken, keyNumber: number): Promise<OpaqueToken> {
  const key = await ring.tokenKey(keyNumber, "successor");
  if (key === undefined) throw new Rejection("unavailable", { note: "successor key" });
  const derived = await crypto.subtle.sign("HMAC", key, concatBytes(bytesOf(`${ring.issuer}\n`), bodyOf(token)));
  return { ...token, keyNumber, generation: token.generation + 1, secret: toBase64url(new Uint8Array(derived, 0, ID_BYTES)) };
}

/** The word in the prefix of what could be an opaque token of ours; empty for anything else. */
export function wordOf(text: string): string {
  return /^cambio_([a-z]+)_/.exec(text)?.[1] ?? "";
}

function prefixOf(kind: OpaqueKind): string {
  return `cambio_${kind}_`;
}

function bodyOf(token: OpaqueToken): Uint8Array<ArrayBuffer> {
  const header = Uint8Array.of(VERSION, token.keyNumber >> 8, token.keyNumber & 255);
  const family = Uint8Array.fromHex(token.family);
  if (token.kind === "sid") return concatBytes(header, family, idBytes(token.node));
  const generation = new Uint8Array(4);
  new DataView(generation.buffer).setUint32(0, token.generation);
  return concatBytes(header, family, idBytes(token.parent), idBytes(token.node), generation, idBytes(token.secret));
}

function parse(kind: OpaqueKind, keyNumber: number, body: Uint8Array<ArrayBuffer>): OpaqueToken {
  let offset = HEADER_BYTES;
  const next = (length: number) => {
    offset += length;
    return body.slice(offset - length, offset);
  };
  const family = next(FAMILY_BYTES).toHex();
  if (kind === "sid") return { kind, keyNumber, family, parent: "", node: toBase64url(next(ID_BYTES)), generation: 0, secret: "" };
  const parent = next(ID_BYTES);
  const node = toBase64url(next(ID_BYTES));
  const generation = new DataView(next(4).buffer).getUint32(0);
  return { kind, keyNumber, family, parent: parent.some((byte) => byte !== 0) ? toBase64url(parent) : "", node, generation, secret: toBase64url(next(ID_BYTES)) };
}

function idBytes(id: NodeId): Uint8Array {
  return (id === "" ? undefined : fromBase64url(id)) ?? new Uint8Array(ID_BYTES);
}

async function mac(ring: KeyRing, kind: OpaqueKind, keyNumber: number, body: Uint8Array): Promise<Uint8Array> {
  const key = await ring.tokenKey(keyNumber, "mac");
  if (key === undefined) throw new Rejection("unavailable", { note: "mac key" });
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, concatBytes(bytesOf(`${ring.issuer}\n${kind}\n`), body)), 0, MAC_BYTES);
}
