import { Rejection } from "../protocol/rejection.ts";
import type { AuthenticationMethod } from "./authentication-method.ts";
import { isClientSecret } from "./secret.ts";

/** Id and secret in the body (RFC 6749 §2.3.1). */
export const clientSecretPost: AuthenticationMethod = {
  name: "client_secret_post",
  presented: (form) => {
    const secret = form.get("client_secret");
    const clientId = form.get("client_id");
    if (secret === undefined) return undefined;
    if (clientId === undefined) throw new Rejection("missing_parameter", { parameter: "client_id" });
    return { clientId, proves: (client, { service }) => isClientSecret(secret, client, service.now()) };
  },
};
