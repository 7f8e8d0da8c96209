import { expect } from "vitest";
import type { World } from "../world.ts";

/** The endpoints that applications post forms to. */
export const FORM_ENDPOINTS = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] as const;

/** A confidential client of the demo tenant that has client credentials. */
export const WORKER = ["billing-worker", "billing-worker-secret"] as const;

/** The form of a request that succeeds as `WORKER`, at each of those endpoints. */
export const GOOD_FORM: Readonly<Record<(typeof FORM_ENDPOINTS)[number], string>> = {
  "/oauth2/token": "grant_type=client_credentials",
  "/oauth2/introspect": "token=junk",
  "/oauth2/revoke": "token=junk",
};

/** The same, with its credentials in the body. */
export function goodBody(endpoint: (typeof FORM_ENDPOINTS)[number]): string {
  return `${GOOD_FORM[endpoint]}&client_id=${WORKER[0]}&client_secret=${WORKER[1]}`;
}

/** Status and error of a refusal, after checking what every refusal to an application has, and has not. */
export async function refusal(response: Response): Promise<string> {
  const text = await response.text();
  const body = JSON.parse(text) as Record<string, unknown>;
  expect(Object.keys(body)).toEqual(["error", "error_description"]);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(response.headers.get("cambio-trace")).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(response.headers.has("retry-after")).toBe(response.status === 503);
  return `${response.status} ${body.error}`;
}

/** Headers and body of an answer without what is drawn anew for each: to compare two answers byte by byte. */
export async function bytesOfAnswer(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== "cambio-trace");
  return JSON.stringify([response.status, headers, await response.text()]);
}

/** The last audit line, taken apart. */
export function lastLineOf(w: World): Record<string, unknown> {
  return JSON.parse(w.lines.at(-1) ?? "{}");
}
