import { formDecoded } from "../protocol/form.ts";
import { Rejection } from "../protocol/rejection.ts";
import { textOf } from "../protocol/utf8.ts";
import type { AuthenticationMethod, Presented } from "./authentication-method.ts";
import { isClientSecret } from "./secret.ts";

/** HTTP Basic; id and secret are each form-urlencoded before base64 (RFC 6749 §2.3.1). */
export const clientSecretBasic: AuthenticationMethod = {
  name: "client_secret_basic",
  presented: (_form, { request }) => {
    const header = request.headers.get("authorization");
    return header === null ? undefined : decode(header);
  },
};

function decode(header: string): Presented {
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  try {
    const text = textOf(Uint8Array.fromBase64(encoded ?? "-"));
    const colon = text.indexOf(":");
    const clientId = formDecoded(text.slice(0, colon));
    const secret = formDecoded(text.slice(colon + 1));
    if (colon > 0 && secret !== "") return { clientId, proves: (client, { service }) => isClientSecret(secret, client, service.now()) };
  } catch {
    // Not base64, not UTF-8, or not form-urlencoded: the answer below.
  }
  throw new Rejection("client_credentials_malformed");
}
