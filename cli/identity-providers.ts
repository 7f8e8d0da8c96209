import { BODY_LIMIT_BYTES, DEADLINE_MILLISECONDS, FETCH_INTERVAL_SECONDS, KEEP_SECONDS, REFRESH_SECONDS } from "../src/federation/bounds.ts";
import { loadKeys, loadMetadata } from "../src/federation/provider-documents.ts";
import { Rejection } from "../src/protocol/rejection.ts";
import type { TenantFile } from "../src/tenants/tenant.ts";
import { exportTenant } from "./operator-api.ts";
import { type OperatorValues, readOperator } from "./operator-options.ts";
import { readTenantFile } from "./tenant-file.ts";

/** What was found at one identity provider, by the rules and bounds of the Worker. */
export interface Finding {
  readonly alias: string;
  readonly issuer: string;
  readonly ok: boolean;
  /** One line for each thing that was looked at. */
  readonly found: readonly string[];
}

// This machine is no host of ours.
const NOWHERE: ReadonlySet<string> = new Set();

/** What the Worker holds every identity provider to, in the order in which it is met. */
const BOUNDS: readonly string[] = [
  "bound, place: https at a public name, no redirects, none of our own hosts",
  `bound, time: ${DEADLINE_MILLISECONDS / 1000} s for an answer from the first byte sent to the last one read`,
  `bound, size: ${BODY_LIMIT_BYTES / 1024} KiB, decoded`,
  `bound, rate: one fetch of a document in ${FETCH_INTERVAL_SECONDS} s, also while it fails or a key is unknown`,
  `bound, age: asked for again after ${REFRESH_SECONDS / 60} min; while that fails, the last good answer serves until it is ${KEEP_SECONDS / 60} min old`,
];

/** The identity providers of both kinds, of a tenant file, or of the running tenant where no file is named. */
export async function identityProvidersOf(values: OperatorValues, file: string | undefined): Promise<Pick<TenantFile, "identityProviders" | "samlIdentityProviders">> {
  if (file !== undefined) return readTenantFile(file).file;
  const { tenant } = await exportTenant(readOperator(values));
  const { identityProviders, samlIdentityProviders = {} } = tenant as Partial<TenantFile> & Pick<TenantFile, "identityProviders">;
  return { identityProviders, samlIdentityProviders };
}

/** Fetches discovery and keys of one provider as the Worker does: five seconds and 256 KiB each, no redirects, https at a public name. */
export async function checkProvider(alias: string, provider: TenantFile["identityProviders"][string]): Promise<Finding> {
  const { issuer, signingAlgorithms } = provider;
  const found: string[] = [];
  try {
    const began = Date.now();
    const metadata = await loadMetadata(issuer, NOWHERE);
    found.push(`discovery: issuer is ${metadata.issuer}`, `authorize: ${metadata.authorization_endpoint}`, `token: ${metadata.token_endpoint}`);
    const between = Date.now();
    const keys = await loadKeys(metadata.jwks_uri, NOWHERE);
    const times = `discovery took ${between - began} ms, the keys ${Date.now() - between} ms`;
    const usable = keys.filter((key) => (key.use ?? "sig") === "sig");
    found.push(
      `keys: ${metadata.jwks_uri} has ${keys.length}, ${usable.length} for signatures: ${usable.map((key) => `${key.kid ?? "(no kid)"} ${key.alg ?? key.kty}`).join(", ")}`,
    );
    const fits = usable.some((key) => signingAlgorithms.some((algorithm) => (key.alg === undefined ? key.kty === keyTypeOf(algorithm) : key.alg === algorithm)));
    found.push(fits ? `signatures: one of ${signingAlgorithms.join(", ")} can be verified` : `no key fits signingAlgorithms (${signingAlgorithms.join(", ")})`);
    found.push(times, ...BOUNDS);
    return { alias, issuer, ok: fits, found };
  } catch (error) {
    return { alias, issuer, ok: false, found: [...found, explain(error), ...BOUNDS] };
  }
}

function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith("ES") ? "EC" : algorithm === "EdDSA" ? "OKP" : "RSA";
}

function explain(error: unknown): string {
  if (!(error instanceof Rejection)) return error instanceof Error ? error.message : String(error);
  const sentences: Readonly<Record<string, string>> = {
    idp_unreachable: "cannot be reached, or took longer than 5 s",
    idp_discovery_invalid: "the discovery document cannot be used: JSON of at most 256 KiB, without a redirect, of exactly this issuer, with https endpoints at public names",
    idp_keys_invalid: "the key set cannot be used: JSON of at most 256 KiB, without a redirect",
  };
  return sentences[error.reason] ?? error.reason;
}
