import * as z from "zod/mini";
import { exchange, TOKEN_TYPE } from "../exchange.ts";
import { credentials } from "../login.ts";
import type { Chapter } from "../stage.ts";

const Token = z.object({ access_token: z.string() });
const Explanation = z.looseObject({ permitted: z.boolean() });

/** RFC 8693 as it is written: a service, a resource, and an exchange that is explained first. */
export const rfc8693: Chapter = {
  name: "rfc8693",
  title: "RFC 8693: a service calls an API, which calls on",
  async play(stage) {
    stage.say("1. The billing worker gets a token for the orders API, named by its URL; it may only read.");
    const form = { grant_type: "client_credentials", resource: "https://orders.example.com" };
    const { access_token } = Token.parse(await stage.post("/oauth2/token", form, credentials("billing-worker")));
    await stage.refused("invalid_scope", "/oauth2/token", { ...form, scope: "orders:write" }, credentials("billing-worker"));

    stage.say("2. The orders API asks what an exchange of that token would give, before it makes one.");
    const subject = { subject_token: access_token, subject_token_type: TOKEN_TYPE.access };
    const explanation = Explanation.parse(await stage.post("/oauth2/exchange/explain", subject, credentials("orders-api")));
    if (!explanation.permitted) throw new Error("the exchange was not permitted");

    stage.say("3. It exchanges the token for one of its own.");
    await exchange(stage, "orders-api", subject);

    stage.say("4. A stranger who has got hold of the token can do nothing with it.");
    await stage.refused("invalid_request", "/oauth2/token", { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", ...subject }, credentials("stranger"));
  },
};
