import { SignJWT } from "jose";
import { describe, expect, it, vi } from "vitest";
import { stoppedClock } from "../faults.ts";
import { ISSUER, type World, world } from "../world.ts";
import { idpKey, outcomeOf, presentIdToken, secondIdp } from "./federation-steps.ts";
import { authorizeQuery, begin, comeBack, sentTo } from "./login-steps.ts";

const clock = stoppedClock();

const DOWN = () => new Response("down", { status: 500 });

function asked(w: World, path: string): number {
  return w.idp.requests.filter((request) => request.endsWith(path)).length;
}

async function logIn(w: World) {
  const begun = await begin(w);
  return outcomeOf(w, begun.cookie === "" ? begun.response : await comeBack(w, begun));
}

describe("what an IdP publishes", () => {
  it("is asked for once, and again after five minutes, following the response", async () => {
    const w = await world();
    for (const _ of [1, 2, 3]) expect((await logIn(w)).accepted).toBe(true);
    expect([asked(w, "/openid-configuration"), asked(w, "/jwks")]).toEqual([1, 1]);
    clock.forward(299);
    await logIn(w);
    expect([asked(w, "/openid-configuration"), asked(w, "/jwks")]).toEqual([1, 1]);
    clock.forward(1);
    // A response that has to wait for the IdP would wait for ever.
    let late: (response: Response) => void = () => undefined;
    w.idp.scripts.discovery = () => new Promise((resolve) => (late = resolve));
    const after: Promise<unknown>[] = [];
    const { query } = await authorizeQuery("web-app");
    const response = await w.app.fetch(new Request(`${ISSUER}/oauth2/authorize?${query}`, { redirect: "manual" }), { after: (work) => void after.push(work) });
    expect(response.status).toBe(303);
    await vi.waitFor(() => expect(asked(w, "/openid-configuration")).toBe(2));
    late(Response.json({}));
    await Promise.all(after);
  });

  it("that nobody asked for in ten minutes is asked for again, and so are the keys", async () => {
    const w = await world();
    await logIn(w);
    clock.forward(600);
    expect((await logIn(w)).accepted).toBe(true);
    expect([asked(w, "/openid-configuration"), asked(w, "/jwks")]).toEqual([2, 2]);
  });

  it("comes in while the user is at the IdP: the callback waits for the code's redemption alone", async () => {
    const w = await world();
    const begun = await begin(w);
    const before = w.idp.requests.length;
    expect(outcomeOf(w, await comeBack(w, begun)).accepted).toBe(true);
    expect(w.idp.requests.slice(before)).toEqual([`POST ${w.idp.issuer}/token`]);
  });

  it("CON-61 is asked for once by fifty first logins at the same time", async () => {
    const w = await world();
    const begun = await Promise.all(Array.from({ length: 50 }, () => begin(w)));
    expect(asked(w, "/openid-configuration")).toBe(1);
    const answers = await Promise.all(begun.map((one) => comeBack(w, one)));
    expect(answers.filter((answer) => outcomeOf(w, answer).accepted)).toHaveLength(50);
    expect([asked(w, "/openid-configuration"), asked(w, "/jwks"), asked(w, "/token")]).toEqual([1, 1, 50]);
  });

  it("CON-61 is asked for once by fifty at the same time when that fails too: all are told to try again", async () => {
    const w = await world();
    w.idp.scripts.discovery = DOWN;
    const begun = await Promise.all(Array.from({ length: 50 }, () => begin(w)));
    expect(asked(w, "/openid-configuration")).toBe(1);
    for (const { response } of begun) expect(sentTo(response).get("error")).toBe("temporarily_unavailable");
  });

  it.each([
    ["is down", DOWN],
    ["answers garbage", () => new Response("<html>")],
    ["refuses the connection", () => Promise.reject(new TypeError("refused"))],
  ])("is not asked for again within 30 s where the IdP %s", async (_name, script) => {
    const w = await world();
    w.idp.scripts.discovery = script;
    for (let tries = 0; tries < 20; tries++) {
      expect((await logIn(w)).accepted).toBe(false);
      if (tries === 9) clock.forward(29);
    }
    expect(asked(w, "/openid-configuration")).toBe(1);
    delete w.idp.scripts.discovery;
    expect((await logIn(w)).accepted).toBe(false);
    clock.forward(1);
    expect((await logIn(w)).accepted).toBe(true);
    expect(asked(w, "/openid-configuration")).toBe(2);
  });

  it("FED-28 CON-57 serves for an hour from the last good answer while the IdP fails, and no longer", async () => {
    const w = await world();
    expect((await logIn(w)).accepted).toBe(true);
    Object.assign(w.idp.scripts, { discovery: DOWN, keys: DOWN });
    for (const seconds of [600, 600, 1200, 1199]) {
      clock.forward(seconds);
      expect((await logIn(w)).accepted).toBe(true);
    }
    clock.forward(1);
    expect(await logIn(w)).toMatchObject({ accepted: false, error: "temporarily_unavailable" });
    delete w.idp.scripts.discovery;
    delete w.idp.scripts.keys;
    clock.forward(30);
    expect((await logIn(w)).accepted).toBe(true);
  });

  it.each([
    ["garbage", () => Response.json({ keys: "none" })],
    ["an empty key set", () => Response.json({ keys: [] })],
    ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["300 KB", () => Response.json({ keys: [], padding: "x".repeat(300_000) })],
  ])("is not replaced by %s", async (_name, script) => {
    const w = await world();
    expect((await logIn(w)).accepted).toBe(true);
    w.idp.scripts.keys = script;
    clock.forward(601);
    expect((await logIn(w)).accepted).toBe(true);
    expect(asked(w, "/jwks")).toBe(2);
  });

  it("is kept for each IdP by itself: that one fails is no fault of another", async () => {
    const w = await world({
      tenant: (file) => Object.assign(file.identityProviders, { second: { ...file.identityProviders.corp, issuer: "https://idp.example.net", signingAlgorithms: ["ES256"] } }),
    });
    const second = await secondIdp();
    w.idp.scripts.discovery = DOWN;
    expect((await logIn(w)).accepted).toBe(false);
    const begun = await begin(w, "web-app", { idp: "second" });
    const answer = await w.fetch(second.login(begun.url, "dona.moore"), { headers: { cookie: begun.cookie } });
    expect(outcomeOf(w, answer).accepted).toBe(true);
  });

  it("FED-30 of a slow IdP holds up nobody else's login", async () => {
    const w = await world({ tenant: (file) => Object.assign(file.identityProviders, { second: { ...file.identityProviders.corp, issuer: "https://idp.example.net" } }) });
    const second = await secondIdp();
    let answerSlowly: (response: Response) => void = () => undefined;
    w.idp.scripts.discovery = () => new Promise((resolve) => (answerSlowly = resolve));
    const slow = begin(w);
    const begun = await begin(w, "web-app", { idp: "second" });
    const answer = await w.fetch(second.login(begun.url, "dona.moore"), { headers: { cookie: begun.cookie } });
    expect(outcomeOf(w, answer).accepted).toBe(true);
    answerSlowly(new Response("late", { status: 500 }));
    expect(sentTo((await slow).response).get("error")).toBe("temporarily_unavailable");
  });
});

describe("CON-58 when an IdP changes its keys", () => {
  async function rotating(w: World) {
    const [old, fresh] = [await idpKey("old", "ES256"), await idpKey("fresh", "ES256")];
    let published = [old.jwk];
    w.idp.scripts.keys = () => Response.json({ keys: published });
    const present = (kid: "old" | "fresh" | string) =>
      presentIdToken(w, (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid }).sign(kid === "old" ? old.privateKey : fresh.privateKey));
    return { present, rotate: () => (published = [fresh.jwk]) };
  }

  it("the new key counts after one more look, at most 30 s later; the old one then no longer", async () => {
    const w = await world();
    const { present, rotate } = await rotating(w);
    expect((await present("old")).accepted).toBe(true);
    rotate();
    clock.forward(29);
    expect(await present("fresh")).toMatchObject({ accepted: false, error: "server_error" });
    expect((await present("old")).accepted).toBe(true);
    clock.forward(1);
    expect((await present("fresh")).accepted).toBe(true);
    expect(await present("old")).toMatchObject({ accepted: false });
    expect(asked(w, "/jwks")).toBe(2);
  });

  it("a flood of keys that nobody knows asks once in 30 s, and holds up no login by a known one", async () => {
    const w = await world();
    const { present } = await rotating(w);
    await present("old");
    for (let seconds = 0; seconds < 90; seconds += 10) {
      clock.forward(10);
      await Promise.all(Array.from({ length: 5 }, (_, index) => present(`unknown-${seconds}-${index}`)));
      expect((await present("old")).accepted).toBe(true);
    }
    expect(asked(w, "/jwks")).toBeLessThanOrEqual(1 + 3);
  });

  it("a flood of unknown keys asks once in 30 s while the key set fails too, and the known key goes on", async () => {
    const w = await world();
    const { present } = await rotating(w);
    await present("old");
    w.idp.scripts.keys = DOWN;
    for (let seconds = 0; seconds < 90; seconds += 10) {
      clock.forward(10);
      await present(`unknown-${seconds}`);
      expect((await present("old")).accepted).toBe(true);
    }
    expect(asked(w, "/jwks")).toBeLessThanOrEqual(1 + 3);
  });

  it("an ID token without a kid is taken while exactly one key fits", async () => {
    const w = await world();
    const [one, two] = [await idpKey("one", "ES256"), await idpKey("two", "ES256")];
    const rsa = await idpKey("rsa", "RS256");
    const present = () => presentIdToken(w, (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(one.privateKey));
    w.idp.scripts.keys = () => Response.json({ keys: [rsa.jwk, one.jwk, { ...two.jwk, use: "enc" }] });
    expect((await present()).accepted).toBe(true);
    w.idp.scripts.keys = () => Response.json({ keys: [one.jwk, two.jwk] });
    clock.forward(601);
    expect((await present()).accepted).toBe(false);
  });
});
