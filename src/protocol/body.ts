import { Rejection } from "./rejection.ts";

/**
 * Reads the body of a request, of at most `limit` bytes. Where its length is announced it ends there, and nothing waits for
 * the sender to say so; where it is not, reading stops as soon as there is more than may be.
 */
export async function readRequestBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const announced = announcedLength(request);
  // RFC 9112 §6.3: what comes in chunks is as long as its chunks are, whatever else is said of it.
  const isCounted = announced > 0 && !request.headers.has("transfer-encoding");
  return await read(request.body, limit, announced, isCounted ? announced : undefined);
}

/** Reads a body of at most `limit` bytes; stops reading as soon as there are more, whatever Content-Length says. */
export async function readBody(message: Request | Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  return await read(message.body, limit, announcedLength(message));
}

async function read(body: Request["body"], limit: number, announced: number, end?: number): Promise<Uint8Array<ArrayBuffer>> {
  if (announced > limit) {
    await body?.cancel();
    throw new Rejection("body_too_large");
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = body?.getReader();
  while (reader !== undefined && length !== end) {
    const { done, value } = await reader.read().catch(brokenOff);
    if (done) break;
    length += value.byteLength;
    if (length > (end ?? limit)) {
      await reader.cancel();
      throw new Rejection("body_too_large");
    }
    chunks.push(value);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : joined(chunks, length);
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
  return announced > 0 ? announced : 0;
}

function brokenOff(cause: unknown): never {
  throw new Rejection("malformed_form", { note: "the body broke off", cause });
}
