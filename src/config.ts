import type { JWK } from "jose";
import { thumbprint } from "./protocol/signature.ts";
import type { SamlVerifier } from "./saml/verified.ts";
import type { AttemptObject } from "./storage/attempt-object.ts";
import type { FamilyObject } from "./storage/family-object.ts";
import type { SingleUseObject } from "./storage/single-use-object.ts";
import type { TenantObject } from "./storage/tenant-object.ts";
import type { UserObject } from "./storage/user-object.ts";
import type { DeployedKeys, SigningPublicJwk } from "./tenants/key-roles.ts";
import type { SchemaReader } from "./tenants/schema-reader.ts";
import type { KeyAlgorithm, SigningAlgorithm } from "./tenants/token-policy.ts";

/** What is bound to the Worker of the objects, src/state: where they find each other. */
export interface StateBindings {
  readonly FAMILIES: DurableObjectNamespace<FamilyObject>;
  readonly USERS: DurableObjectNamespace<UserObject>;
}

/** What the platform binds to this Worker; see wrangler.toml. Variables and secrets are read through `readConfig` alone. */
export interface Bindings extends StateBindings {
  readonly SINGLE_USE: DurableObjectNamespace<SingleUseObject>;
  readonly TENANTS: DurableObjectNamespace<TenantObject>;
  readonly ATTEMPTS: DurableObjectNamespace<AttemptObject>;
  readonly TOKENS: KVNamespace;
  /** The Worker that reads what others wrote, src/reader: foreign SAML, and the documents of operators. */
  readonly SAML?: SamlVerifier;
  readonly SCHEMAS?: SchemaReader;
}

// Checked by hand, unlike everything else that comes from outside: this runs before the first answer of an isolate, and
// evaluating schemas would take longer than the rest of it.
const ISSUER = /^https?:\/\/[^?#]+[^/?#]$/;
const COUNT = /^[0-9]{1,5}$/;
const KEY_NAME = /^(SIGNING|TOKEN)_KEY_([1-9][0-9]{0,4})$/;
const LONGEST_SECONDS = 3600;
const MOST_TOKENS = 10_000;
// At least 256 bit in base64url.
const TOKEN_SECRET = /^[A-Za-z0-9_-]{43,}$/;
const CERTIFICATE = /^MI[A-Za-z0-9+/]+={0,2}$/;
const KEY_TYPES: Readonly<Record<SigningAlgorithm, "EC" | "RSA" | "OKP">> = { ES256: "EC", RS256: "RSA", EdDSA: "OKP" };

/** A signing key of this deployment. `issuer`: the one tenant that may use it; undefined for all. */
export interface DeployedSigningKey {
  readonly number: number;
  readonly keyId: string;
  readonly algorithm: KeyAlgorithm;
  readonly jwk: JWK;
  readonly publicJwk: SigningPublicJwk;
  readonly issuer: string | undefined;
}

/** Everything that this deployment was told, checked once. */
export interface Config {
  readonly issuers: readonly string[];
  /** By issuer, the origin where its clients may show a certificate (RFC 8705 §5): apart from the one where browsers log in. */
  readonly mtlsAliases: ReadonlyMap<string, string>;
  readonly operatorKeys: readonly JWK[];
  /** How old an answer may be that `edge` decides by. Seconds. */
  readonly edgeStatusSeconds: number;
  /** How long the last confirmed configuration serves while its authority cannot be reached. Seconds. */
  readonly configOutageSeconds: number;
  /** How many verified JWTs and opaque access tokens of each tenant an isolate keeps; 0 verifies each one anew. */
  readonly verifiedTokensKept: number;
  /** How many answers of exchanges an isolate keeps for clients that share them; 0 shares none. */
  readonly sharedAnswersKept: number;
  readonly signingKeys: readonly DeployedSigningKey[];
  /** Token keys by number: 256 bit each. */
  readonly tokenKeys: ReadonlyMap<number, string>;
  /** The client secret that a tenant's record names; only names that end in _CLIENT_SECRET can be asked for. */
  clientSecret(name: string): string | undefined;
}

/** Reads and checks every variable and secret. Throws with the name of the first that is wrong, never with its value. */
export async function readConfig(env: object): Promise<Config> {
  const texts = new Map(Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  const issuers = (texts.get("ISSUERS") ?? "").split(/\s+/).filter((issuer) => issuer !== "");
  check("ISSUERS", issuers.length > 0 && issuers.every((issuer) => URL.canParse(issuer) && ISSUER.test(issuer)), "URLs without query or trailing slash");
  // The host alone chooses the tenant.
  if (new Set(issuers.map((issuer) => new URL(issuer).origin)).size !== issuers.length) throw new Error("ISSUERS: two issuers have the same origin");
  const count = (name: string, otherwise: number, most: number, unit: string) => {
    const text = texts.get(name) ?? String(otherwise);
    check(name, COUNT.test(text) && Number(text) <= most, `0 to ${most} ${unit}`);
    return Number(text);
  };
  const seconds = (name: string, otherwise: number) => count(name, otherwise, LONGEST_SECONDS, "seconds");
  const signingKeys: DeployedSigningKey[] = [];
  const tokenKeys = new Map<number, string>();
  for (const [name, text] of texts) {
    const [, kind, number] = KEY_NAME.exec(name) ?? [];
    if (kind === "SIGNING") signingKeys.push(await signingKey(name, Number(number), text));
    if (kind === "TOKEN") tokenKeys.set(Number(number), tokenSecret(name, text));
  }
  return {
    issuers,
    mtlsAliases: mtlsAliases("MTLS_ALIASES", texts.get("MTLS_ALIASES") ?? "{}", issuers),
    operatorKeys: operatorKeys("OPERATOR_KEYS", texts.get("OPERATOR_KEYS") ?? '{"keys":[]}'),
    edgeStatusSeconds: seconds("EDGE_STATUS_SECONDS", 5),
    configOutageSeconds: seconds("CONFIG_OUTAGE_SECONDS", 60),
    verifiedTokensKept: count("VERIFIED_TOKENS_KEPT", 1000, MOST_TOKENS, "tokens"),
    sharedAnswersKept: count("SHARED_ANSWERS_KEPT", 1000, MOST_TOKENS, "answers"),
    signingKeys,
    tokenKeys,
    clientSecret: (name) => (name.endsWith("_CLIENT_SECRET") ? texts.get(name) : undefined),
  };
}

/** The keys of this deployment that one tenant may use: their numbers, and what is public of them. */
export function deployedKeys(config: Config, issuer: string): DeployedKeys {
  const own = config.signingKeys.filter((key) => key.issuer === undefined || key.issuer === issuer);
  return { signing: own.map(({ number, keyId, algorithm, publicJwk }) => ({ number, keyId, algorithm, publicJwk })), token: [...config.tokenKeys.keys()] };
}

// Every origin stands for one issuer: an alias is nobody else's, and no issuer itself.
function mtlsAliases(name: string, text: string, issuers: readonly string[]): ReadonlyMap<string, string> {
  const aliases = Object.entries(Object(json(name, text)) as Readonly<Record<string, string>>);
  const origins = [...issuers, ...aliases.map(([, alias]) => alias)].map((url) => (URL.canParse(url) ? new URL(url).origin : ""));
  const areOrigins = aliases.every(([issuer, alias]) => issuers.includes(issuer) && ISSUER.test(alias) && origins.includes(alias));
  check(name, areOrigins && new Set(origins).size === origins.length, "an issuer of ISSUERS, and another origin, in each");
  return new Map(aliases);
}

async function signingKey(name: string, number: number, text: string): Promise<DeployedSigningKey> {
  const { issuer, ...jwk } = signingJwk(name, text);
  const { kty, crv, x, y, n, e, x5c } = jwk as JWK & { readonly kty: SigningPublicJwk["kty"] };
  const publicJwk = Object.fromEntries(Object.entries({ kty, crv, x, y, n, e, x5c }).filter(([, value]) => value !== undefined)) as unknown as SigningPublicJwk;
  return { number, keyId: await thumbprint(jwk), algorithm: x5c === undefined ? jwk.alg : "SAML", jwk: jwk as JWK, publicJwk, issuer };
}

interface SigningJwk extends JWK {
  readonly kty: "EC" | "RSA" | "OKP";
  readonly alg: SigningAlgorithm;
  readonly issuer?: string;
}

function signingJwk(name: string, text: string): SigningJwk {
  const jwk = json(name, text);
  check(name, isObject(jwk) && typeof jwk.d === "string" && (jwk.issuer === undefined || typeof jwk.issuer === "string"), "a private JWK");
  const fits = Object.entries(KEY_TYPES).some(([alg, kty]) => jwk.alg === alg && jwk.kty === kty);
  check(name, fits, "alg ES256, RS256 or EdDSA and a kty that goes with it");
  // A key with a certificate signs SAML, and nothing else.
  check(name, jwk.x5c === undefined || (jwk.alg === "RS256" && Array.isArray(jwk.x5c) && CERTIFICATE.test(jwk.x5c[0])), "an RSA key with its certificate in x5c");
  return jwk as unknown as SigningJwk;
}

function tokenSecret(name: string, text: string): string {
  const jwk = json(name, text);
  check(name, isObject(jwk) && jwk.kty === "oct" && typeof jwk.k === "string" && TOKEN_SECRET.test(jwk.k), "a JWK of 256 bit");
  return jwk.k;
}

// Public ES256, RS256 or EdDSA keys; `kid` is the operator's name.
function operatorKeys(name: string, text: string): readonly JWK[] {
  const set = json(name, text);
  check(name, isObject(set) && Array.isArray(set.keys), "a JWK set");
  const areNamed = set.keys.every((key: unknown) => isObject(key) && typeof key.kty === "string" && typeof key.kid === "string" && key.kid !== "");
  check(name, areNamed, "a kty and a kid in every key");
  return set.keys;
}

function json(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${name} is not JSON`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function check(name: string, holds: boolean, wanted: string): asserts holds {
  if (!holds) throw new Error(`${name}: expected ${wanted}`);
}

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {}
  }
}
