import { claimsOf, exchange, refusedExchange, TOKEN_TYPE } from "../exchange.ts";
import { APPLICATIONS, logInTo } from "../login.ts";
import type { Chapter } from "../stage.ts";

const DEEPEST = 5;

/** Alibaba Cloud IDaaS: an agent calls a service as the user, with less scope, and only so deep. */
export const idaas: Chapter = {
  name: "idaas",
  title: "IDaaS: an agent calls a service as the employee, narrowed and only so deep",
  async play(stage) {
    stage.say("1. The employee logs in to the travel agent.");
    const { access_token } = await logInTo(stage, APPLICATIONS.travelAgent);
    const subject = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access };

    stage.say("2. The agent asks for the HR service, for the one permission that it needs.");
    const exchanged = await exchange(stage, "travel-agent", { ...subject, audience: "hr-service", scope: "hr-service|level:read" });
    if (exchanged.scope !== "level:read" || claimsOf(exchanged.access_token).aud !== "hr-service") throw new Error("the scope was not narrowed");

    stage.say("3. A permission that the HR service did not grant is refused.");
    await refusedExchange(stage, "invalid_scope", "travel-agent", { ...subject, scope: "hr-service|salary:read" });

    stage.say(`4. Each exchange is counted by the server: after ${DEEPEST} the chain is at its end.`);
    let token = exchanged.access_token;
    for (let hop = 2; hop <= DEEPEST; hop++) token = (await exchange(stage, "hr-service", { subject_token: token, subject_token_type: TOKEN_TYPE.access })).access_token;
    await refusedExchange(stage, "invalid_request", "hr-service", { subject_token: token, subject_token_type: TOKEN_TYPE.access });
  },
};
