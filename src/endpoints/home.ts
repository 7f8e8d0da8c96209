import { html } from "hono/html";
import type { Exchange } from "../service.ts";
import { page } from "./page.ts";

/** `GET /`: what this is. */
export async function home({ tenant }: Exchange): Promise<Response> {
  const link = (path: string, text: string) => html`<li><a href="${path}">${text}</a></li>`;
  return await page(
    tenant.settings.displayName ?? "Cambio",
    html`<p>An OAuth 2.0 token exchange server.</p>
      <p>Issuer <code>${tenant.issuer}</code></p>
      <ul>
        ${link("/.well-known/openid-configuration", "OpenID Connect discovery")} ${link("/.well-known/oauth-authorization-server", "OAuth 2.0 metadata")}
        ${link("/oauth2/certs", "Key set")} ${link("/health/ready", "Health")}
      </ul>`,
  );
}
