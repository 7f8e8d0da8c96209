import { html, raw } from "hono/html";

// The one script that a page of ours may hold: a form that posts itself. The policy names its hash, so no other can run.
const SUBMIT_SCRIPT = "document.forms[0].submit()";
const SUBMIT_SCRIPT_HASH = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

/** The policy of every page: no script but the one above, no frame, no form that goes anywhere but to the place named. */
function pageHeaders(formAction = "'self'", frames = "'none'"): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `default-src 'none'; style-src 'unsafe-inline'; script-src '${SUBMIT_SCRIPT_HASH}'; form-action ${formAction}; frame-src ${frames}; frame-ancestors 'none'; base-uri 'none'`,
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  };
}

/** Posts the page's one form at once; the button stays for browsers without scripts. */
export const submitAtOnce = raw(`<script>${SUBMIT_SCRIPT}</script>`);

type Html = ReturnType<typeof html>;

const STYLE = `
  :root { color-scheme: light dark; --ground: #eef1f5; --card: #fff; --line: #d5dae1; --muted: #55606e; --action: #1f5fbf; --pressed: #174a96; font: 16px/1.5 system-ui, sans-serif }
  @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1e2328; --line: #3a424c; --muted: #a3adb9; --action: #2b6fd6; --pressed: #1f5fbf } a { color: #8ab8ff } }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground) }
  main { box-sizing: border-box; width: min(30rem, 100% - 2rem); margin: 1rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem }
  h1 { margin: 0 0 1rem; font-size: 1.4rem; line-height: 1.25; overflow-wrap: anywhere }
  p { overflow-wrap: anywhere }
  form { margin: 1.5rem 0 0 }
  button { font: inherit; max-width: 100%; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: var(--action); color: #fff; cursor: pointer; overflow-wrap: anywhere }
  button:hover, button:focus-visible { background: var(--pressed) }
  ul { padding-left: 1.2rem }
  code { overflow-wrap: anywhere }
  small { color: var(--muted) }
`;

/** A plain page: a title and what is below it. Every value in `body` is escaped by the template that made it. */
export async function page(
  title: string,
  body: Html,
  init: { readonly status?: number; readonly formAction?: string; readonly frames?: string; readonly headers?: Record<string, string> } = {},
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
  return new Response(String(text), { status: init.status ?? 200, headers: { ...pageHeaders(init.formAction, init.frames), ...init.headers } });
}

/** The page of a refusal that cannot be sent to an application: one sentence, and the trace to ask support with. */
export function errorPage(status: number, description: string, trace: string, retryAfter?: number): Promise<Response> {
  const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return page("This did not work", html`<p>${description}</p><p><small>Trace <code>${trace}</code></small></p>`, { status, headers });
}
