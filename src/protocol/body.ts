import { Rejection } from "./rejection.ts";

/**
 * Reads the body of a request, of at most `limit` bytes. Where its length is announced it is taken in one read, of no more
 * than that; where it is not, reading stops as soon as there is more than may be.
 */
export async function readRequestBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = announcedLength(request);
  // RFC 9112 §6.3: what comes in chunks is as long as its chunks are, whatever else is said of it.
  const isCounted = announced > 0 && announced <= limit && !request.headers.has("transfer-encoding");
  const reader = isCounted ? byteReader(request.body) : undefined;
  if (reader === undefined) return await readBody(request, limit);
  // With room for one byte more than there should be.
  const { value } = await reader.readAtLeast(announced, new Uint8Array(announced + 1)).catch(brokenOff);
  if (value !== undefined && value.byteLength <= announced) return value;
  await reader.cancel();
  throw new Rejection("body_too_large");
}

// The platform's own way of reading so much at once.
interface ByteReader {
  readAtLeast(least: number, into: Uint8Array<ArrayBuffer>): Promise<{ readonly value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

// Undefined for a body that is none, or no stream of bytes.
function byteReader(body: Request["body"]): ByteReader | undefined {
  try {
    return body?.getReader({ mode: "byob" }) as unknown as ByteReader | undefined;
  } catch {
    return undefined;
  }
}

/** Reads a body of at most `limit` bytes; stops reading as soon as there are more, whatever Content-Length says. */
export async function readBody(message: Request | Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  if (announcedLength(message) > limit) {
    await message.body?.cancel();
    throw new Rejection("body_too_large");
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = message.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read().catch(brokenOff);
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      await reader.cancel();
      throw new Rejection("body_too_large");
    }
    chunks.push(value);
  }
  return joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

// Zero where nothing is announced, or nothing that is a length.
function announcedLength({ headers }: Request | Response): number {
  const announced = Number(headers.get("content-length") ?? 0);
  return Number.isInteger(announced) && announced > 0 ? announced : 0;
}

function brokenOff(cause: unknown): never {
  throw new Rejection("malformed_form", { note: "the body broke off", cause });
}
