const utf8 = new TextEncoder();
const ALPHABET = "base64url";

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  // An encoder always makes a buffer of its own; only its type does not say so.
  return utf8.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Base64url without padding, RFC 4648 §5. */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: ALPHABET, omitPadding: true });
}

/**
 * Reads base64url and refuses every spelling but the canonical one: no padding, no white space, no other alphabet,
 * no stray bits at the end. Two texts never stand for the same bytes.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Uint8Array.fromBase64(text, { alphabet: ALPHABET });
  // Only what follows the last whole group of four can be spelled in two ways.
  const rest = text.length % 4;
  return rest === 0 || toBase64url(bytes.subarray(1 - rest)) === text.slice(-rest) ? bytes : undefined;
}

/** Reads base64 in the standard alphabet, RFC 4648 §4, with white space as other encoders break lines; undefined for what is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return /^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text) ? Uint8Array.fromBase64(text) : undefined;
  } catch {
    return undefined;
  }
}

/** The canonical spelling of what another encoder wrote: padded, in the standard alphabet, with stray bits. Anything else stays as it is. */
export function recodeBase64url(text: string): string {
  const plain = text
    .replace(/={1,2}$/, "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  return /^[A-Za-z0-9_-]*$/.test(plain) && plain.length % 4 !== 1 ? toBase64url(Uint8Array.fromBase64(plain, { alphabet: ALPHABET })) : text;
}

// Drawn ahead: each draw is a call into the platform. Every byte is given out once, and not kept here.
const POOL_BYTES = 1024;
let pool = new Uint8Array(0);

/** At most 1024 bytes of the platform's random generator. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  if (pool.byteLength < length) pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
  const drawn = pool.slice(0, length);
  pool.fill(0, 0, length);
  pool = pool.subarray(length);
  return drawn;
}

/** `length` random bytes in base64url. Sixteen are the 128 bits of every id and secret. */
export function randomId(length = 16): string {
  return toBase64url(randomBytes(length));
}

/** SHA-256 in base64url: what is kept of a secret. */
export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", typeof data === "string" ? bytesOf(data) : data)));
}

/** Compares two texts in a time that tells nothing of where they differ. Unequal lengths are unequal texts. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = bytesOf(a);
  const right = bytesOf(b);
  // timingSafeEqual throws on unequal lengths: then the left side is compared with itself, for the same work.
  const comparable = left.byteLength === right.byteLength;
  return crypto.subtle.timingSafeEqual(left, comparable ? right : left) && comparable;
}

/** Joins pieces of bytes into one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}
