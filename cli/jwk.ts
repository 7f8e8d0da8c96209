import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { JWK } from "jose";
import { selfSigned } from "./certificate.ts";

/** The algorithms that a local server signs with. */
export type LocalAlgorithm = "ES256" | "RS256" | "SAML";

/** A new private key as a JWK that names its algorithm; one for SAML is an RSA key with its certificate. */
export function newPrivateJwk(alg: LocalAlgorithm): JWK {
  if (alg === "SAML") return newSamlJwk();
  const { privateKey } = alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...(privateKey.export({ format: "jwk" }) as JWK), alg };
}

// Whoever reads SAML trusts the certificate as it is, from metadata: nobody but the key itself vouches for it.
function newSamlJwk(): JWK {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...(privateKey.export({ format: "jwk" }) as JWK), alg: "RS256", x5c: [selfSigned(privateKey, publicKey, "Cambio SAML").toString("base64")] };
}

/** The public half: the members that RFC 7518 calls public and the description, nothing else. */
export function publicJwk(key: JWK): JWK {
  const kept = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"];
  return Object.fromEntries(Object.entries(key).filter(([name]) => kept.includes(name)));
}

/** A new key for what only we read back: 256 random bits. */
export function newTokenKey(): JWK {
  return { kty: "oct", k: randomText() };
}

/** 256 random bits, base64url. */
export function randomText(): string {
  return randomBytes(32).toString("base64url");
}
