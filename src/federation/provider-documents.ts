import type { JWK } from "jose";
import * as z from "zod/mini";
import { Rejection } from "../protocol/rejection.ts";
import { isLocalhost, isOutboundUrl } from "../protocol/uri.ts";
import { askIdentityProvider } from "./outbound.ts";

/** What we need of an IdP's discovery document (OpenID Connect Discovery §3). */
export const ProviderMetadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  userinfo_endpoint: z.optional(z.string()),
  end_session_endpoint: z.optional(z.string()),
  authorization_response_iss_parameter_supported: z._default(z.boolean(), false),
});
export type ProviderMetadata = z.output<typeof ProviderMetadata>;

const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.optional(z.string()), use: z.optional(z.string()), alg: z.optional(z.string()) })) });

/** Asks an IdP for its discovery document. `ownHosts`: where we answer ourselves; no IdP is there, and nothing of it leads there. */
export async function loadMetadata(issuer: string, ownHosts: ReadonlySet<string>): Promise<ProviderMetadata> {
  if (ownHosts.has(new URL(issuer).host)) throw new Rejection("idp_discovery_invalid", { note: "own host" });
  // OpenID Connect Discovery §4.1: the issuer's own slash does not count here.
  const answer = await askIdentityProvider(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_discovery_invalid");
  const parsed = z.safeParse(ProviderMetadata, answer.body);
  if (answer.status !== 200 || !parsed.success || parsed.data.issuer !== issuer) throw new Rejection("idp_discovery_invalid");
  if (!Object.entries(parsed.data).every(([name, value]) => !isEndpoint(name) || isOwnUrl(issuer, ownHosts, String(value))))
    throw new Rejection("idp_discovery_invalid", { note: "endpoint" });
  return parsed.data;
}

function isEndpoint(name: string): boolean {
  return name === "jwks_uri" || name.endsWith("_endpoint");
}

// No document leads us, or a browser, to this machine or into some inner network; only an IdP that is on localhost itself may be there.
function isOwnUrl(issuer: string, ownHosts: ReadonlySet<string>, url: string): boolean {
  return isOutboundUrl(url) && !ownHosts.has(new URL(url).host) && (isLocalhost(new URL(issuer).hostname) || !isLocalhost(new URL(url).hostname));
}

/** Asks for a key set; `ownHosts` as above. */
export async function loadKeys(url: string, ownHosts: ReadonlySet<string>): Promise<readonly JWK[]> {
  if (ownHosts.has(new URL(url).host)) throw new Rejection("idp_keys_invalid", { note: "own host" });
  const answer = await askIdentityProvider(url);
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_keys_invalid");
  const parsed = z.safeParse(KeySet, answer.body);
  if (answer.status !== 200 || !parsed.success || parsed.data.keys.length === 0) throw new Rejection("idp_keys_invalid");
  return parsed.data.keys as readonly JWK[];
}
