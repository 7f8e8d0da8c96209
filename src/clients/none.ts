import type { AuthenticationMethod } from "./authentication-method.ts";

/** A public client names itself and proves nothing; what it may do is limited accordingly. */
export const none: AuthenticationMethod = {
  name: "none",
  presented: (form, headers) => {
    const clientId = form.get("client_id");
    const otherwise = headers.has("authorization") || form.get("client_secret") !== undefined || form.get("client_assertion") !== undefined;
    return clientId === undefined || otherwise ? undefined : { clientId, secret: "" };
  },
  verify: async (_presented, client) => client?.public === true,
};
