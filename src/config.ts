import { calculateJwkThumbprint, type JWK } from "jose";
import * as z from "zod/mini";
import type { FamilyObject } from "./storage/family-object.ts";
import type { SingleUseObject } from "./storage/single-use-object.ts";
import type { TenantObject } from "./storage/tenant-object.ts";
import type { UserObject } from "./storage/user-object.ts";
import type { DeployedKeys } from "./tenants/key-roles.ts";
import { SigningAlgorithm } from "./tenants/token-policy.ts";

/** What the platform binds to this Worker; see wrangler.toml. Variables and secrets are read through `readConfig` alone. */
export interface Bindings {
  readonly FAMILIES: DurableObjectNamespace<FamilyObject>;
  readonly USERS: DurableObjectNamespace<UserObject>;
  readonly SINGLE_USE: DurableObjectNamespace<SingleUseObject>;
  readonly TENANTS: DurableObjectNamespace<TenantObject>;
  readonly TOKENS: KVNamespace;
}

const Issuer = z.string().check(z.refine((text: string) => URL.canParse(text) && /^https?:\/\/[^?#]+[^/?#]$/.test(text), "an issuer is a URL without query or trailing slash"));

/** Where a key set of operators is kept: public ES256, RS256 or EdDSA keys; `kid` is the operator's name. */
const OperatorKeys = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().check(z.minLength(1)) })) });

const Seconds = z.coerce.number().check(z.int(), z.gte(0), z.lte(3600));

const Variables = z.object({
  ISSUERS: z.string().check(z.minLength(1)),
  OPERATOR_KEYS: z._default(z.string(), '{"keys":[]}'),
  EDGE_STATUS_SECONDS: z._default(Seconds, 5),
  CONFIG_OUTAGE_SECONDS: z._default(Seconds, 60),
});

const SigningJwk = z.looseObject({ kty: z.enum(["EC", "RSA", "OKP"]), alg: SigningAlgorithm, d: z.string(), issuer: z.optional(z.string()) });
const TokenJwk = z.object({ kty: z.literal("oct"), k: z.string().check(z.regex(/^[A-Za-z0-9_-]{43,}$/, "at least 256 bit in base64url")) });

/** A signing key of this deployment. `issuer`: the one tenant that may use it; undefined for all. */
export interface DeployedSigningKey {
  readonly number: number;
  readonly keyId: string;
  readonly algorithm: SigningAlgorithm;
  readonly jwk: JWK;
  readonly issuer: string | undefined;
}

/** Everything that this deployment was told, checked once. */
export interface Config {
  readonly issuers: readonly string[];
  readonly operatorKeys: readonly JWK[];
  /** How old an answer may be that `edge` decides by. Seconds. */
  readonly edgeStatusSeconds: number;
  /** How long the last confirmed configuration serves while its authority cannot be reached. Seconds. */
  readonly configOutageSeconds: number;
  readonly signingKeys: readonly DeployedSigningKey[];
  /** Token keys by number: 256 bit each. */
  readonly tokenKeys: ReadonlyMap<number, string>;
  /** The client secret that a tenant's record names; only names that end in _CLIENT_SECRET can be asked for. */
  clientSecret(name: string): string | undefined;
}

/** Reads and checks every variable and secret. Throws with the name of the first that is wrong, never with its value. */
export async function readConfig(env: object): Promise<Config> {
  const texts = new Map(Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  const variables = parse("variables", Variables, Object.fromEntries(texts));
  const issuers = variables.ISSUERS.split(/\s+/)
    .filter((issuer) => issuer !== "")
    .map((issuer) => parse("ISSUERS", Issuer, issuer));
  // The host alone chooses the tenant.
  if (new Set(issuers.map((issuer) => new URL(issuer).origin)).size !== issuers.length) throw new Error("ISSUERS: two issuers have the same origin");
  const numbered = (prefix: string) =>
    [...texts].flatMap(([name, text]) => (new RegExp(`^${prefix}[1-9][0-9]{0,4}$`).test(name) ? [{ name, number: Number(name.slice(prefix.length)), text }] : []));
  return {
    issuers,
    operatorKeys: parse("OPERATOR_KEYS", OperatorKeys, json("OPERATOR_KEYS", variables.OPERATOR_KEYS)).keys as readonly JWK[],
    edgeStatusSeconds: variables.EDGE_STATUS_SECONDS,
    configOutageSeconds: variables.CONFIG_OUTAGE_SECONDS,
    signingKeys: await Promise.all(numbered("SIGNING_KEY_").map(({ name, number, text }) => signingKey(name, number, text))),
    tokenKeys: new Map(numbered("TOKEN_KEY_").map(({ name, number, text }) => [number, parse(name, TokenJwk, json(name, text)).k])),
    clientSecret: (name) => (name.endsWith("_CLIENT_SECRET") ? texts.get(name) : undefined),
  };
}

/** The keys of this deployment that one tenant may use, by number and id alone. */
export function deployedKeys(config: Config, issuer: string): DeployedKeys {
  const own = config.signingKeys.filter((key) => key.issuer === undefined || key.issuer === issuer);
  return { signing: own.map(({ number, keyId, algorithm }) => ({ number, keyId, algorithm })), token: [...config.tokenKeys.keys()] };
}

async function signingKey(name: string, number: number, text: string): Promise<DeployedSigningKey> {
  const { issuer, ...jwk } = parse(name, SigningJwk, json(name, text));
  return { number, keyId: await calculateJwkThumbprint(jwk as JWK), algorithm: jwk.alg, jwk: jwk as JWK, issuer };
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

function parse<T extends z.ZodMiniType>(name: string, schema: T, value: unknown): z.output<T> {
  const parsed = z.safeParse(schema, value);
  if (!parsed.success) throw new Error(`${name}: ${parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.code}`).join(", ")}`);
  return parsed.data;
}

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {}
  }
}
