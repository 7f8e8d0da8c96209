import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { basic, ISSUER, type World, world } from "../world.ts";

beforeEach(reset);

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLIENTS = ["batch-1", "batch-2"] as const;
const KEYS = new Map(await Promise.all(CLIENTS.map(async (client) => [client, await generateKeyPair("ES256", { extractable: true })] as const)));
const keyOf = (client: string) => KEYS.get(client as (typeof CLIENTS)[number]) as CryptoKeyPair;
const now = () => Math.floor(Date.now() / 1000);

/** Two clients that prove themselves by a key each. */
async function begun(): Promise<World> {
  const jwks = await Promise.all(CLIENTS.map(async (client) => [client, { keys: [await exportJWK(keyOf(client).publicKey)] }] as const));
  return await world({
    tenant: (file) => {
      for (const [client, keys] of jwks) Object.assign(file.clients, { [client]: { grants: ["client_credentials"], authenticationMethods: ["private_key_jwt"], jwks: keys } });
    },
  });
}

async function asserted(w: World, client: string, jti: string): Promise<number> {
  const claims = { iss: client, sub: client, aud: ISSUER, iat: now(), exp: now() + 60, jti };
  const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(keyOf(client).privateKey);
  return (await w.post("/oauth2/token", { grant_type: "client_credentials", client_assertion_type: ASSERTION_TYPE, client_assertion })).status;
}

async function proven(w: World, key: string, jti: string): Promise<number> {
  const { privateKey, publicKey } = keyOf(key);
  const header = { alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(publicKey) };
  const dpop = await new SignJWT({ htm: "POST", htu: `${ISSUER}/oauth2/token`, iat: now(), jti }).setProtectedHeader(header).sign(privateKey);
  const headers = { dpop, authorization: basic("billing-worker", "billing-worker-secret") };
  return (await w.post("/oauth2/token", { grant_type: "client_credentials" }, undefined, headers)).status;
}

describe("what is used once", () => {
  it("is a client's own: another's assertion of the same jti is another, and nobody can use up what is not theirs", async () => {
    const w = await begun();
    const [one, other] = CLIENTS;
    expect([await asserted(w, one, "j-1"), await asserted(w, other, "j-1")]).toEqual([200, 200]);
    expect([await asserted(w, one, "j-1"), await asserted(w, other, "j-1"), await asserted(w, one, "j-2")]).toEqual([401, 401, 200]);
  });

  it("is a key's own: another key's proof of the same jti is another; a proof is no assertion's twin", async () => {
    const w = await begun();
    const [one, other] = CLIENTS;
    expect([await proven(w, one, "j-1"), await proven(w, other, "j-1"), await asserted(w, one, "j-1")]).toEqual([200, 200, 200]);
    expect([await proven(w, one, "j-1"), await proven(w, other, "j-1"), await proven(w, one, "j-2")]).toEqual([400, 400, 200]);
  });
});
