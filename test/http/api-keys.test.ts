import { decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { editTenant, stoppedClock } from "../faults.ts";
import { basic, login, type World, world } from "../world.ts";
import { asOperator, newSigningKey, newTokenKey, version } from "./operator-requests.ts";
import { lastLineOf, WORKER } from "./wire.ts";

const PUBLISHED = 310;
const MARGIN = 120;
const HOUR = 3600;

const clock = stoppedClock();

const roleOf = (answer: { readonly body: { readonly keys: readonly { readonly kind: string; readonly number: number; readonly role: string }[] } }, kind: string, number: number) =>
  answer.body.keys.find((key) => key.kind === kind && key.number === number)?.role;
const kidOf = async (w: World) => {
  const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", token_format: "jwt" }, WORKER);
  if (answer.status !== 200) return answer.status;
  return decodeProtectedHeader(((await answer.json()) as { access_token: string }).access_token).kid;
};
const publishedKids = async (w: World) => ((await (await w.fetch("/oauth2/certs")).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
/** A world, and a version of it that holds one more ES256 key, 7, which is registered. */
const withNext = async () => {
  const old = await world();
  const w = await version(old, { SIGNING_KEY_7: await newSigningKey() });
  expect((await asOperator(w, "POST", "/keys/register")).status).toBe(200);
  return { old, w };
};
const keyIdOf = async (w: World, number: number) =>
  (await asOperator(w, "GET", "/keys")).body.keys.find((key: { kind: string; number: number }) => key.kind === "signing" && key.number === number)?.keyId;

describe("the list of keys", () => {
  it("names each key's role, since when, whether it is deployed, and nothing that is private", async () => {
    const w = await world();
    const { status, body } = await asOperator(w, "GET", "/keys");
    expect(status).toBe(200);
    const now = clock.now();
    expect(body.keys).toMatchObject([
      { kind: "signing", number: 1, algorithm: "ES256", role: "current", since: now, deployed: true },
      { kind: "signing", number: 2, algorithm: "RS256", role: "current", since: now, deployed: true },
      { kind: "signing", number: 4, algorithm: "SAML", role: "current", since: now, deployed: true },
      { kind: "token", number: 1, role: "current", since: now, deployed: true },
      { kind: "token", number: 2, role: "next", since: now, promotableFrom: now + PUBLISHED, deployed: true },
    ]);
    for (const key of body.keys) for (const member of ["d", "k", "jwk", "p"]) expect(key).not.toHaveProperty(member);
    expect(body.unregistered).toEqual([]);
  });

  it("is for operators only: a client is refused, whatever it may do elsewhere", async () => {
    const w = await world();
    const answer = await w.fetch("/api/v1/keys", { headers: { authorization: basic(...WORKER) } });
    expect(answer.status).toBe(401);
  });

  it("says which keys are deployed and not registered, and that a key of another tenant is not here", async () => {
    const w = await version(await world(), { SIGNING_KEY_7: await newSigningKey("EdDSA"), TOKEN_KEY_9: newTokenKey() });
    expect((await asOperator(w, "GET", "/keys")).body.unregistered).toMatchObject([
      { kind: "signing", number: 7, algorithm: "EdDSA" },
      { kind: "token", number: 9 },
    ]);
  });
});

describe("registering keys", () => {
  it("makes what is deployed and new the next, once, and writes one version", async () => {
    const w = await version(await world(), { SIGNING_KEY_7: await newSigningKey(), TOKEN_KEY_9: newTokenKey() });
    const first = await asOperator(w, "POST", "/keys/register");
    expect([roleOf(first, "signing", 7), roleOf(first, "token", 9), first.body.version]).toEqual(["next", "next", 2]);
    clock.forward(5);
    expect((await asOperator(w, "POST", "/keys/register")).body).toEqual(first.body);
    expect(lastLineOf(w)).toMatchObject({ operator: "local", key: "register", status: 200 });
  });

  it("refuses another key under a number that was used, and a key under a second number", async () => {
    const key = await newSigningKey();
    const old = await world();
    await asOperator(await version(old, { SIGNING_KEY_7: key }), "POST", "/keys/register");
    expect(await asOperator(await version(old, { SIGNING_KEY_7: await newSigningKey() }), "POST", "/keys/register")).toMatchObject({ status: 409, body: { error: "conflict" } });
    expect((await asOperator(await version(old, { SIGNING_KEY_8: key }), "POST", "/keys/register")).status).toBe(409);
    expect((await asOperator(await version(old, { SIGNING_KEY_7: key }), "POST", "/keys/register")).status).toBe(200);
  });
});

describe("promoting a key", () => {
  it("is refused until it has been published as long as verifiers keep the key set and the configuration is bound", async () => {
    const { w } = await withNext();
    const before = await kidOf(w);
    clock.forward(PUBLISHED - 1);
    expect((await asOperator(w, "POST", "/keys/signing/7/promote")).status).toBe(409);
    expect(lastLineOf(w)).toMatchObject({ reason: "key_too_young", key: "promote signing 7" });
    expect(await kidOf(w)).toBe(before);
    clock.forward(1);
    const promoted = await asOperator(w, "POST", "/keys/signing/7/promote");
    expect([roleOf(promoted, "signing", 7), roleOf(promoted, "signing", 1), roleOf(promoted, "signing", 2)]).toEqual(["current", "previous", "current"]);
    expect(await kidOf(w)).toBe(await keyIdOf(w, 7));
    expect((await asOperator(w, "POST", "/keys/signing/7/promote")).body.version).toBe(promoted.body.version);
  });

  it("is refused through a version of the Worker that does not hold the key", async () => {
    const { old, w } = await withNext();
    clock.forward(PUBLISHED);
    expect((await asOperator(old, "POST", "/keys/signing/7/promote")).status).toBe(409);
    expect(lastLineOf(old)).toMatchObject({ reason: "key_not_deployed" });
    expect((await asOperator(w, "POST", "/keys/signing/7/promote")).status).toBe(200);
  });

  it.each([
    ["a number that nobody registered", "signing/9", 404],
    ["a kind that there is not", "sealing/1", 404],
    ["zero", "signing/0", 404],
    ["a number written otherwise", "signing/07", 404],
    ["a foreign tenant's key", "signing/3", 404],
  ])("knows no %s", async (_, key, status) => {
    const { w } = await withNext();
    clock.forward(PUBLISHED);
    expect((await asOperator(w, "POST", `/keys/${key}/promote`)).status).toBe(status);
  });

  it("takes next keys only: one that was dropped never signs again", async () => {
    const { w } = await withNext();
    clock.forward(PUBLISHED);
    await asOperator(w, "POST", "/keys/signing/7/drop");
    expect((await asOperator(w, "POST", "/keys/signing/7/promote")).status).toBe(409);
    expect((await asOperator(w, "POST", "/keys/register")).status).toBe(200);
    expect(await publishedKids(w)).not.toContain(await keyIdOf(w, 7));
  });

  it("takes no body but an empty object", async () => {
    const { w } = await withNext();
    clock.forward(PUBLISHED);
    expect((await asOperator(w, "POST", "/keys/signing/7/promote", { force: true })).status).toBe(400);
    expect((await asOperator(w, "POST", "/keys/signing/7/promote", {})).status).toBe(200);
  });
});

describe("retiring a key", () => {
  const rotated = async () => {
    const { old, w } = await withNext();
    clock.forward(PUBLISHED);
    await asOperator(w, "POST", "/keys/signing/7/promote");
    return { old, w };
  };

  it("is refused while something that it signed may be alive", async () => {
    const { w } = await rotated();
    clock.forward(HOUR + MARGIN - 1);
    expect((await asOperator(w, "POST", "/keys/signing/1/retire")).status).toBe(409);
    expect(lastLineOf(w)).toMatchObject({ reason: "key_needed" });
    clock.forward(1);
    expect(roleOf(await asOperator(w, "POST", "/keys/signing/1/retire"), "signing", 1)).toBe("dropped");
    expect(await publishedKids(w)).not.toContain(await keyIdOf(w, 1));
  });

  it("goes by the longest lifetime that was configured while the key signed, also when that was shortened since", async () => {
    const old = await world();
    await editTenant(old, (file) => Object.assign(file.clients["billing-worker"]!.tokenPolicy, { accessTokenLifetime: 2 * HOUR }));
    const w = await version(old, { SIGNING_KEY_7: await newSigningKey() });
    await asOperator(w, "POST", "/keys/register");
    clock.forward(PUBLISHED);
    await asOperator(w, "POST", "/keys/signing/7/promote");
    await editTenant(w, (file) => Object.assign(file.clients["billing-worker"]!.tokenPolicy, { accessTokenLifetime: 300 }));
    clock.forward(2 * HOUR + MARGIN - 1);
    expect((await asOperator(w, "POST", "/keys/signing/1/retire")).status).toBe(409);
    clock.forward(1);
    expect((await asOperator(w, "POST", "/keys/signing/1/retire")).status).toBe(200);
  });

  it("is for previous keys: neither one that signs nor one that waits", async () => {
    const { w } = await withNext();
    clock.forward(100 * HOUR);
    for (const number of [1, 7]) expect((await asOperator(w, "POST", `/keys/signing/${number}/retire`)).status).toBe(409);
  });

  it("of a token key waits for the longest refresh token", async () => {
    const w = await world();
    await login(w, "mobile-app");
    clock.forward(PUBLISHED);
    await asOperator(w, "POST", "/keys/token/2/promote");
    clock.forward(12 * HOUR + MARGIN - 1);
    expect((await asOperator(w, "POST", "/keys/token/1/retire")).status).toBe(409);
    clock.forward(1);
    expect(roleOf(await asOperator(w, "POST", "/keys/token/1/retire"), "token", 1)).toBe("dropped");
  });
});

describe("dropping a key in an emergency", () => {
  it("CON-52 lets the newest published key of its algorithm follow, and refuses everything that it signed at once", async () => {
    const { w } = await withNext();
    const token = ((await (await w.post("/oauth2/token", { grant_type: "client_credentials", token_format: "jwt" }, WORKER)).json()) as { access_token: string }).access_token;
    const active = async () => ((await (await w.post("/oauth2/introspect", { token }, WORKER)).json()) as { active: boolean }).active;
    expect(await active()).toBe(true);
    clock.forward(PUBLISHED - 200);
    expect((await asOperator(w, "POST", "/keys/signing/1/drop")).status).toBe(409);
    expect(lastLineOf(w)).toMatchObject({ reason: "key_last" });
    clock.forward(200);
    const dropped = await asOperator(w, "POST", "/keys/signing/1/drop");
    expect([roleOf(dropped, "signing", 1), roleOf(dropped, "signing", 7)]).toEqual(["dropped", "current"]);
    expect(await active()).toBe(false);
    expect(await publishedKids(w)).not.toContain(await keyIdOf(w, 1));
    expect(await kidOf(w)).toBe(await keyIdOf(w, 7));
  });

  it("by force takes a key that was just published, or none: then what needs the algorithm is 503", async () => {
    const { w } = await withNext();
    const forced = await asOperator(w, "POST", "/keys/signing/1/drop", { force: true });
    expect(roleOf(forced, "signing", 7)).toBe("current");
    await asOperator(w, "POST", "/keys/signing/7/drop", { force: true });
    expect(await kidOf(w)).toBe(503);
  });

  it("CON-52 takes hold in every isolate within the bound of configuration", async () => {
    const { old, w } = await withNext();
    clock.forward(PUBLISHED);
    const id = await keyIdOf(w, 1);
    await kidOf(old);
    await asOperator(w, "POST", "/keys/signing/1/drop");
    clock.forward(10);
    expect(await publishedKids(old)).not.toContain(id);
    // This version holds no other ES256 key: it cannot sign rather than sign with a dropped one.
    expect(await kidOf(old)).toBe(503);
  });

  it("a key that was dropped does not come back under another number", async () => {
    const key = await newSigningKey();
    const old = await world();
    const w = await version(old, { SIGNING_KEY_7: key });
    await asOperator(w, "POST", "/keys/register");
    await asOperator(w, "POST", "/keys/signing/7/drop");
    const id = await keyIdOf(w, 7);
    const again = await version(old, { SIGNING_KEY_8: key });
    expect(await publishedKids(again)).not.toContain(id);
    expect((await asOperator(again, "POST", "/keys/register")).status).toBe(409);
  });
});
