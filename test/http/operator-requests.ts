import { createService } from "../../src/index.ts";
import { anotherIsolate } from "../faults.ts";
import { BINDINGS, ISSUER, operatorToken, type World } from "../world.ts";

/** What the operators' API answered. */
export interface ApiAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes of answer
  readonly body: any;
}

/** Asks the operators' API as an operator. */
export async function asOperator(w: World, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = { "content-type": "application/json", authorization: `Bearer ${await operatorToken(ISSUER, method, `/api/v1${path}`, text)}` };
  const answer = await w.fetch(`/api/v1${path}`, { method, headers, ...(text === "" ? {} : { body: text }) });
  return { status: answer.status, body: await answer.json() };
}

/** Another version of the Worker beside the one of a world: the same objects and KV, other secrets. */
export async function version(w: World, secrets: Readonly<Record<string, string | undefined>>): Promise<World> {
  const kept = Object.fromEntries(Object.entries({ ...BINDINGS, ...secrets }).filter(([, value]) => value !== undefined));
  const service = await createService(kept as unknown as typeof BINDINGS);
  return await anotherIsolate(w, () => service);
}

/** A new signing key, as a secret has it. */
export async function newSigningKey(algorithm: "ES256" | "EdDSA" = "ES256"): Promise<string> {
  const generated = await crypto.subtle.generateKey(algorithm === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" }, true, ["sign", "verify"]);
  const { kty, crv, x, y, d } = (await crypto.subtle.exportKey("jwk", (generated as CryptoKeyPair).privateKey)) as JsonWebKey;
  return JSON.stringify({ kty, crv, x, y, d, alg: algorithm });
}

/** A new token key, as a secret has it. */
export function newTokenKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return JSON.stringify({
    kty: "oct",
    k: btoa(String.fromCharCode(...bytes))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", ""),
  });
}
