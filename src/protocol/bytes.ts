const utf8 = new TextEncoder();
const ALPHABET = "base64url";
const STRICT = { alphabet: ALPHABET, lastChunkHandling: "strict" } as const;
const UNPADDED = { alphabet: ALPHABET, omitPadding: true } as const;

/** The bytes of a text in UTF-8. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  // An encoder always makes a buffer of its own; only its type does not say so.
  return utf8.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Base64url without padding, RFC 4648 §5. */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64(UNPADDED);
}

/**
 * Reads base64url and refuses every spelling but the canonical one: no padding, no white space, no other alphabet,
 * no stray bits at the end. Two texts never stand for the same bytes.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const rest = text.length % 4;
  if (rest === 1) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(rest === 0 ? text : text + "=".repeat(4 - rest), STRICT);
    // White space is read over, and so is padding of the text's own: then it holds fewer bytes than its length says.
    return bytes.length === Math.floor((text.length * 3) / 4) ? bytes : undefined;
  } catch {
    return undefined;
  }
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
const pool = new Uint8Array(1024);
let used = pool.length;

function drawn<Result>(length: number, take: (bytes: Uint8Array) => Result): Result {
  if (used + length > pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + length);
  used += length;
  const taken = take(bytes);
  bytes.fill(0);
  return taken;
}

/** Fills at most 1024 bytes from the platform's random generator. */
export function fillRandomly(bytes: Uint8Array): void {
  drawn(bytes.length, (random) => bytes.set(random));
}

/** `length` random bytes in base64url, at most 1024. Sixteen are the 128 bits of every id and secret. */
export function randomId(length = 16): string {
  return drawn(length, toBase64url);
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
