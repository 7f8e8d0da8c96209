import { bytesOf, fillRandomly, fromBase64url, toBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import { textOf } from "../protocol/utf8.ts";
import { contextOf } from "./context.ts";
import type { KeyRing, Purpose } from "./keys.ts";

const NUMBER_BYTES = 2;
const NONCE_END = NUMBER_BYTES + 12;
const TAG_BYTES = 16;

/**
 * Seals a text with AES-GCM under the current token key: base64url of key number, fresh nonce and ciphertext. `label` is
 * bound as associated data, with the tenant: what was sealed for one place opens nowhere else.
 */
export async function seal(ring: KeyRing, purpose: Extract<Purpose, "seal" | "cookie">, label: string, text: string): Promise<string> {
  const number = ring.tokenKeyNumber();
  const key = await ring.tokenKey(number, purpose);
  if (key === undefined) throw new Rejection("unavailable", { note: "token key" });
  const plain = bytesOf(text);
  const sealed = new Uint8Array(NONCE_END + plain.length + TAG_BYTES);
  sealed[0] = number >> 8;
  sealed[1] = number & 255;
  const nonce = sealed.subarray(NUMBER_BYTES, NONCE_END);
  fillRandomly(nonce);
  sealed.set(new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: contextOf(ring, label) }, key, plain)), NONCE_END);
  return toBase64url(sealed);
}

/** Opens what `seal` made for the same place; undefined for anything else. */
export async function unseal(ring: KeyRing, purpose: Extract<Purpose, "seal" | "cookie">, label: string, sealed: string): Promise<string | undefined> {
  const bytes = fromBase64url(sealed);
  if (bytes === undefined || bytes.length <= NONCE_END) return undefined;
  const key = await ring.tokenKey(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), purpose);
  if (key === undefined) return undefined;
  const nonce = bytes.subarray(NUMBER_BYTES, NONCE_END);
  try {
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: contextOf(ring, label) }, key, bytes.subarray(NONCE_END));
    return textOf(new Uint8Array(opened));
  } catch {
    return undefined;
  }
}
