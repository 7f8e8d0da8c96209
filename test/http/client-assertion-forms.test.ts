import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anotherIsolate, type Clock, stopClock } from "../faults.ts";
import { ISSUER, type TenantFileInput, type World, world } from "../world.ts";
import { compact, type Material, malleated, properForm, REFUSED_FORMS } from "./jwt-forms.ts";

const JWKS_URI = "http://localhost:8788/jwks";
const [FIRST, SECOND] = [await generateKeyPair("ES256", { extractable: true }), await generateKeyPair("ES256", { extractable: true })];
const JWKS = [
  { ...(await exportJWK(FIRST.publicKey)), kid: "batch-1", alg: "ES256" },
  { ...(await exportJWK(SECOND.publicKey)), kid: "batch-2", alg: "ES256" },
] as const;

let clock: Clock;
beforeEach(async () => {
  await reset();
  clock = stopClock();
});
afterEach(() => {
  vi.useRealTimers();
});

const withKeys = (change: object) => (file: TenantFileInput) => {
  Object.assign(file.clients, { "batch-job": { grants: ["client_credentials"], authenticationMethods: ["private_key_jwt"], ...change } });
};
const byFile = withKeys({ jwks: { keys: JWKS } });
const byUrl = withKeys({ jwksUri: JWKS_URI });

/** What an assertion is made of; a new one each time, as it is used once. */
function material(header: object = {}, privateKey = FIRST.privateKey): Material {
  const claims = { iss: "batch-job", sub: "batch-job", aud: ISSUER, iat: clock.now(), exp: clock.now() + 300, jti: crypto.randomUUID() };
  return { claims, header: { alg: "ES256", kid: "batch-1", ...header }, privateKey, publicJwk: JWKS[0] };
}

async function statusOf(w: World, assertion: string): Promise<number> {
  const form = { grant_type: "client_credentials", client_id: "batch-job", client_assertion: assertion };
  const { status } = await w.post("/oauth2/token", { ...form, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" });
  return status;
}

describe("an assertion's form", () => {
  // CA-20 alg none, CA-21 HMAC by the public key, CA-31 kid, CA-32 keys in the header, CA-33 crit and b64, CA-42 JSON serialisation.
  it("CA-20 CA-21 CA-31 CA-32 CA-33 CA-42 is the proper one, and every other is 401; nothing that it names is fetched", async () => {
    const w = await world({ tenant: byFile });
    expect(await statusOf(w, await properForm(material()))).toBe(200);
    for (const [name, form] of Object.entries(REFUSED_FORMS)) expect([name, await statusOf(w, await form(material()))]).toEqual([name, 401]);
    expect(await statusOf(w, await properForm(material()))).toBe(200);
    expect(w.idp.requests).toEqual([]);
  });

  it("CA-31 without a kid is refused where two keys could be meant, and taken where one can", async () => {
    const [two, one] = [await world({ tenant: byFile }), withKeys({ jwks: { keys: [JWKS[0]] } })];
    const nameless = () => compact(material(), { alg: "ES256" }, material().claims);
    expect(await statusOf(two, await nameless())).toBe(401);
    await reset();
    expect(await statusOf(await world({ tenant: one }), await nameless())).toBe(200);
  });

  it("CA-27 CA-37 used once is used, however it is spelt again: the other signature that holds, padding, a newline, other last bits, another isolate", async () => {
    const w = await world({ tenant: byFile });
    const assertion = await properForm(material());
    expect(await statusOf(w, assertion)).toBe(200);
    const last = String.fromCharCode(assertion.charCodeAt(assertion.length - 1) + 1);
    for (const again of [assertion, malleated(assertion), `${assertion}==`, `${assertion}\n`, `${assertion.slice(0, -1)}${last}`]) expect(await statusOf(w, again)).toBe(401);
    clock.forward(1);
    expect(await statusOf(await anotherIsolate(w), assertion)).toBe(401);
    // The other signature is as good as the first, the first time.
    expect(await statusOf(w, malleated(await properForm(material())))).toBe(200);
  });
});

describe("the key set of a client at its URL", () => {
  it("CA-39 is fetched once more when the client signs with a key that it has rotated to", async () => {
    const w = await world({ tenant: byUrl });
    let keys: readonly object[] = [JWKS[0]];
    w.idp.scripts.keys = () => Response.json({ keys });
    expect(await statusOf(w, await properForm(material()))).toBe(200);
    keys = JWKS;
    clock.forward(30);
    expect(await statusOf(w, await properForm(material({ kid: "batch-2" }, SECOND.privateKey)))).toBe(200);
    expect(await statusOf(w, await properForm(material()))).toBe(200);
    expect(w.idp.requests).toHaveLength(2);
  });

  it("CA-40 is fetched once in 30 s at most, whoever asks for made-up keys, and while its host is down: then they may be new ones", async () => {
    const w = await world({ tenant: byUrl });
    w.idp.scripts.keys = () => Response.json({ keys: [JWKS[0]] });
    const flood = async () => {
      const assertions = await Promise.all(Array.from({ length: 25 }, (_, n) => properForm(material({ kid: `made-up-${n}` }))));
      return [...new Set(await Promise.all(assertions.map((assertion) => statusOf(w, assertion))))];
    };
    expect([await flood(), await flood(), w.idp.requests.length]).toEqual([[401], [401], 1]);
    w.idp.scripts.keys = () => new Response("down", { status: 503 });
    clock.forward(30);
    expect([await flood(), await flood(), w.idp.requests.length]).toEqual([[503], [503], 2]);
    clock.forward(30);
    // The keys that are known go on to serve.
    expect([await statusOf(w, await properForm(material())), await flood(), w.idp.requests.length]).toEqual([200, [503], 3]);
    w.idp.scripts.keys = () => Response.json({ keys: [JWKS[0]] });
    clock.forward(30);
    expect(await flood()).toEqual([401]);
  });
});
