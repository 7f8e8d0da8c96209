import { html, raw } from "hono/html";

// The one script that a page of ours may hold: a form that posts itself. The policy names its hash, so no other can run.
const SUBMIT_SCRIPT = "document.forms[0].submit()";
const SUBMIT_SCRIPT_HASH = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

/** The policy of every page: no script but the one above, no frame, no form that goes anywhere but to the place named. */
function pageHeaders(formAction = "'self'"): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'unsafe-inline'; script-src '${SUBMIT_SCRIPT_HASH}'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  };
}

/** Posts the page's one form at once; the button stays for browsers without scripts. */
export const submitAtOnce = html`<script>${raw(SUBMIT_SCRIPT)}</script>`;

type Html = ReturnType<typeof html>;

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center }
  main { max-width: 30rem; padding: 2rem }
  h1 { font-size: 1.4rem; line-height: 1.25 }
  button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #1f5fbf; color: #fff; cursor: pointer }
  button:hover, button:focus-visible { background: #174a96 }
  code { overflow-wrap: anywhere }
  small { opacity: .7 }
`;

/** A plain page: a title and what is below it. Every value in `body` is escaped by the template that made it. */
export async function page(
  title: string,
  body: Html,
  init: { readonly status?: number; readonly formAction?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  const text = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
  return new Response(String(text), { status: init.status ?? 200, headers: { ...pageHeaders(init.formAction), ...init.headers } });
}

/** The page of a refusal that cannot be sent to an application: one sentence, and the trace to ask support with. */
export function errorPage(status: number, description: string, trace: string, retryAfter?: number): Promise<Response> {
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return page("This did not work", html`<p>${description}</p><p><small>Trace <code>${trace}</code></small></p>`, { status, headers });
}
