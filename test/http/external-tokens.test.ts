import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { familyCalls, stopClock } from "../faults.ts";
import { introspect, login, payloadOf, world } from "../world.ts";
import { BEARER, bear, fate, partnerClaims, partnerToken, present, withPartner } from "./external-steps.ts";
import { idpKey } from "./federation-steps.ts";
import { compact, malleated, REFUSED_FORMS } from "./jwt-forms.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
});

const UNREADABLE = [400, "invalid_request", "subject_unreadable"];
const now = () => Math.floor(Date.now() / 1000);

describe("a token of a corporate IdP", () => {
  it("is exchanged for one of ours: one hop, our own subject, no longer than it lives itself", async () => {
    const w = await world();
    const { status, body } = await present(w, await partnerToken(w, { exp: now() + 60 }));
    expect([status, body.issued_token_type]).toEqual([200, TOKEN_TYPE.access_token]);
    const claims = payloadOf(String(body.access_token));
    expect(claims).toMatchObject({ aud: "orders-api", client_id: BEARER, scope: "orders:read" });
    expect(claims.sub).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(Number(claims.exp)).toBeLessThanOrEqual(now() + 71);
    expect(await introspect(w, "orders-api", String(body.access_token))).toMatchObject({ active: true, sub: claims.sub, username: "chris.lee" });
    const next = await present(w, String(body.access_token), { subject_token_type: TOKEN_TYPE.access_token, audience: "" }, "orders-api");
    expect(next.status).toBe(200);
  });

  it("of an IdP that says an auth_time of 0, as some do where they do not know, counts from its own issue", async () => {
    const w = await world();
    const { status, body } = await present(w, await partnerToken(w, { auth_time: 0 }));
    expect(status).toBe(200);
    expect(payloadOf(String(body.access_token)).auth_time).toBeGreaterThan(now() - 120);
    const longAgo = await present(w, await partnerToken(w, { auth_time: 1 }));
    expect(longAgo.status).toBe(400);
  });

  it("costs three calls the first time, and one from then on; all tokens of a user share one family, each a node of its own", async () => {
    const w = await world();
    const calls = familyCalls();
    const token = await partnerToken(w);
    await present(w, token);
    expect(calls).toHaveBeenCalledTimes(3);
    await present(w, token);
    await present(w, await partnerToken(w, { jti: "another" }));
    expect(calls).toHaveBeenCalledTimes(5);
    calls.mockRestore();
    const families = new Set(w.lines.flatMap((line) => (JSON.parse(line).grant === "token_exchange" ? [JSON.parse(line).family] : [])));
    expect(families.size).toBe(1);
    const trace = await w.service.families.trace([...families][0]);
    if (!trace.ok) throw new Error(trace.reason);
    expect([trace.kind, trace.nodes.length, new Set(trace.nodes.map(({ parent }) => parent)).size]).toEqual(["external", 3, 2]);
    expect(trace.nodes.map(({ hops }) => hops)).toEqual([1, 1, 1]);
  });

  it("is taken as ID token too, and by the JWT bearer grant; as an access token, as jwt and by the IdP's alias or issuer", async () => {
    const w = await world();
    const token = await partnerToken(w, { nonce: "n" });
    for (const subject_token_type of [TOKEN_TYPE.id_token, TOKEN_TYPE.jwt, TOKEN_TYPE.access_token]) expect(await fate(w, token, { subject_token_type })).toBe("taken");
    for (const subject_issuer of ["partner", w.partner.issuer]) expect(await fate(w, token, { subject_issuer })).toBe("taken");
    const { status, body } = await bear(w, token, { audience: "orders-api" });
    expect([status, payloadOf(String(body.access_token)).aud]).toEqual([200, "orders-api"]);
    expect(body).not.toHaveProperty("refresh_token");
  });

  it("is the one that the web application got for its user's login there", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.clients["web-app"], { identityProviders: ["partner"] }) });
    const { access_token } = await login(w, "web-app", { user: "chris.lee", authorize: { idp: "partner" } });
    const answer = await w.post("/oauth2/exchange/corporateidp", { assertion: access_token, response_type: "id_token" }, ["web-app", "web-app-secret"]);
    const { id_token } = (await answer.json()) as { id_token: string };
    const { body } = await present(w, id_token, { subject_token_type: TOKEN_TYPE.id_token });
    // Logged in or presented: it is the same user.
    expect(payloadOf(String(body.access_token))).toMatchObject({ aud: "orders-api", sub: payloadOf(access_token).sub });
  });

  it("TX-31 is refused where subject_issuer names another IdP, or it is one of ours", async () => {
    const w = await world();
    const token = await partnerToken(w);
    for (const subject_issuer of ["corp", w.idp.issuer, "unknown", `${w.partner.issuer}/`, "http://localhost:8787"])
      expect([subject_issuer, await fate(w, token, { subject_issuer })]).toEqual([subject_issuer, UNREADABLE]);
    const { access_token } = await login(w, "web-app");
    expect(await fate(w, access_token, { subject_issuer: "partner" })).toEqual(UNREADABLE);
    expect(await fate(w, token)).toBe("taken");
  });

  it("is refused of an IdP that the client does not name, that takes none, or is switched off", async () => {
    const w = await world();
    expect(await fate(w, await w.idp.sign(partnerClaims(w, "chris.lee", { iss: w.idp.issuer })))).toEqual(UNREADABLE);
    expect(await fate(w, await partnerToken(w), { audience: "" }, "orders-api")).toEqual(UNREADABLE);
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    const off = await world(withPartner((partner) => Object.assign(partner, { disabled: true })));
    expect(await fate(off, await partnerToken(off))).toEqual(UNREADABLE);
  });

  const wrongClaims = (): Readonly<Record<string, Record<string, unknown>>> => ({
    "JWT-16 another issuer": { iss: "https://evil.example.net" },
    "JWT-16 a slash behind the issuer": { iss: "http://localhost:8798/" },
    "JWT-16 the issuer in other letters": { iss: "http://LOCALHOST:8798" },
    "JWT-17 another audience": { aud: "other" },
    "JWT-17 the audience in other letters": { aud: "Cambio" },
    "JWT-17 a prefix": { aud: "cambio2" },
    "JWT-17 none": { aud: undefined },
    "JWT-17 empty": { aud: [] },
    "JWT-17 a number in it": { aud: ["cambio", 1] },
    "JWT-17 nested": { aud: [["cambio"]] },
    "JWT-18 no subject": { sub: undefined },
    "JWT-18 an empty subject": { sub: "" },
    "JWT-18 a number": { sub: 1 },
    "TX-30 no expiry": { exp: undefined },
    "TX-30 no time of issue": { iat: undefined },
    "TX-30 issued a year ago": { iat: now() - 31_536_000 },
    "older than the record allows": { iat: now() - 3700 },
    "TX-19 expired a minute ago": { exp: now() - 61 },
    "TX-19 expired eleven seconds ago": { exp: now() - 12 },
    "CON-53 issued a minute ahead": { iat: now() + 61 },
    "CON-53 issued five minutes ahead": { iat: now() + 300 },
    "JWT-28 living for two days": { exp: now() + 172_800 },
    "not yet good": { nbf: now() + 61 },
    "a delegation": { act: { sub: "someone" } },
    may_act: { may_act: { sub: "someone" } },
    "a logout token's claims": { events: { "http://schemas.openid.net/event/backchannel-logout": {} } },
  });

  it("is refused with any claim that is not as it must be; CON-53 ten seconds of a clock are nothing", async () => {
    const w = await world();
    for (const [name, changes] of Object.entries(wrongClaims())) expect([name, await fate(w, await partnerToken(w, changes))]).toEqual([name, UNREADABLE]);
    for (const changes of [{ exp: now() - 5 }, { iat: now() + 8 }, { nbf: now() + 8 }, { aud: ["other", "cambio"] }])
      expect([changes, await fate(w, await partnerToken(w, changes))]).toEqual([changes, "taken"]);
    for (const typ of ["logout+jwt", "dpop+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", "secevent+jwt"])
      expect([typ, await fate(w, await partnerToken(w, {}, { typ }))]).toEqual([typ, UNREADABLE]);
  });

  it("JWT-02 to JWT-14 is taken in its proper form alone, and nothing that it names is fetched", async () => {
    const w = await world();
    const { privateKey, jwk } = await idpKey("ec-1", "ES256");
    w.partner.scripts.keys = () => Response.json({ keys: [jwk] });
    const material = { claims: partnerClaims(w), header: { alg: "ES256", kid: "ec-1", typ: "JWT" }, privateKey, publicJwk: jwk };
    expect(await fate(w, await compact(material, material.header, material.claims))).toBe("taken");
    const asked = w.partner.requests.length;
    for (const [name, form] of Object.entries(REFUSED_FORMS)) {
      const { status } = await present(w, await form(material));
      expect([name, status]).toEqual([name, 400]);
    }
    expect(w.partner.requests.slice(asked).filter((request) => !request.endsWith("/jwks"))).toEqual([]);
  });

  it("JWT-25 is one node whichever of its two signatures it comes with", async () => {
    const w = await world();
    const { privateKey, jwk } = await idpKey("ec-1", "ES256");
    w.partner.scripts.keys = () => Response.json({ keys: [jwk] });
    const token = await compact({ privateKey }, { alg: "ES256", kid: "ec-1", typ: "JWT" }, partnerClaims(w));
    await present(w, token);
    await present(w, malleated(token));
    const trace = await w.service.families.trace(JSON.parse(w.lines.at(-1) ?? "").family);
    expect(trace.ok && new Set(trace.nodes.map(({ parent }) => parent)).size).toBe(1);
  });

  it("FED-19 two IdPs with one key id, and FED-22 one subject at two IdPs, stay two", async () => {
    const w = await world({
      tenant: (file) => {
        Object.assign(file.identityProviders.corp, { subjectTokens: { audiences: ["cambio"] } });
        Object.assign(file.clients[BEARER], { subjectIssuers: ["corp", "partner"] });
      },
    });
    const claims = { ...partnerClaims(w), sub: "same", preferred_username: "dona.moore" };
    // Each by its own key; never by the other's, whatever key id it names.
    expect(await fate(w, await w.idp.sign(claims))).toEqual(UNREADABLE);
    const theirs = await present(w, await w.partner.sign(claims));
    const ours = await present(w, await w.idp.sign({ ...claims, iss: w.idp.issuer }));
    expect([theirs.status, ours.status]).toEqual([200, 200]);
    expect(payloadOf(String(theirs.body.access_token)).sub).not.toBe(payloadOf(String(ours.body.access_token)).sub);
  });

  it("TX-32 never becomes another user by its e-mail; the same user logged in is the same", async () => {
    const w = await world();
    const taken = await present(w, await partnerToken(w, { email: "dona.moore@example.com", email_verified: true }));
    const { access_token } = await login(w, "web-app");
    expect(payloadOf(String(taken.body.access_token)).sub).not.toBe(payloadOf(access_token).sub);
  });

  it("TX-33 needs the claims that its IdP's record requires", async () => {
    const w = await world(withPartner((partner) => Object.assign(partner.subjectTokens, { requiredClaims: { hd: ["partner.example"], "tenant.id": ["t1", "t2"] } })));
    for (const changes of [{}, { hd: "partner.example" }, { hd: "gmail.com", tenant: { id: "t1" } }, { hd: ["partner.example"], tenant: { id: "t1" } }])
      expect(await fate(w, await partnerToken(w, changes))).toEqual(UNREADABLE);
    expect(await fate(w, await partnerToken(w, { hd: "partner.example", tenant: { id: "t2" } }))).toBe("taken");
  });

  it("TX-33 needs what is true or false to be so, where its IdP's record says that", async () => {
    const w = await world(withPartner((partner) => Object.assign(partner.subjectTokens, { requiredClaims: { email_verified: ["true"] } })));
    for (const email_verified of [undefined, false, 1, "false", null]) expect(await fate(w, await partnerToken(w, { email_verified }))).toEqual(UNREADABLE);
    for (const email_verified of [true, "true"]) expect(await fate(w, await partnerToken(w, { email_verified }))).toBe("taken");
  });

  it("of IdPs of one issuer is told by its audience; one for both is of neither, without a hint", async () => {
    const w = await world({
      tenant: (file) => {
        const second = { ...file.identityProviders.partner, subjectTokens: { audiences: ["second"], subject: "oid" } };
        Object.assign(file.identityProviders, { second });
        Object.assign(file.clients[BEARER], { subjectIssuers: ["partner", "second"] });
      },
    });
    const subOf = async (changes: Record<string, unknown>, extra: Record<string, string> = {}) =>
      payloadOf(String((await present(w, await partnerToken(w, changes), extra)).body.access_token ?? "e.e30.e")).sub;
    const [first, second] = [await subOf({}), await subOf({ aud: "second", oid: "sub-chris.lee" })];
    expect([first, second]).toEqual([expect.any(String), expect.any(String)]);
    expect(first).not.toBe(second);
    expect(await subOf({ aud: ["cambio", "second"], oid: "x" })).toBeUndefined();
    expect(await subOf({ aud: ["cambio", "second"], oid: "x" }, { subject_issuer: "partner" })).toBe(first);
  });

  it("TX-34 that is bound to a key is refused without its proof", async () => {
    const w = await world();
    expect(await fate(w, await partnerToken(w, { cnf: { jkt: "x".repeat(43) } }))).toEqual([400, "invalid_request", "subject_unproven"]);
  });

  it("CON-57 is taken by the keys that are kept while the IdP is down, and not at all by an unknown one: 503", async () => {
    const clock = stopClock();
    const w = await world();
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    const down = () => new Response("down", { status: 500 });
    Object.assign(w.partner.scripts, { keys: down, discovery: down });
    clock.forward(3000);
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    clock.forward(90_000);
    expect(await fate(w, await partnerToken(w))).toEqual([503, "temporarily_unavailable", "idp_unreachable"]);
  });
});
