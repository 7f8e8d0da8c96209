import * as z from "zod/mini";
import { credentials } from "./login.ts";
import type { Stage } from "./stage.ts";

/** Token types and the grant of RFC 8693. */
export const TOKEN_TYPE = {
  access: "urn:ietf:params:oauth:token-type:access_token",
  refresh: "urn:ietf:params:oauth:token-type:refresh_token",
  id: "urn:ietf:params:oauth:token-type:id_token",
} as const;
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange";

const Exchanged = z.looseObject({
  access_token: z.string(),
  issued_token_type: z.string(),
  expires_in: z.number(),
  scope: z.optional(z.string()),
  refresh_token: z.optional(z.string()),
});

/** What an exchange gave. */
export type Exchanged = z.output<typeof Exchanged>;

/** Exchanges a token as a client of the demo tenant; `mobile-app` is public and sends its id alone. */
export async function exchange(stage: Stage, client: string, form: Readonly<Record<string, string>>): Promise<Exchanged> {
  return Exchanged.parse(await stage.post("/oauth2/token", ...request(client, form)));
}

/** An exchange that must be refused with this error. */
export async function refusedExchange(stage: Stage, error: string, client: string, form: Readonly<Record<string, string>>): Promise<void> {
  await stage.refused(error, "/oauth2/token", ...request(client, form));
}

/** The claims of a JWT, for showing; nobody should trust what has not been verified. */
export function claimsOf(jwt: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
}

function request(client: string, form: Readonly<Record<string, string>>): [form: Record<string, string>, client?: ReturnType<typeof credentials>] {
  const all = { grant_type: GRANT_TYPE, ...form };
  return client === "mobile-app" ? [{ ...all, client_id: client }] : [all, credentials(client)];
}
