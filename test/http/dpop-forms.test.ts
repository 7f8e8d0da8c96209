import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anotherIsolate, type Clock, stopClock } from "../faults.ts";
import { ISSUER, type World, world } from "../world.ts";
import { compact, type Material, malleated, properForm, REFUSED_FORMS } from "./jwt-forms.ts";
import { onHttps } from "./login-steps.ts";
import { WORKER } from "./wire.ts";

const PAIR = await generateKeyPair("ES256", { extractable: true });
const PUBLIC: JWK = await exportJWK(PAIR.publicKey);
const TOKEN_URL = `${ISSUER}/oauth2/token`;

let clock: Clock;
beforeEach(async () => {
  await reset();
  clock = stopClock();
});
afterEach(() => {
  vi.useRealTimers();
});

function material(claims: Record<string, unknown> = {}, header: object = {}): Material {
  const all = { htm: "POST", htu: TOKEN_URL, iat: clock.now(), jti: crypto.randomUUID(), ...claims };
  return { claims: all, header: { alg: "ES256", typ: "dpop+jwt", jwk: PUBLIC, ...header } as Material["header"], privateKey: PAIR.privateKey, publicJwk: PUBLIC };
}

async function outcome(w: World, dpop: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await w.post("/oauth2/token", "grant_type=client_credentials", WORKER, { dpop, ...headers });
  const body = (await answer.json()) as { readonly error?: string; readonly token_type?: string };
  return `${answer.status} ${body.error ?? body.token_type}`;
}

const TAKEN = "200 DPoP";
const REFUSED = "400 invalid_dpop_proof";
// Signed by the key that it holds, whoever made that: such a proof holds, of a key of its own.
const OF_ANOTHER_KEY = /another's key in jwk/;
// A header's value is trimmed on its way, and holds no control characters (RFC 9110 §5.5).
const inHeader = (text: string) => /^[\x20-\x7e]*$/.test(text) && text === text.trim();

describe("a DPoP proof's form", () => {
  it("POP-03 is the proper one, and every other is refused: no alg, HMAC, keys by reference, crit, JSON; nothing that it names is fetched", async () => {
    const w = await world();
    expect(await outcome(w, await properForm(material()))).toBe(TAKEN);
    for (const [name, form] of Object.entries(REFUSED_FORMS)) {
      const text = await form(material());
      if (inHeader(text) && !OF_ANOTHER_KEY.test(name)) expect([name, await outcome(w, text)]).toEqual([name, REFUSED]);
    }
    expect(w.idp.requests).toEqual([]);
  });

  it("POP-03 holds a public key of the algorithm, and no other kind", async () => {
    const w = await world();
    const { d } = await exportJWK(PAIR.privateKey);
    const keys = [
      { kty: "oct", k: "AAAA" },
      { ...PUBLIC, d },
      { ...PUBLIC, crv: "P-384" },
      { ...PUBLIC, kty: "RSA" },
      { ...PUBLIC, x: "AAAA" },
      { ...PUBLIC, x: [PUBLIC.x] },
      "text",
      null,
      [],
    ];
    for (const jwk of keys) expect([jwk, await outcome(w, await properForm(material({}, { jwk })))]).toEqual([jwk, REFUSED]);
    for (const alg of ["none", "HS256", "ES512", "RS512"]) expect(await outcome(w, await properForm(material({}, { alg })))).toBe(REFUSED);
  });

  it("POP-05 names the URL however it is spelt: query and fragment, capitals, dots, what need not be encoded", async () => {
    const w = await world();
    for (const htu of [`${TOKEN_URL}?x=1#y`, TOKEN_URL.replace("localhost", "LOCALHOST").replace("http", "HTTP"), `${ISSUER}/oauth2/./x/../token`, `${ISSUER}/%6fauth2/t%6Fken`]) {
      expect([htu, await outcome(w, await properForm(material({ htu })))]).toEqual([htu, TAKEN]);
    }
    for (const htu of [`${ISSUER}/oauth2%2Ftoken`, `${ISSUER}/OAUTH2/TOKEN`, "/oauth2/token", "", 1]) {
      expect([htu, await outcome(w, await properForm(material({ htu })))]).toEqual([htu, REFUSED]);
    }
  });

  it("POP-05 POP-06 names the public URL, with its port or without; what a header says of the host changes nothing", async () => {
    const issuer = "https://id.example.com";
    const w = await world(onHttps(issuer));
    const evil = { "x-forwarded-host": "evil.example.com", "x-forwarded-proto": "http", forwarded: "host=evil.example.com" };
    expect(await outcome(w, await properForm(material({ htu: `${issuer}:443/oauth2/token` })), evil)).toBe(TAKEN);
    expect(await outcome(w, await properForm(material({ htu: "https://evil.example.com/oauth2/token" })), evil)).toBe(REFUSED);
    expect(await outcome(w, await properForm(material({ htu: `${issuer}:8443/oauth2/token` })))).toBe(REFUSED);
  });

  it("POP-07 CON-53 was made now: ten seconds either way are, and fractions of one", async () => {
    const w = await world();
    for (const seconds of [-10, 10, -0.5, 0.5]) expect([seconds, await outcome(w, await properForm(material({ iat: clock.now() + seconds })))]).toEqual([seconds, TAKEN]);
    for (const iat of [clock.now() - 60, clock.now() + 11, String(clock.now()), null, [clock.now()]]) {
      expect([iat, await outcome(w, await properForm(material({ iat })))]).toEqual([iat, REFUSED]);
    }
  });

  it("POP-08 POP-16 is used once, in any isolate, and under the other signature that holds for it too", async () => {
    const w = await world();
    const proof = await properForm(material());
    expect(await outcome(w, proof)).toBe(TAKEN);
    expect(await outcome(w, malleated(proof))).toBe(REFUSED);
    expect(await outcome(await anotherIsolate(w), proof)).toBe(REFUSED);
    expect(await outcome(w, malleated(await properForm(material())))).toBe(TAKEN);
  });

  it("POP-01 stands alone: two headers are none", async () => {
    const w = await world();
    const [one, two] = [await properForm(material()), await properForm(material())];
    expect(await outcome(w, `${one}, ${two}`)).toBe(REFUSED);
    expect(await outcome(w, `${one},${one}`)).toBe(REFUSED);
    expect(await outcome(w, one)).toBe(TAKEN);
  });

  it("POP-03 is not an access token, an assertion or a proof of another kind", async () => {
    const w = await world();
    for (const typ of [undefined, "JWT", "at+jwt", "client-authentication+jwt", "dpop"]) {
      const made = material();
      expect([typ, await outcome(w, await compact(made, { ...made.header, typ }, made.claims))]).toEqual([typ, REFUSED]);
    }
  });
});
