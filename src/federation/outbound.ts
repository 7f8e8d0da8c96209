import { readBody } from "../protocol/form.ts";
import { type JsonObject, parseStrictJson } from "../protocol/json.ts";
import { Rejection } from "../protocol/rejection.ts";
import { isOutboundUrl } from "../protocol/uri.ts";

const DEADLINE_MILLISECONDS = 5000;
const BODY_LIMIT_BYTES = 262_144;

/** What an IdP answered, or why there is no answer. Nothing of it is trusted. */
export type Answer = { readonly status: number; readonly body: JsonObject } | { readonly failure: "unreachable" | "invalid" };

/**
 * Asks a corporate IdP for JSON, within bounds: five seconds for all of it, at most 256 KiB, no redirects, https at a public
 * name (http for localhost only). Never throws.
 */
export async function askIdentityProvider(url: string, init: RequestInit = {}): Promise<Answer> {
  if (!isOutboundUrl(url)) return { failure: "invalid" };
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(DEADLINE_MILLISECONDS) });
    const failure = failureOf(response);
    if (failure === undefined) return await read(response);
    await response.body?.cancel();
    return { failure };
  } catch (cause) {
    return { failure: cause instanceof Rejection && cause.reason === "body_too_large" ? "invalid" : "unreachable" };
  }
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
