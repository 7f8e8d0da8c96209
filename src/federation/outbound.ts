import { readBody } from "../protocol/form.ts";
import { type JsonObject, parseStrictJson } from "../protocol/json.ts";
import { isLocalhost } from "../tenants/primitives.ts";

const DEADLINE_MILLISECONDS = 5000;
const BODY_LIMIT_BYTES = 262_144;

/** What an IdP answered, or why there is no answer. Nothing of it is trusted. */
export type Answer = { readonly status: number; readonly body: JsonObject } | { readonly failure: "unreachable" | "invalid" };

/**
 * Asks a corporate IdP for JSON, within bounds: five seconds for all of it, at most 256 KiB, no redirects, https (http for
 * localhost only). Never throws.
 */
export async function askIdentityProvider(url: string, init: RequestInit = {}): Promise<Answer> {
  if (!isAllowed(url)) return { failure: "invalid" };
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(DEADLINE_MILLISECONDS) });
    return await read(response);
  } catch {
    return { failure: "unreachable" };
  }
}

async function read(response: Response): Promise<Answer> {
  const type = (response.headers.get("content-type") ?? "").toLowerCase();
  if (response.status >= 500) return { failure: "unreachable" };
  if (response.status >= 300 && response.status < 400) return { failure: "invalid" };
  if (!/^application\/([a-z0-9.-]+\+)?json\b/.test(type)) return { failure: "invalid" };
  const body = parseStrictJson(await readBody(response, BODY_LIMIT_BYTES));
  return body === undefined ? { failure: "invalid" } : { status: response.status, body };
}

function isAllowed(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLocalhost(url.hostname));
}
