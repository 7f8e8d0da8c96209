import { createHash, randomBytes } from "node:crypto";
import * as z from "zod/mini";
import { logIn } from "./browser.ts";
import type { Credentials, Stage } from "./stage.ts";

/** An application of the demo tenant that logs users in. */
export interface Application extends Partial<Credentials> {
  readonly id: string;
  readonly redirectUri: string;
}

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string(), id_token: z.string() });

/** The tokens of a login. */
export type LoginTokens = z.output<typeof Tokens>;

/** The applications of the demo tenant, with their credentials. */
export const APPLICATIONS = {
  mobileApp: { id: "mobile-app", redirectUri: "http://127.0.0.1:49152/callback" },
  webApp: { id: "web-app", secret: "web-app-secret", redirectUri: "http://localhost:8789/callback" },
  frontEnd: { id: "front-end-app", secret: "front-end-app-secret", redirectUri: "http://localhost:8789/callback" },
  travelAgent: { id: "travel-agent", secret: "travel-agent-secret", redirectUri: "http://localhost:8789/callback" },
} as const satisfies Record<string, Application>;

/** Credentials of a confidential client of the demo tenant. */
export function credentials(id: string): Credentials {
  return { id, secret: `${id}-secret` };
}

/**
 * Logs a demo user in at the corporate identity provider, in a new browser, and redeems the code (authorization code, PKCE).
 * `parameters` go into the authorization request: `idp` chooses another identity provider.
 */
export async function logInTo(
  stage: Pick<Stage, "issuer" | "browser" | "post">,
  application: Application,
  user = "dona.moore",
  parameters: Readonly<Record<string, string>> = {},
): Promise<LoginTokens> {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const authorize = new URL(`${stage.issuer}/oauth2/authorize`);
  authorize.search = new URLSearchParams({
    response_type: "code",
    client_id: application.id,
    redirect_uri: application.redirectUri,
    scope: "openid profile email groups",
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...parameters,
  }).toString();
  const callback = await logIn(stage.browser(), authorize, user, application.redirectUri);
  const code = callback.searchParams.get("code");
  if (code === null || callback.searchParams.get("state") !== state || callback.searchParams.get("iss") !== stage.issuer) {
    throw new Error(`the callback is not an answer to this login: ${callback.search}`);
  }
  const form = { grant_type: "authorization_code", code, redirect_uri: application.redirectUri, code_verifier: verifier };
  const isPublic = application.secret === undefined;
  return Tokens.parse(await stage.post("/oauth2/token", isPublic ? { ...form, client_id: application.id } : form, isPublic ? undefined : credentials(application.id)));
}
