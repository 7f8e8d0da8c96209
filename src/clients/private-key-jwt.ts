import type { JWK } from "jose";
import { dialectOf } from "../dialects/index.ts";
import type { Form } from "../protocol/form.ts";
import { openJwt, type UnverifiedJwt } from "../protocol/jwt-gate.ts";
import { Rejection } from "../protocol/rejection.ts";
import { importPublicKey, type VerificationKey, verifySignature } from "../protocol/signature.ts";
import type { Exchange } from "../service.ts";
import type { AssertionTrust, Client } from "../tenants/client.ts";
import type { AuthenticationMethod } from "./authentication-method.ts";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** The algorithms that a client may sign an assertion with, as metadata has them. */
export const ASSERTION_ALGORITHMS: readonly string[] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];
const TYPES: readonly (string | undefined)[] = [undefined, "jwt", "client-authentication+jwt"];
const SKEW_SECONDS = 10;
const LONGEST_LIFETIME_SECONDS = 660;

/**
 * A JWT that the client, or an issuer that it trusts, has signed (RFC 7523 §2.2). By the client's own keys, `iss` and `sub`
 * are its id; by a foreign issuer, the request names the client as `client_id`. Used once, asked last.
 */
export const privateKeyJwt: AuthenticationMethod = {
  name: "private_key_jwt",
  presented: (form) => {
    const text = form.get("client_assertion");
    if (text === undefined && form.get("client_assertion_type") === undefined) return undefined;
    const jwt = form.get("client_assertion_type") === ASSERTION_TYPE && text !== undefined ? openJwt(text) : undefined;
    if (jwt === undefined || !TYPES.includes(jwt.type) || !ASSERTION_ALGORITHMS.includes(jwt.algorithm)) throw new Rejection("client_credentials_malformed", { note: "assertion" });
    const clientId = namedClient(form, jwt);
    return { clientId, proves: async (client, exchange) => client !== undefined && (await isProof(exchange, clientId, client, jwt)) };
  },
};

// Whose assertion it says it is: only picks the keys. A foreign issuer's `sub` is no client id of ours.
function namedClient(form: Form, { payload }: UnverifiedJwt): string {
  const named = form.get("client_id") ?? (payload.iss === payload.sub ? payload.sub : undefined);
  if (typeof named !== "string") throw new Rejection("client_credentials_malformed", { note: "assertion names no client" });
  return named;
}

async function isProof(exchange: Exchange, clientId: string, client: Client, jwt: UnverifiedJwt): Promise<boolean> {
  const { iss, sub } = jwt.payload;
  const isOwn = iss === clientId && sub === clientId;
  const trust = isOwn ? undefined : client.assertionTrusts.find((candidate) => candidate.issuer === iss && candidate.subject === sub);
  if (!isOwn && trust === undefined) return false;
  if (!isForUs(exchange, client, trust, jwt.payload.aud) || !isInTime(jwt, exchange.service.now())) return false;
  const { jti, exp } = jwt.payload;
  if (typeof jti !== "string" || !/^[\x21-\x7e]{1,256}$/.test(jti)) return false;
  if (!(await isSignedByOne(trust === undefined ? ownKeys(exchange, client, jwt) : [trustedKey(exchange, trust, jwt)], jwt))) return false;
  return await exchange.service.singleUse.use(
    { tenant: exchange.tenant.issuer, issuer: JSON.stringify([clientId, iss]), kind: "client_assertion" },
    jti,
    Number(exp) + SKEW_SECONDS,
  );
}

// The audience is our issuer, as one string and no list; two dialects also write the token endpoint.
function isForUs({ tenant }: Exchange, client: Client, trust: AssertionTrust | undefined, aud: unknown): boolean {
  const endpoint = `${new URL(tenant.issuer).origin}/oauth2/token`;
  const wanted = trust?.audience ?? tenant.issuer;
  return aud === wanted || (trust?.audience === undefined && aud === endpoint && dialectOf(client).acceptsTokenEndpointAudience);
}

function isInTime({ payload }: UnverifiedJwt, now: number): boolean {
  const { exp, iat, nbf } = payload;
  if (typeof exp !== "number" || !Number.isSafeInteger(exp) || exp <= now - SKEW_SECONDS || exp > now + LONGEST_LIFETIME_SECONDS) return false;
  return [iat, nbf].every((time) => time === undefined || (typeof time === "number" && time <= now + SKEW_SECONDS));
}

type KeySource = () => Promise<VerificationKey | undefined>;

function ownKeys({ service }: Exchange, { jwks, jwksUri = [] }: Client, { keyId, algorithm }: UnverifiedJwt): readonly KeySource[] {
  if (jwks === undefined) return [jwksUri].flat().map((uri) => () => service.providers.keyAt(uri, keyId, algorithm));
  const fitting = jwks.keys.filter((key) => (keyId === undefined || key.kid === keyId) && (key.alg ?? algorithm) === algorithm);
  const [only, another] = fitting;
  return only === undefined || another !== undefined ? [] : [() => importPublicKey(only as JWK, algorithm)];
}

function trustedKey({ service }: Exchange, { issuer, jwksUri }: AssertionTrust, { keyId, algorithm }: UnverifiedJwt): KeySource {
  return () => (jwksUri === undefined ? service.providers.verificationKey(issuer, keyId, algorithm) : service.providers.keyAt(jwksUri, keyId, algorithm));
}

// Keys that cannot be fetched, whatever their host answers instead, say nothing of the client: 503. One that is no key is none.
async function isSignedByOne(sources: readonly KeySource[], jwt: UnverifiedJwt): Promise<boolean> {
  let undecided: Rejection | undefined;
  for (const source of sources) {
    try {
      const key = await source();
      if (key !== undefined && (await verifySignature(jwt, key))) return true;
    } catch (cause) {
      if (cause instanceof Rejection) undecided = new Rejection("unavailable", { note: "client keys", cause });
    }
  }
  if (undecided !== undefined) throw undecided;
  return false;
}
