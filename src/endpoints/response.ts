import type { Claims } from "../tokens/claims.ts";

// An answer takes its headers over from one of these: what the platform has read before it copies, a literal it reads anew.
const PRIVATE = new Response(null, { headers: { "cache-control": "no-store", pragma: "no-cache" } });
const PRIVATE_JSON = new Response(null, { headers: { "content-type": "application/json", "cache-control": "no-store", pragma: "no-cache" } });

/** A JSON answer that nobody may keep. */
export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonText(JSON.stringify(body), status, headers);
}

/** The same of a body that is JSON already. */
export function jsonText(body: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  const response = new Response(body, status === 200 ? PRIVATE_JSON : { status, headers: PRIVATE_JSON.headers });
  for (const name in headers) response.headers.set(name, headers[name] ?? "");
  return response;
}

/** A JSON document that is the same for everyone, and may be kept for `maxAge` seconds. Readable from any origin. */
export function publicJson(body: Claims, maxAge: number): Response {
  const headers = { "content-type": "application/json", "cache-control": `public, max-age=${maxAge}, must-revalidate`, "access-control-allow-origin": "*" };
  return new Response(JSON.stringify(body), { headers });
}

/** An empty answer that nobody may keep. */
export function empty(): Response {
  return new Response(null, PRIVATE);
}
