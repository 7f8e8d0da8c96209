import { createRemoteJWKSet, customFetch, decodeProtectedHeader, type JWTVerifyGetKey, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { stoppedClock } from "../faults.ts";
import { exchange, ISSUER, login, type World, world } from "../world.ts";
import { asOperator, newSigningKey, version } from "./operator-requests.ts";

const clock = stoppedClock();

const STEP_SECONDS = 10;
const ROTATIONS = 5;

/** An exchange that ends in a JWT for another system. */
const traded = async (w: World, subject: string): Promise<string> => {
  const { status, body } = await exchange(w, "travel-agent", {
    subject_token: subject,
    subject_token_type: TOKEN_TYPE.access_token,
    audience: "hr-service",
    scope: "hr-service|level:read",
  });
  expect([status, body.error_description]).toEqual([200, undefined]);
  return String(body.access_token);
};
const kidOf = (token: string) => decodeProtectedHeader(token).kid;

/** A resource server's own verifier: keeps the key set for ten minutes, and asks again for a key that it does not know, but not within 30 s. */
const verifier = (isolate: () => World): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(`${ISSUER}/oauth2/certs`), {
    cacheMaxAge: 600_000,
    cooldownDuration: 30_000,
    [customFetch]: (url: string) => isolate().fetch(url),
  });

/** One that asks every ten minutes and never in between. */
const stubborn = (isolate: () => World): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(`${ISSUER}/oauth2/certs`), {
    cacheMaxAge: 600_000,
    cooldownDuration: 600_000,
    [customFetch]: (url: string) => isolate().fetch(url),
  });

/**
 * Rotates under load: each time a version of the Worker with one more key is deployed beside the old one, its key is
 * registered, and promoted after `wait` seconds. All the while both versions exchange, and every verifier verifies.
 */
async function rotateUnderLoad(
  verifiers: (some: () => World) => readonly JWTVerifyGetKey[],
  wait: number,
): Promise<{ readonly kids: ReadonlySet<string | undefined>; readonly failures: readonly string[] }> {
  let fresh = await world();
  let old = fresh;
  let turn = 0;
  // Whoever asks for the key set meets either version.
  const all = verifiers(() => (turn++ % 2 === 0 ? old : fresh));
  const { access_token } = await login(fresh, "travel-agent");
  const kids = new Set<string | undefined>();
  const failures: string[] = [];
  const kept: string[] = [];
  const verify = async (token: string, why: string) => {
    for (const [index, keySet] of all.entries()) {
      await jwtVerify(token, keySet, { issuer: ISSUER, typ: "at+jwt", currentDate: new Date() }).catch((error: Error) =>
        failures.push(`${why}, verifier ${index}: ${error.message}`),
      );
    }
  };
  const step = async (why: string) => {
    for (const isolate of [old, fresh]) {
      const token = await traded(isolate, access_token);
      kids.add(kidOf(token));
      kept.push(token);
      await verify(token, why);
    }
    clock.forward(STEP_SECONDS);
  };
  const secrets: Record<string, string> = {};
  for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
    secrets[`SIGNING_KEY_${10 + rotation}`] = await newSigningKey();
    fresh = await version(old, secrets);
    expect((await asOperator(fresh, "POST", "/keys/register")).status).toBe(200);
    const published = clock.now();
    while (clock.now() < published + wait) await step(`rotation ${rotation}, before`);
    expect((await asOperator(fresh, "POST", `/keys/signing/${10 + rotation}/promote`)).status).toBe(200);
    for (let after = 0; after < 3; after++) await step(`rotation ${rotation}, after`);
    old = fresh;
    for (const token of [kept[0], kept.at(-20), kept.at(-1)]) await verify(token ?? "", `rotation ${rotation}, kept`);
  }
  return { kids, failures };
}

describe("rotating the signing key under load", () => {
  it("CON-50 CON-51 five times, two versions at once: no verifier that keeps the key set for ten minutes ever fails", async () => {
    const { kids, failures } = await rotateUnderLoad((some) => [verifier(some), verifier(some), verifier(some)], 310);
    expect(failures).toEqual([]);
    // The first key and five more.
    expect(kids.size).toBe(1 + ROTATIONS);
  }, 120_000);

  it("nor one that never asks in between, where the operator waits for ten minutes", async () => {
    const { kids, failures } = await rotateUnderLoad((some) => [stubborn(some)], 610);
    expect(failures).toEqual([]);
    expect(kids.size).toBe(1 + ROTATIONS);
  }, 120_000);
});

describe("two versions of the Worker at once", () => {
  it("CON-51 publish and trust the same keys, also one that only the other holds; each signs with what it has", async () => {
    const old = await world();
    const fresh = await version(old, { SIGNING_KEY_7: await newSigningKey() });
    await asOperator(fresh, "POST", "/keys/register");
    clock.forward(310);
    await asOperator(fresh, "POST", "/keys/signing/7/promote");
    clock.forward(10);
    const certs = async (w: World) => await (await w.fetch("/oauth2/certs")).text();
    expect(await certs(old)).toBe(await certs(fresh));
    const { access_token } = await login(old, "travel-agent");
    const [byOld, byFresh] = [await traded(old, access_token), await traded(fresh, access_token)];
    expect(kidOf(byOld)).not.toBe(kidOf(byFresh));
    for (const token of [byOld, byFresh]) {
      for (const w of [old, fresh]) {
        expect((await w.post("/oauth2/introspect", { token }, ["hr-service", "hr-service-secret"])).status).toBe(200);
        expect(await (await w.post("/oauth2/introspect", { token }, ["hr-service", "hr-service-secret"])).json()).toMatchObject({ active: true });
      }
    }
  });

  it("CON-51 a version that was rolled back to signs with a key that is still published, and none with one that was never registered", async () => {
    const old = await world();
    const fresh = await version(old, { SIGNING_KEY_7: await newSigningKey(), SIGNING_KEY_1: undefined });
    await login(old, "travel-agent").then(async ({ access_token }) => {
      const answer = await exchange(fresh, "travel-agent", { subject_token: access_token, subject_token_type: TOKEN_TYPE.access_token, scope: "hr-service|level:read" });
      // It holds no key with a role that signs: it says so, rather than sign with what nobody has published.
      expect(answer).toMatchObject({ status: 503, body: { error: "temporarily_unavailable" } });
    });
  });
});
