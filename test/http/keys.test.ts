import { env } from "cloudflare:workers";
import { createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import type { KeyRoles } from "../../src/tenants/key-roles.ts";
import { keyStore } from "../../src/tokens/keys.ts";
import { anotherIsolate, changeKeys, editTenant, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { arrive, ISSUER, introspect, login, redeem, refresh, type Tokens, type World, world } from "../world.ts";

const clock = stoppedClock();

type Role = KeyRoles["signing"][number]["role"];
type Key = KeyRoles["signing"][number];

/** Every decision uses configuration that was confirmed at most this long ago. Seconds. */
const BOUND = 10;
const APP = "front-end-app";
const RSA_APP = "travel-agent";

const EDDSA = await generateKeyPair("EdDSA", { extractable: true });
const EC = await generateKeyPair("ES256", { extractable: true });

/** A service of a deployment that holds two more signing keys: an Ed25519 key, and another for ES256. */
async function withMoreKeys() {
  const jwk = async (key: CryptoKey, alg: string, number: number) => {
    const { d, ...publicJwk } = await exportJWK(key);
    return { number, keyId: `k-${number}`, algorithm: alg, jwk: { ...publicJwk, d, alg }, publicJwk, issuer: undefined } as const;
  };
  const more = [await jwk(EDDSA.privateKey, "EdDSA", 4), await jwk(EC.privateKey, "ES256", 5)];
  return (service: World["service"]): World["service"] => {
    const config = { ...service.config, signingKeys: [...service.config.signingKeys, ...more] as World["service"]["config"]["signingKeys"] };
    return { ...service, config, keys: keyStore(config) };
  };
}

const begun = async () => {
  const service = await withMoreKeys();
  const w = await world({
    service,
    tenant: (file) => {
      Object.assign(file.clients[APP], { tokenPolicy: { refreshRetry: "strict" } });
      Object.assign(file.clients[RSA_APP], { tokenPolicy: { signingAlgorithm: "RS256" } });
      Object.assign(file.clients["web-app"], { tokenPolicy: { signingAlgorithm: "EdDSA" } });
    },
  });
  return { w, service };
};

/** Changes the role of signing keys by number, and lets every isolate know. */
async function setSigning(w: World, roles: Readonly<Record<number, Role>>): Promise<void> {
  await changeKeys((known) => ({ ...known, signing: known.signing.map((key: Key) => ({ ...key, role: roles[key.number] ?? key.role })) }));
  clock.forward(BOUND);
  await w.fetch("/oauth2/certs");
}

const published = async (w: World) =>
  (await (await w.fetch("/oauth2/certs")).json()) as JSONWebKeySet & { readonly keys: readonly { readonly kid: string; readonly alg: string }[] };
const isActive = async (w: World, client: string, token: string) => (await introspect(w, client, token)).active;

describe("the keys that tokens are signed with", () => {
  it("are ES256 unless the client's record says RS256 or EdDSA; every token verifies by the published set", async () => {
    const { w } = await begun();
    const keys = await published(w);
    for (const [app, algorithm] of [
      [APP, "ES256"],
      [RSA_APP, "RS256"],
      ["web-app", "EdDSA"],
    ] as const) {
      const tokens = await login(w, app);
      for (const [token, typ] of [
        [tokens.access_token, "at+jwt"],
        [tokens.id_token, "JWT"],
      ] as const) {
        const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(keys), { issuer: ISSUER, audience: app, typ, algorithms: [algorithm] });
        expect(keys.keys.find(({ kid }) => kid === protectedHeader.kid)?.alg).toBe(algorithm);
      }
      expect(await isActive(w, app, tokens.access_token)).toBe(true);
    }
  });

  it("are published without anything private, and without another tenant's", async () => {
    const { w } = await begun();
    const { keys } = await published(w);
    expect(keys.map(({ alg }) => alg)).toEqual(["ES256", "RS256", "EdDSA", "ES256"]);
    for (const key of keys) expect(Object.keys(key).filter((name) => ["d", "p", "q", "dp", "dq", "qi", "k", "issuer"].includes(name))).toEqual([]);
    const foreign = JSON.parse((env as unknown as { readonly SIGNING_KEY_3: string }).SIGNING_KEY_3) as { readonly x: string };
    expect(JSON.stringify(keys)).not.toContain(foreign.x);
  });

  it("are missing for an algorithm that no key has: 503, and nothing else suffers", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { tokenPolicy: { signingAlgorithm: "EdDSA" } }) });
    const arrived = await arrive(w, "web-app");
    expect(await outcomeOf(await redeem(w, "web-app", arrived))).toEqual(UNAVAILABLE);
    expect(await isActive(w, APP, (await login(w, APP)).access_token)).toBe(true);
    await editTenant(w, (file) => Object.assign(file.clients["web-app"] ?? {}, { tokenPolicy: {} }));
    expect((await redeem(w, "web-app", arrived)).status).toBe(200);
  });
});

describe("a rotation of the signing key", () => {
  it("publishes the next key before it signs, signs with it when it is current, and honours the previous one", async () => {
    const { w } = await begun();
    const before = await login(w, APP);
    const kidOf = (token: string) => decodeProtectedHeader(token).kid;
    expect((await published(w)).keys.map(({ kid }) => kid)).toContain("k-5");
    expect(kidOf(before.access_token)).not.toBe("k-5");
    await setSigning(w, { 1: "previous", 5: "current" });
    const after = await login(w, APP);
    expect(kidOf(after.access_token)).toBe("k-5");
    expect(kidOf(after.id_token)).toBe("k-5");
    expect((await published(w)).keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining(["k-5", kidOf(before.access_token)]));
    for (const { access_token } of [before, after]) expect(await isActive(w, APP, access_token)).toBe(true);
    expect((await refresh(w, APP, before.refresh_token)).status).toBe(200);
  });

  it("signs with the previous key where this deployment does not hold the current one", async () => {
    const { w } = await begun();
    await setSigning(w, { 1: "previous", 5: "current" });
    const older = await anotherIsolate(w);
    const tokens = await login(older, APP);
    expect(decodeProtectedHeader(tokens.access_token).kid).not.toBe("k-5");
    expect(await isActive(w, APP, tokens.access_token)).toBe(true);
  });

  it("never signs with a key that is only next: without a current or previous one it is 503, and nothing is used up", async () => {
    const { w } = await begun();
    const tokens = await login(w, APP);
    await setSigning(w, { 1: "next", 5: "next" });
    const arrived = await arrive(w, APP);
    expect(await outcomeOf(await redeem(w, APP, arrived))).toEqual(UNAVAILABLE);
    const metadata = (await (await w.fetch("/.well-known/openid-configuration")).json()) as Record<string, unknown>;
    expect(metadata.id_token_signing_alg_values_supported).toEqual(["RS256", "EdDSA"]);
    expect(await isActive(w, RSA_APP, (await login(w, RSA_APP)).access_token)).toBe(true);
    expect(await outcomeOf(await refresh(w, APP, tokens.refresh_token))).toEqual(UNAVAILABLE);
    await setSigning(w, { 1: "current" });
    for (const answer of [await redeem(w, APP, arrived), await refresh(w, APP, tokens.refresh_token)]) expect(answer.status).toBe(200);
  });
});

describe("a dropped signing key", () => {
  it("takes its tokens with it within ten seconds, leaves the key set, and leaves other keys' tokens and refresh tokens alone", async () => {
    const { w, service } = await begun();
    const [lost, kept] = [await login(w, APP), await login(w, RSA_APP)];
    const kid = decodeProtectedHeader(lost.access_token).kid;
    const other = await anotherIsolate(w, service);
    expect(await isActive(other, APP, lost.access_token)).toBe(true);
    await setSigning(w, { 1: "dropped", 5: "current" });
    for (const isolate of [w, other]) {
      expect(await isActive(isolate, APP, lost.access_token)).toBe(false);
      expect((await isolate.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${lost.access_token}` } })).status).toBe(401);
      expect((await published(isolate)).keys.map((key) => key.kid)).not.toContain(kid);
      expect(await isActive(isolate, RSA_APP, kept.access_token)).toBe(true);
    }
    expect((await w.fetch(`/oauth2/logout?id_token_hint=${lost.id_token}`)).status).toBe(400);
    const renewed = (await (await refresh(w, APP, lost.refresh_token)).json()) as Tokens;
    expect(decodeProtectedHeader(renewed.access_token).kid).toBe("k-5");
    expect(await isActive(w, APP, renewed.access_token)).toBe(true);
  });

  it("is not even trusted in edge, where its token was found alive a moment ago", async () => {
    const { w } = await begun();
    const file = (await w.service.tenants.export(ISSUER)).file;
    for (const holder of [file, file?.clients[APP]]) Object.assign(holder ?? {}, { consistency: "edge" });
    await w.apply(file ?? {});
    const { access_token } = await login(w, APP);
    clock.forward(4);
    expect(await introspect(w, APP, access_token)).toMatchObject({ cambio_consistency: "strong" });
    await changeKeys((known) => ({ ...known, signing: known.signing.map((key) => (key.number === 1 ? { ...key, role: "dropped" as const } : key)) }));
    clock.forward(4);
    // This answer is the last by the configuration of before: the next one is asked for ahead.
    expect(await introspect(w, APP, access_token)).toMatchObject({ cambio_consistency: "edge" });
    expect(await isActive(w, APP, access_token)).toBe(false);
  });
});
