import { createHash, randomBytes } from "node:crypto";
import * as z from "zod/mini";
import { logIn } from "../browser.ts";
import type { Chapter, Stage } from "../stage.ts";

const REDIRECT_URI = "http://127.0.0.1:49152/callback";
const WEB_APP = { id: "web-app", secret: "web-app-secret" } as const;

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string(), id_token: z.string() });
const Opaque = z.object({ access_token: z.string() });
const Active = z.object({ active: z.literal(true), sub: z.string() });
const Inactive = z.strictObject({ active: z.literal(false) });

/** A corporate login becomes a token that another application can use. */
export const handOff: Chapter = {
  name: "hand-off",
  title: "From a mobile app to a web application",
  async play(stage) {
    stage.say("1. Dona Moore logs in to the mobile app at the corporate identity provider (authorization code, PKCE).");
    const { code, verifier } = await login(stage);

    stage.say("2. The app redeems the code: an access token, an ID token, and a long-lived refresh token.");
    const redemption = { grant_type: "authorization_code", client_id: "mobile-app", code, redirect_uri: REDIRECT_URI, code_verifier: verifier };
    const tokens = Tokens.parse(await stage.post("/oauth2/token", redemption));

    stage.say("3. Later it wants to open the web application in a browser: it trades the refresh token for a short opaque token.");
    const refresh = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: tokens.refresh_token, token_format: "opaque" };
    const { access_token: token } = Opaque.parse(await stage.post("/oauth2/token", refresh));

    stage.say("4. The web application got the opaque token in its address and asks, with its own credentials, whose it is.");
    Active.parse(await stage.post("/oauth2/introspect", { token }, WEB_APP));

    stage.say("5. The mobile app revokes it.");
    await stage.post("/oauth2/revoke", { token, client_id: "mobile-app" });

    stage.say("6. From now on nobody learns anything from it.");
    Inactive.parse(await stage.post("/oauth2/introspect", { token }, WEB_APP));
  },
};

async function login(stage: Stage): Promise<{ readonly code: string; readonly verifier: string }> {
  const verifier = randomBytes(32).toString("base64url");
  const state = randomBytes(16).toString("base64url");
  const authorize = new URL(`${stage.issuer}/oauth2/authorize`);
  authorize.search = new URLSearchParams({
    response_type: "code",
    client_id: "mobile-app",
    redirect_uri: REDIRECT_URI,
    scope: "openid profile email groups",
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  }).toString();
  const callback = await logIn(stage.browser(), authorize, "dona.moore", REDIRECT_URI);
  const code = callback.searchParams.get("code");
  if (code === null || callback.searchParams.get("state") !== state || callback.searchParams.get("iss") !== stage.issuer) {
    throw new Error(`the callback is not an answer to this login: ${callback.search}`);
  }
  return { code, verifier };
}
