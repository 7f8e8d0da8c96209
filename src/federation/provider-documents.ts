import type { JWK } from "jose";
import { Rejection } from "../protocol/rejection.ts";
import { isLocalhost, isOutboundUrl } from "../protocol/uri.ts";
import { askIdentityProvider, deadline } from "./outbound.ts";

/** What we need of an IdP's discovery document (OpenID Connect Discovery §3). */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
  readonly userinfo_endpoint?: string;
  readonly introspection_endpoint?: string;
  readonly end_session_endpoint?: string;
  readonly authorization_response_iss_parameter_supported?: boolean;
}

const REQUIRED = ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] as const;
const OPTIONAL = ["userinfo_endpoint", "introspection_endpoint", "end_session_endpoint"] as const;
const SWITCHES = ["authorization_response_iss_parameter_supported"] as const;
const KEY_TEXTS = ["kid", "use", "alg"] as const;

/** Asks an IdP for its discovery document. `ownHosts`: where we answer ourselves; no IdP is there, and nothing of it leads there. */
export async function loadMetadata(issuer: string, ownHosts: ReadonlySet<string>, signal = deadline()): Promise<ProviderMetadata> {
  if (ownHosts.has(new URL(issuer).host)) throw new Rejection("idp_discovery_invalid", { note: "own host" });
  // OpenID Connect Discovery §4.1: the issuer's own slash does not count here.
  const answer = await askIdentityProvider(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, { signal });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_discovery_invalid");
  const metadata = answer.status === 200 ? metadataOf(answer.body) : undefined;
  if (metadata === undefined || metadata.issuer !== issuer) throw new Rejection("idp_discovery_invalid");
  if (!Object.entries(metadata).every(([name, value]) => !isEndpoint(name) || isOwnUrl(issuer, ownHosts, String(value))))
    throw new Rejection("idp_discovery_invalid", { note: "endpoint" });
  return metadata;
}

// Checked by hand, as the schemas are not at hand here; what we do not know is left out.
function metadataOf(body: unknown): ProviderMetadata | undefined {
  const all = Object(body) as Record<string, unknown>;
  const isFit =
    REQUIRED.every((name) => typeof all[name] === "string") &&
    OPTIONAL.every((name) => all[name] === undefined || typeof all[name] === "string") &&
    SWITCHES.every((name) => all[name] === undefined || typeof all[name] === "boolean");
  const known = [...REQUIRED, ...OPTIONAL, ...SWITCHES].filter((name) => all[name] !== undefined).map((name) => [name, all[name]]);
  return isFit ? (Object.fromEntries(known) as ProviderMetadata) : undefined;
}

function isEndpoint(name: string): boolean {
  return name === "jwks_uri" || name.endsWith("_endpoint");
}

// No document leads us, or a browser, to this machine or into some inner network; only an IdP that is on localhost itself may be there.
function isOwnUrl(issuer: string, ownHosts: ReadonlySet<string>, url: string): boolean {
  return isOutboundUrl(url) && !ownHosts.has(new URL(url).host) && (isLocalhost(new URL(issuer).hostname) || !isLocalhost(new URL(url).hostname));
}

/** Asks for a key set; `ownHosts` as above. */
export async function loadKeys(url: string, ownHosts: ReadonlySet<string>, signal = deadline()): Promise<readonly JWK[]> {
  if (ownHosts.has(new URL(url).host)) throw new Rejection("idp_keys_invalid", { note: "own host" });
  const answer = await askIdentityProvider(url, { signal });
  if ("failure" in answer) throw new Rejection(answer.failure === "unreachable" ? "idp_unreachable" : "idp_keys_invalid");
  const { keys } = Object(answer.status === 200 ? answer.body : undefined) as { readonly keys?: unknown };
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) throw new Rejection("idp_keys_invalid");
  return keys;
}

function isKey(value: unknown): value is JWK {
  const key = Object(value) as Record<string, unknown>;
  return typeof key.kty === "string" && KEY_TEXTS.every((name) => key[name] === undefined || typeof key[name] === "string");
}
