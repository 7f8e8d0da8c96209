import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { JWK } from "jose";

/** The algorithms that a local server signs with. */
export type LocalAlgorithm = "ES256" | "RS256";

/** A new private key as a JWK that names its algorithm. */
export function newPrivateJwk(alg: LocalAlgorithm): JWK {
  const { privateKey } = alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...(privateKey.export({ format: "jwk" }) as JWK), alg };
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
