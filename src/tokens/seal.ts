import { bytesOf, concatBytes, fromBase64url, randomBytes, toBase64url } from "../protocol/bytes.ts";
import { Rejection } from "../protocol/rejection.ts";
import type { KeyRing, Purpose } from "./keys.ts";

const NONCE_BYTES = 12;
const NUMBER_BYTES = 2;

/**
 * Seals a text with AES-GCM under the current token key: base64url of key number, fresh nonce and ciphertext. `label` is
 * bound as associated data, with the tenant: what was sealed for one place opens nowhere else.
 */
export async function seal(ring: KeyRing, purpose: Extract<Purpose, "seal" | "cookie">, label: string, text: string): Promise<string> {
  const number = ring.tokenKeyNumber();
  const key = await ring.tokenKey(number, purpose);
  if (key === undefined) throw new Rejection("unavailable", { note: "token key" });
  const nonce = randomBytes(NONCE_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: associatedData(ring, label) }, key, bytesOf(text));
  return toBase64url(concatBytes(Uint8Array.of(number >> 8, number & 255), nonce, new Uint8Array(sealed)));
}

/** Opens what `seal` made for the same place; undefined for anything else. */
export async function unseal(ring: KeyRing, purpose: Extract<Purpose, "seal" | "cookie">, label: string, sealed: string): Promise<string | undefined> {
  const bytes = fromBase64url(sealed);
  if (bytes === undefined || bytes.length <= NUMBER_BYTES + NONCE_BYTES) return undefined;
  const key = await ring.tokenKey(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0), purpose);
  if (key === undefined) return undefined;
  const nonce = bytes.subarray(NUMBER_BYTES, NUMBER_BYTES + NONCE_BYTES);
  try {
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData: associatedData(ring, label) }, key, bytes.subarray(NUMBER_BYTES + NONCE_BYTES));
    return new TextDecoder().decode(opened);
  } catch {
    return undefined;
  }
}

function associatedData(ring: KeyRing, label: string): Uint8Array<ArrayBuffer> {
  return bytesOf(`${ring.issuer}\n${label}`);
}
