import * as z from "zod/mini";
import { claimsOf, exchange, refusedExchange, TOKEN_TYPE } from "../exchange.ts";
import { APPLICATIONS, credentials, logInTo } from "../login.ts";
import type { Chapter, Stage } from "../stage.ts";

const Token = z.object({ access_token: z.string() });
const Inactive = z.strictObject({ active: z.literal(false) });

/** Two actors act for a user, one after the other; then the first token is revoked, and everything below it is dead. */
export const delegation: Chapter = {
  name: "delegation",
  title: "Delegation by two actors, and one revocation that ends it all",
  async play(stage) {
    stage.say("1. Dona Moore logs in to the travel agent, which hands on to the assistant.");
    const { access_token: first } = await logInTo(stage, APPLICATIONS.travelAgent);
    const { access_token: handed } = await exchange(stage, "travel-agent", { subject_token: first, subject_token_type: TOKEN_TYPE.access, audience: "assistant" });

    stage.say("2. The assistant calls the scheduler for her, and says that it is the one who acts.");
    const { access_token: once } = await exchange(stage, "assistant", { ...acting(handed, await own(stage, "assistant")), audience: "scheduler" });

    stage.say("3. The scheduler calls the HR service: the newest actor stands outermost.");
    const actor = await own(stage, "scheduler");
    const { access_token: twice } = await exchange(stage, "scheduler", { ...acting(once, actor), audience: "hr-service" });
    const { act } = claimsOf(twice);
    stage.say(`   act: ${JSON.stringify(act)}`);
    if (JSON.stringify(act) !== '{"sub":"scheduler","client_id":"scheduler","act":{"sub":"assistant","client_id":"assistant"}}')
      throw new Error("the chain of actors is not what happened");

    stage.say("4. A chain cannot be laundered: without an actor the token is not exchanged.");
    await refusedExchange(stage, "invalid_request", "scheduler", { subject_token: once, subject_token_type: TOKEN_TYPE.access, audience: "hr-service" });

    stage.say("5. The travel agent revokes the first token. Everything that came of it is dead at once, and cannot be exchanged any more.");
    await stage.post("/oauth2/revoke", { token: first }, credentials("travel-agent"));
    Inactive.parse(await stage.post("/oauth2/introspect", { token: handed }, credentials("assistant")));
    Inactive.parse(await stage.post("/oauth2/introspect", { token: twice }, credentials("hr-service")));
    await refusedExchange(stage, "invalid_request", "scheduler", { ...acting(once, actor), audience: "hr-service" });
  },
};

async function own(stage: Stage, client: string): Promise<string> {
  return Token.parse(await stage.post("/oauth2/token", { grant_type: "client_credentials" }, credentials(client))).access_token;
}

function acting(subject: string, actor: string): Record<string, string> {
  return { subject_token: subject, subject_token_type: TOKEN_TYPE.access, actor_token: actor, actor_token_type: TOKEN_TYPE.access };
}
