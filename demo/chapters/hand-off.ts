import * as z from "zod/mini";
import { APPLICATIONS, credentials, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

const Opaque = z.object({ access_token: z.string() });
const Active = z.object({ active: z.literal(true), sub: z.string() });
const Inactive = z.strictObject({ active: z.literal(false) });

/** A corporate login becomes a token that another application can use. */
export const handOff: Chapter = {
  name: "hand-off",
  title: "From a mobile app to a web application",
  async play(stage) {
    stage.say("1. Dona Moore logs in to the mobile app at the corporate identity provider; the app redeems the code (PKCE).");
    const tokens = await logInTo(stage, APPLICATIONS.mobileApp);

    stage.say("2. Later it wants to open the web application in a browser: it trades the refresh token for a short opaque token.");
    const refresh = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token: tokens.refresh_token, token_format: "opaque" };
    const { access_token: token } = Opaque.parse(await stage.post("/oauth2/token", refresh));

    stage.say("3. The web application got the opaque token in its address and asks, with its own credentials, whose it is.");
    Active.parse(await stage.post("/oauth2/introspect", { token }, credentials("web-app")));

    stage.say("4. The mobile app revokes it.");
    await stage.post("/oauth2/revoke", { token, client_id: "mobile-app" });

    stage.say("5. From now on nobody learns anything from it.");
    Inactive.parse(await stage.post("/oauth2/introspect", { token }, credentials("web-app")));
  },
};
