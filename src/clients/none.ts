import type { AuthenticationMethod } from "./authentication-method.ts";

/** A public client names itself and proves nothing; what it may do is limited accordingly. */
export const none: AuthenticationMethod = {
  name: "none",
  presented: (form, headers) => {
    const clientId = form.get("client_id");
    const otherwise = headers.has("authorization") || ["client_secret", "client_assertion", "client_assertion_type"].some((name) => form.get(name) !== undefined);
    return clientId === undefined || otherwise ? undefined : { clientId, proves: async (client) => client?.public === true };
  },
};
