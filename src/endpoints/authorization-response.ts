import { html } from "hono/html";
import { page, submitAtOnce } from "./page.ts";

/** Where an authorization response goes, and how. */
export interface ResponseTarget {
  readonly redirectUri: string;
  readonly responseMode: "query" | "form_post";
  readonly state: string | undefined;
}

/**
 * Sends code or error to the application, with `iss` (RFC 9207) and the unchanged `state`: by a 303, or by a form that
 * posts itself (OAuth 2.0 Form Post Response Mode).
 */
export async function authorizationResponse(
  issuer: string,
  target: ResponseTarget,
  parameters: Readonly<Record<string, string>>,
  cookies: readonly string[] = [],
): Promise<Response> {
  const all = { ...parameters, ...(target.state === undefined ? {} : { state: target.state }), iss: issuer };
  const response = target.responseMode === "form_post" ? await formPost(target.redirectUri, all) : redirect(target.redirectUri, all);
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

function redirect(uri: string, parameters: Readonly<Record<string, string>>): Response {
  // The registered text stays as it is, byte for byte; a parsed and re-written URL could differ.
  const location = `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams(parameters)}`;
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" } });
}

function formPost(uri: string, parameters: Readonly<Record<string, string>>): Promise<Response> {
  const fields = Object.entries(parameters).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`);
  const body = html`<form method="post" action="${uri}">${fields}<p>This page goes on by itself. If it does not, press the button.</p><button>Continue</button></form>${submitAtOnce}`;
  return page("Continue to the application", body, { formAction: formActionOf(uri) });
}

/**
 * Where a form may lead that ends at an application, as a policy's `form-action`. Browsers hold every redirect behind the
 * form against it, the application's own included: so schemes, and https for wherever the application goes on to.
 */
export function formActionOf(uri: string): string {
  return [...new Set([new URL(uri).protocol, "https:"])].join(" ");
}
