import * as z from "zod/mini";
import { claimsOf } from "../exchange.ts";
import { APPLICATIONS, credentials, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

const PATH = "/oauth2/exchange/corporateidp";
const HandedOut = z.strictObject({ access_token: z.string(), id_token: z.string(), token_type: z.literal("Bearer"), expires_in: z.number(), scope: z.string() });
const Narrowed = z.looseObject({ access_token: z.string(), scope: z.literal("openid profile") });

/** For an API that accepts the corporation's own tokens alone: the way back from a token of Cambio to those of the login. */
export const corporateIdp: Chapter = {
  name: "corporate-idp",
  title: "The corporate identity provider's own tokens",
  async play(stage) {
    stage.say("1. Dona Moore logs in to the web application at the corporate identity provider.");
    const tokens = await logInTo(stage, APPLICATIONS.webApp);
    const webApp = credentials("web-app");

    stage.say("2. The web application trades its access token for the tokens that the identity provider issued at this login.");
    const given = HandedOut.parse(await stage.post(PATH, { assertion: tokens.access_token, response_type: "token id_token" }, webApp));
    const { iss, preferred_username: user } = claimsOf(given.id_token);
    if (iss === stage.issuer || user !== "dona.moore") throw new Error(`the ID token is of ${iss}, about ${user}`);

    stage.say("3. It asks for less: Cambio gets a narrower token there, with the refresh token that it keeps to itself.");
    const narrowed = Narrowed.parse(await stage.post(PATH, { assertion: tokens.access_token, scope: "openid profile" }, webApp));
    if (narrowed.access_token === given.access_token) throw new Error("the narrower token is the same");

    stage.say("4. The Dona Moore of the partners is somebody else: for her login, the web application gets nothing from anybody.");
    const partners = await logInTo(stage, APPLICATIONS.webApp, "dona.moore", { idp: "partner" });
    if (claimsOf(partners.access_token).sub === claimsOf(tokens.access_token).sub) throw new Error("both Donas are one user");
    await stage.refused("invalid_request", PATH, { assertion: partners.access_token }, webApp);

    stage.say("5. Nor does an application whose record does not allow it.");
    const frontEnd = await logInTo(stage, APPLICATIONS.frontEnd);
    await stage.refused("unauthorized_client", PATH, { assertion: frontEnd.access_token }, credentials("front-end-app"));
  },
};
