import { claimsOf, exchange, refusedExchange, TOKEN_TYPE } from "../exchange.ts";
import { APPLICATIONS, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

/** CERN single sign-on: the target's owner permits, and the target's roles replace the source's. */
export const cern: Chapter = {
  name: "cern",
  title: "CERN: from a front end to its back end, and the roles change hands",
  async play(stage) {
    stage.say("1. Dona Moore logs in to the front end, where she is frontend_user and administrator.");
    const { access_token } = await logInTo(stage, APPLICATIONS.frontEnd);
    stage.say(`   roles in the token: ${JSON.stringify(claimsOf(access_token).resource_access)}`);

    stage.say("2. The front end exchanges her token for the back end. As on CERN's page it says no subject_token_type, and gets a refresh token with it.");
    const exchanged = await exchange(stage, "front-end-app", { subject_token: access_token, requested_token_type: TOKEN_TYPE.refresh, audience: "back-end-api" });
    const claims = claimsOf(exchanged.access_token);
    stage.say(`   audience ${JSON.stringify(claims.aud)}, roles: ${JSON.stringify(claims.resource_access)}`);
    if (exchanged.refresh_token === undefined || JSON.stringify(claims.roles) !== '["backend_user"]') throw new Error("the roles did not change hands");

    stage.say("3. The other way there is no permission.");
    await refusedExchange(stage, "invalid_target", "back-end-api", { subject_token: exchanged.access_token, audience: "front-end-app" });
  },
};
