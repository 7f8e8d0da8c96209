import type { AuthenticationMethod } from "./authentication-method.ts";

/** A public client names itself and proves nothing; what it may do is limited accordingly. */
export const none: AuthenticationMethod = {
  name: "none",
  ambient: true,
  presented: (form) => {
    const clientId = form.get("client_id");
    return clientId === undefined ? undefined : { clientId, proves: async (client) => client?.public === true };
  },
};
