import { SignJWT } from "jose";
import { describe, expect, it, vi } from "vitest";
import { GRANT_TYPE, TOKEN_TYPE } from "../../src/protocol/names.ts";
import { anotherIsolate, outcomeOf, stoppedClock, UNAVAILABLE } from "../faults.ts";
import { introspect, type World, world } from "../world.ts";
import { BEARER, fate, partnerClaims, partnerToken, present, withPartner } from "./external-steps.ts";
import { idpKey } from "./federation-steps.ts";
import { lastReason } from "./login-steps.ts";

const clock = stoppedClock();

const DOWN = () => new Response("down", { status: 500 });
const UNREACHABLE = [503, "temporarily_unavailable", "idp_unreachable"];
const UNREADABLE = [400, "invalid_request", "subject_unreadable"];

/** How often the partner's IdP was asked for discovery and for its keys. */
const asked = (w: World) => ["/.well-known/openid-configuration", "/jwks"].map((path) => w.partner.requests.filter((one) => one === `GET ${w.partner.issuer}${path}`).length);

/** What an exchange of a new token of the partner's, and a JWT bearer grant with one, are answered with. */
async function answers(w: World): Promise<readonly unknown[]> {
  const post = async (form: Record<string, string>) => await outcomeOf(await w.post("/oauth2/token", { audience: "orders-api", ...form }, [BEARER, `${BEARER}-secret`]));
  return [
    await post({ grant_type: GRANT_TYPE.token_exchange, subject_token: await partnerToken(w), subject_token_type: TOKEN_TYPE.jwt }),
    await post({ grant_type: GRANT_TYPE.jwt_bearer, assertion: await partnerToken(w, { jti: crypto.randomUUID() }) }),
  ];
}

const GOOD = { status: 200, retryAfter: null, error: undefined };
const corpToken = async (w: World) => await w.idp.sign({ ...partnerClaims(w, "chris.lee", { email: "julie.armstrong@example.com" }), iss: w.idp.issuer });

/** The corporate IdP's tokens are taken as well. */
const withCorp = {
  tenant: (file: { readonly identityProviders: { readonly corp: object }; readonly clients: Record<string, object> }) => {
    Object.assign(file.identityProviders.corp, { subjectTokens: { audiences: ["cambio"] } });
    Object.assign(file.clients[BEARER] ?? {}, { subjectIssuers: ["partner", "corp"] });
  },
};

describe("an IdP that is slow", () => {
  it("has five seconds in a cold isolate for discovery and keys together", async () => {
    const w = await world();
    const given = vi.spyOn(AbortSignal, "timeout");
    w.partner.scripts.discovery = () => void clock.forward(4);
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    expect(given.mock.calls.flat()).toEqual([5000, 1000]);
  });
});

describe("CON-57 while an IdP is down for an hour and more", () => {
  it("FED-28 its tokens are exchanged until its keys are an hour old, then answered with 503, and taken again by themselves once it is back", async () => {
    const w = await world();
    expect(await answers(w)).toEqual([GOOD, GOOD]);
    Object.assign(w.partner.scripts, { discovery: DOWN, keys: DOWN });
    for (const seconds of [599, 1, 1200, 1799]) {
      clock.forward(seconds);
      expect(await answers(w)).toEqual([GOOD, GOOD]);
    }
    clock.forward(1);
    expect(await answers(w)).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(lastReason(w)).toBe("idp_unreachable");
    // It is back, and is asked at most half a minute after it was asked last.
    Object.assign(w.partner.scripts, { discovery: undefined, keys: undefined });
    expect(await answers(w)).toEqual([UNAVAILABLE, UNAVAILABLE]);
    clock.forward(30);
    expect(await answers(w)).toEqual([GOOD, GOOD]);
  });

  it("what came of its tokens stays good, the other IdP's tokens are taken, and an isolate that never had its keys says 503 from the beginning", async () => {
    const w = await world(withCorp);
    const { body } = await present(w, await partnerToken(w));
    Object.assign(w.partner.scripts, { discovery: DOWN, keys: DOWN });
    const cold = await anotherIsolate(w);
    expect(await answers(cold)).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(await answers(w)).toEqual([GOOD, GOOD]);
    expect(await introspect(cold, "orders-api", String(body.access_token))).toMatchObject({ active: true });
    clock.forward(3600);
    expect([await fate(w, await partnerToken(w)), await fate(w, await corpToken(w))]).toEqual([UNREACHABLE, "taken"]);
  });

  it("a key that is not known may be a new one: 503 while the IdP fails, and refused once it says that there is none", async () => {
    const w = await world();
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    const unknown = async () => await fate(w, await partnerToken(w, {}, { kid: "unknown" }));
    w.partner.scripts.keys = DOWN;
    clock.forward(30);
    expect([await unknown(), await unknown(), await fate(w, await partnerToken(w))]).toEqual([UNREACHABLE, UNREACHABLE, "taken"]);
    delete w.partner.scripts.keys;
    clock.forward(30);
    expect([await unknown(), await fate(w, await partnerToken(w))]).toEqual([UNREADABLE, "taken"]);
  });

  it("it is asked once in 30 s, however many tokens come, and a bad answer replaces no good one", async () => {
    const w = await world();
    expect(await fate(w, await partnerToken(w))).toBe("taken");
    Object.assign(w.partner.scripts, { discovery: () => Response.json({}), keys: () => Response.json({ keys: [] }) });
    clock.forward(600);
    const [discovery = 0, keys = 0] = asked(w);
    for (const seconds of [0, 29, 1, 29]) {
      clock.forward(seconds);
      for (const _ of [1, 2, 3]) expect(await fate(w, await partnerToken(w))).toBe("taken");
    }
    expect(asked(w)).toEqual([discovery + 2, keys + 2]);
  });
});

describe("CON-56 an IdP that does not answer", () => {
  it("is given up after five seconds with 503, while the tokens of the other one are taken without waiting for it", async () => {
    const w = await world(withCorp);
    const timers: { readonly milliseconds: number; readonly controller: AbortController }[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      const controller = new AbortController();
      timers.push({ milliseconds, controller });
      return controller.signal;
    });
    w.partner.scripts.discovery = () => new Promise(() => undefined);
    const slow = answers(w);
    await vi.waitFor(() => expect(asked(w)).toEqual([1, 0]));
    const [first] = timers;
    expect(await fate(w, await corpToken(w))).toBe("taken");
    expect(new Set(timers.map(({ milliseconds }) => milliseconds))).toEqual(new Set([5000]));
    first?.controller.abort(new DOMException("The operation timed out.", "TimeoutError"));
    expect(await slow).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(asked(w)).toEqual([1, 0]);
  });
});

describe("CON-58 an IdP that changes its keys without overlap", () => {
  it("is looked at once in 30 s: only tokens of the new key wait for that, and those of the old one are refused from then on", async () => {
    const w = await world(withPartner((partner) => Object.assign(partner, { signingAlgorithms: ["ES256"] })));
    const [old, fresh] = [await idpKey("old", "ES256"), await idpKey("fresh", "ES256")];
    let published = [old.jwk];
    w.partner.scripts.keys = () => Response.json({ keys: published });
    const by = async ({ privateKey, jwk }: typeof old) =>
      await fate(w, await new SignJWT(partnerClaims(w, "chris.lee", { jti: crypto.randomUUID() })).setProtectedHeader({ alg: "ES256", kid: String(jwk.kid) }).sign(privateKey));
    expect(await by(old)).toBe("taken");
    published = [fresh.jwk];
    clock.forward(29);
    expect([await by(fresh), await by(old), await by(fresh), await by(old)]).toEqual([UNREADABLE, "taken", UNREADABLE, "taken"]);
    expect(asked(w)).toEqual([1, 1]);
    clock.forward(1);
    expect([await by(fresh), await by(old)]).toEqual(["taken", UNREADABLE]);
    expect(asked(w)).toEqual([1, 2]);
  });
});

describe("CON-61 an IdP that nobody has asked yet", () => {
  const together = async (w: World) => {
    const tokens = await Promise.all(Array.from({ length: 30 }, () => partnerToken(w, { jti: crypto.randomUUID() })));
    return (await Promise.all(tokens.map((token) => present(w, token)))).map(({ status }) => status);
  };

  it("is asked for each document once by thirty first exchanges at the same time", async () => {
    const w = await world();
    expect(await together(w)).toEqual(Array(30).fill(200));
    expect(asked(w)).toEqual([1, 1]);
  });

  it("is asked once when that fails too: all are told to try again, and 30 s later they are served", async () => {
    const w = await world();
    w.partner.scripts.discovery = DOWN;
    expect(await together(w)).toEqual(Array(30).fill(503));
    expect(asked(w)).toEqual([1, 0]);
    delete w.partner.scripts.discovery;
    clock.forward(30);
    expect(await together(w)).toEqual(Array(30).fill(200));
    expect(asked(w)).toEqual([2, 1]);
  });
});
