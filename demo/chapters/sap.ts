import * as z from "zod/mini";
import { exchange, TOKEN_TYPE } from "../exchange.ts";
import { APPLICATIONS, credentials, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

const Opaque = z.object({ access_token: z.string(), refresh_token: z.string() });
const SsoToken = z.object({ active: z.literal(true), sso_application_ids: z.array(z.string()), sso_redirect_uris: z.array(z.string()) });

/** SAP Cloud Identity Services: a token set for an opaque token, and a single sign-on token for the browser. */
export const sap: Chapter = {
  name: "sap",
  title: "SAP: opaque tokens, token sets and single sign-on from a native app",
  async play(stage) {
    stage.say("1. The mobile app logs Dona Moore in and refreshes into an opaque token.");
    const tokens = await logInTo(stage, APPLICATIONS.mobileApp);
    const refresh = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: tokens.refresh_token };
    const opaque = Opaque.parse(await stage.post("/oauth2/token", refresh));

    stage.say("2. The opaque access token is exchanged for a whole token set.");
    await exchange(stage, "mobile-app", { subject_token: opaque.access_token, subject_token_type: TOKEN_TYPE.access, scope: "openid" });

    stage.say("3. The refresh token is exchanged, and not consumed, for a one-time SSO token.");
    const sso = await exchange(stage, "mobile-app", { subject_token: opaque.refresh_token, subject_token_type: TOKEN_TYPE.refresh, resource: "urn:sap:identity:sso" });

    stage.say("4. The web application may look at it: for whom it is, and where it may lead.");
    const { sso_redirect_uris } = SsoToken.parse(await stage.post("/oauth2/introspect", { token: sso.access_token }, credentials("web-app")));
    const [redirectUri = ""] = sso_redirect_uris.filter((uri) => uri.startsWith("http://localhost"));

    stage.say("5. A browser redeems it: a session as narrow as the token, and on to the web application. The same a second time is refused.");
    const redemption = new URL(`${stage.issuer}/saml2/idp/sso`);
    redemption.search = new URLSearchParams({ sso_token: sso.access_token, redirect_uri: redirectUri }).toString();
    const leaves = (url: URL) => url.href === redirectUri;
    const first = await stage.browser().open(redemption, leaves);
    const second = await stage.browser().open(redemption, leaves);
    if (first.url.href !== redirectUri || second.status !== 401) throw new Error(`the SSO token led to ${first.url.origin}, and the second time to ${second.status}`);
  },
};
