import { basic, ISSUER, operatorToken, type World } from "../world.ts";

/** An answer of the JSON API. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Who asks: the operator, or a client of the demo tenant. */
export type Caller = "operator" | { readonly client: string };

/** Asks the JSON API. A body that is no text is sent as JSON. */
export async function api(w: World, caller: Caller, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const answer = await w.fetch(path, await apiRequest(caller, method, path, body));
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** The request that `api` sends. */
export async function apiRequest(caller: Caller, method: string, path: string, body?: unknown): Promise<RequestInit> {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const authorization = caller === "operator" ? `Bearer ${await operatorToken(ISSUER, method, path, text)}` : basic(caller.client, `${caller.client}-secret`);
  return { method, headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) }, ...(body === undefined ? {} : { body: text }) };
}
