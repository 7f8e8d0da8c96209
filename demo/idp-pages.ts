import type { DemoOrganisation } from "./users.ts";

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#eef1f5, #16191d); }
  main { width: min(22rem, 90vw); padding: 2rem; border-radius: .75rem; background: light-dark(#fff, #22272e); box-shadow: 0 1px 12px #0003; }
  h1 { margin: 0 0 .25rem; font-size: 1.25rem; }
  p { margin: 0 0 1.25rem; color: light-dark(#57606a, #9aa4af); }
  button { display: block; width: 100%; margin-top: .75rem; padding: .75rem 1rem; border: 1px solid light-dark(#d0d7de, #444c56); border-radius: .5rem;
    background: none; color: inherit; font: inherit; text-align: left; cursor: pointer; }
  button:hover, button:focus-visible { border-color: #0969da; outline: 2px solid #0969da55; }
  small { display: block; color: light-dark(#57606a, #9aa4af); }`;

/** The login page: every demo user is a button of one form, so a plain HTTP client can submit the field `login`. */
export function loginPage({ name, users }: DemoOrganisation, action: string, hint: string | undefined): string {
  const buttons = users.map(
    ({ login, givenName, familyName, groups }) =>
      `<button name="login" value="${login}"${login === hint ? " autofocus" : ""}>${givenName} ${familyName}<small>${login} · ${groups.join(", ")}</small></button>`,
  );
  return page(name, `<h1>${name}</h1><p>Log in as</p><form method="post" action="${escapeHtml(action)}">${buttons.join("")}</form>`);
}

/** The logout page: submits the provider's own form by itself, and shows a button where scripts do not run. */
export function logoutPage({ name }: DemoOrganisation, form: string): string {
  const submit = '<button form="op.logoutForm" name="logout" value="yes">Log out</button>';
  const script = '<script>document.querySelector("button").click()</script>';
  return page("Log out", `<h1>${name}</h1><p>Logging out</p>${form}${submit}${script}`);
}

/** A page that says one thing. */
export function messagePage(title: string, message: string): string {
  return page(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(message)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>${body}</main></body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
