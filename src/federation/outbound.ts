import { readBody } from "../protocol/body.ts";
import { type JsonObject, parseStrictJson } from "../protocol/json.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isOutboundUrl } from "../protocol/uri.ts";
import { BODY_LIMIT_BYTES, DEADLINE_MILLISECONDS } from "./bounds.ts";

/** What an IdP answered, or why there is no answer. Nothing of it is trusted. */
export type Answer = { readonly status: number; readonly body: JsonObject } | { readonly failure: "unreachable" | "invalid" };

/** The time that questions have which belong together: five seconds for all of them, from `began` (milliseconds). */
export function deadline(began = Date.now()): AbortSignal {
  return AbortSignal.timeout(Math.max(0, began + DEADLINE_MILLISECONDS - Date.now()));
}

/**
 * The one gate for whatever we ask a corporate IdP. JSON, within bounds: five seconds for all of it (or what is left of the
 * `signal` given), at most 256 KiB decoded, no redirects, https at a public name (http for localhost only). Never throws.
 */
export async function askIdentityProvider(url: string, init: RequestInit = {}): Promise<Answer> {
  if (!isOutboundUrl(url)) return { failure: "invalid" };
  const signal = init.signal ?? deadline();
  const late = new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  try {
    // An answer that drips in is late too, whatever became of the connection.
    return await Promise.race([ask(url, { ...init, redirect: "manual", signal }), late]);
  } catch (cause) {
    return { failure: cause instanceof Rejection && cause.reason === "body_too_large" ? "invalid" : "unreachable" };
  }
}

async function ask(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const failure = failureOf(response);
  if (failure === undefined) return await read(response);
  await response.body?.cancel();
  return { failure };
}

function failureOf(response: Response): "unreachable" | "invalid" | undefined {
  const type = (response.headers.get("content-type") ?? "").toLowerCase();
  if (response.status >= 500) return "unreachable";
  if (response.status >= 300 && response.status < 400) return "invalid";
  return /^application\/([a-z0-9.-]+\+)?json\b/.test(type) ? undefined : "invalid";
}

async function read(response: Response): Promise<Answer> {
  const body = parseStrictJson(await readBody(response, BODY_LIMIT_BYTES));
  return body === undefined ? { failure: "invalid" } : { status: response.status, body };
}
