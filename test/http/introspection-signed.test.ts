import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { changeKeys, editTenant, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { ISSUER, introspect, login, type World, world } from "../world.ts";

const clock = stoppedClock();

const APP = "front-end-app";
const MEDIA_TYPE = "application/token-introspection+jwt";

const askSigned = (w: World, token: string, accept = MEDIA_TYPE, client = APP) => w.post("/oauth2/introspect", { token }, [client, `${client}-secret`], { accept });

/** Verifies an answer as its recipient would: by the published key set, for itself. */
async function verified(w: World, answer: Response, audience = APP) {
  expect([answer.status, answer.headers.get("content-type"), answer.headers.get("cache-control")]).toEqual([200, MEDIA_TYPE, "no-store"]);
  const keys = (await (await w.fetch("/oauth2/certs")).json()) as JSONWebKeySet;
  return await jwtVerify(await answer.text(), createLocalJWKSet(keys), { issuer: ISSUER, audience, typ: "token-introspection+jwt", requiredClaims: ["iat"] });
}

describe("a signed introspection answer (RFC 9701)", () => {
  it("INT-06 holds everything in token_introspection, for the caller, with the type of its own", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    const { payload, protectedHeader } = await verified(w, await askSigned(w, access_token));
    expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "token-introspection+jwt" });
    expect(Object.keys(payload).toSorted()).toEqual(["aud", "iat", "iss", "token_introspection"]);
    expect(payload).toMatchObject({ iss: ISSUER, aud: APP, iat: clock.now() });
    expect(payload.token_introspection).toEqual(await introspect(w, APP, access_token));
  });

  it("INT-05 of an inactive token holds active:false and nothing else of any token, in any wrapper", async () => {
    const w = await world();
    const revoked = await login(w, APP);
    const foreign = await login(w, "travel-agent");
    await w.post("/oauth2/revoke", { token: revoked.access_token }, [APP, `${APP}-secret`]);
    for (const token of [revoked.access_token, foreign.access_token, foreign.refresh_token, "junk"]) {
      const { payload } = await verified(w, await askSigned(w, token));
      expect(payload).toEqual({ iss: ISSUER, aud: APP, iat: clock.now(), token_introspection: { active: false } });
    }
  });

  it("INT-06 is good for nothing else: neither access token, nor subject of introspection, nor hint of a logout", async () => {
    const w = await world();
    const { access_token, cookie } = await login(w, APP);
    const jwt = await (await askSigned(w, access_token)).text();
    expect((await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${jwt}` } })).status).toBe(401);
    expect(await introspect(w, APP, jwt)).toEqual({ active: false });
    expect((await w.fetch(`/oauth2/logout?id_token_hint=${jwt}`, { headers: { cookie } })).status).toBe(400);
    expect((await w.post("/oauth2/revoke", { token: jwt }, [APP, `${APP}-secret`])).status).toBe(200);
    expect(await introspect(w, APP, access_token)).toMatchObject({ active: true });
  });

  it("is given to whoever accepts it, among others or in other letters; everyone else gets JSON", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    for (const accept of [`application/json, ${MEDIA_TYPE}`, "Application/Token-Introspection+JWT", `${MEDIA_TYPE};q=0.9`])
      await verified(w, await askSigned(w, access_token, accept));
    for (const accept of ["", "*/*", "application/json", "application/jwt", `${MEDIA_TYPE}x`]) {
      const answer = await askSigned(w, access_token, accept);
      expect(answer.headers.get("content-type"), accept).toBe("application/json");
      expect(await answer.json()).toMatchObject({ active: true });
    }
  });

  it("is signed by the algorithm of the caller's record", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients[APP], { tokenPolicy: { signingAlgorithm: "RS256" } }) });
    const { access_token } = await login(w, APP);
    expect((await verified(w, await askSigned(w, access_token))).protectedHeader.alg).toBe("RS256");
    const other = await askSigned(w, access_token, MEDIA_TYPE, "stranger");
    expect(decodeProtectedHeader(await other.clone().text()).alg).toBe("ES256");
    expect((await verified(w, other, "stranger")).payload.token_introspection).toEqual({ active: false });
  });

  it("is 503 when there is no key of that algorithm, never an unsigned answer or a verdict", async () => {
    const w = await world();
    const { access_token } = await login(w, APP);
    await changeKeys((roles) => ({ ...roles, signing: roles.signing.map((key) => ({ ...key, role: "next" as const })) }));
    await editTenant(w, (file) => Object.assign(file, { displayName: "asked again" }));
    expect(await outcomeOf(await askSigned(w, access_token))).toEqual(UNAVAILABLE);
    expect(await introspect(w, APP, access_token)).toMatchObject({ active: true });
  });

  it("is announced in the metadata, with the algorithms that it can be signed by", async () => {
    const w = await world();
    const metadata = (await (await w.fetch("/.well-known/oauth-authorization-server")).json()) as Record<string, unknown>;
    expect(metadata.introspection_signing_alg_values_supported).toEqual(["ES256", "RS256"]);
    expect(metadata.introspection_endpoint).toBe(`${ISSUER}/oauth2/introspect`);
    expect(metadata.introspection_endpoint_auth_methods_supported).not.toContain("none");
  });
});
