import { concatBytes } from "./bytes.ts";
import { Rejection } from "./rejection.ts";

/**
 * Reads the body of a request, of at most `limit` bytes. Where its length is announced HTTP lets no more in, and all of it is
 * taken at once; where it is not, reading stops as soon as there is more than may be.
 */
export async function readRequestBody(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const { headers } = request;
  const announced = await announcedLength(request, limit);
  // RFC 9112 §6.3: what comes in chunks is as long as its chunks are, whatever else is said of it.
  if (announced === 0 || headers.has("transfer-encoding")) return await readBody(request, limit);
  const body = new Uint8Array(await request.arrayBuffer().catch(brokenOff));
  if (body.byteLength > announced) throw new Rejection("body_too_large");
  return body;
}

/** Reads a body of at most `limit` bytes; stops reading as soon as there are more, whatever Content-Length says. */
export async function readBody(message: Request | Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  await announcedLength(message, limit);
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
  return concatBytes(...chunks);
}

// Zero where nothing is announced, or nothing that is a length.
async function announcedLength({ headers, body }: Request | Response, limit: number): Promise<number> {
  const announced = Number(headers.get("content-length") ?? 0);
  if (announced > limit) {
    await body?.cancel();
    throw new Rejection("body_too_large");
  }
  return announced > 0 ? announced : 0;
}

function brokenOff(cause: unknown): never {
  throw new Rejection("malformed_form", { note: "the body broke off", cause });
}
