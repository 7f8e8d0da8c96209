import { Rejection } from "../protocol/rejection.ts";
import type { Service } from "../service.ts";
import { json } from "./response.ts";

/** `/health/alive`: this isolate answers. */
export function alive(): Response {
  return json({ status: "alive" });
}

/** `/health/ready`: the authority on the configuration answers too, and there are keys to sign and seal with. */
export async function ready({ tenants, config }: Service, issuer: string): Promise<Response> {
  if (config.signingKeys.length === 0 || config.tokenKeys.size === 0) throw new Rejection("unavailable", { note: "no keys" });
  const { version } = await tenants.confirm(issuer, undefined);
  return json({ status: "ready", configuration: version === 0 ? "none" : "applied" });
}
