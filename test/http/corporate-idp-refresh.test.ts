import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Clock, changeKeys, stopClock, UNAVAILABLE } from "../faults.ts";
import { runSql } from "../worker/inside.ts";
import { login, payloadOf, type World, world } from "../world.ts";
import { handOut, refusalOf, tokenRequests } from "./corporate-idp-steps.ts";

let clock: Clock;
let w: World;
beforeEach(async () => {
  await reset();
  clock = stopClock();
  w = await world();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Logs in, and lets the IdP's tokens expire. The tokens of the next refresh live an hour. */
async function expired(): Promise<string> {
  w.idp.expiresIn = 60;
  const { access_token } = await login(w, "web-app");
  clock.forward(60);
  w.idp.expiresIn = 3600;
  w.idp.requests.length = 0;
  return access_token;
}

/** A claim set of Dona's at the IdP. */
const claims = (changes: Record<string, unknown> = {}) => ({ iss: w.idp.issuer, sub: "sub-dona.moore", aud: "cambio", iat: clock.now(), exp: clock.now() + 3600, ...changes });

/** Lets the IdP answer a refresh like this. */
const answering = (answer: Record<string, unknown>, status = 200) => {
  w.idp.scripts.token = () => Response.json(answer, { status });
};

describe("an IdP's token that has expired", () => {
  it("is refreshed at the IdP: in the body, with our secret in the header, and kept for the next caller", async () => {
    const token = await expired();
    const seen: { readonly authorization: string | null; readonly form: string; readonly cookie: string | null }[] = [];
    w.idp.scripts.token = (request) => {
      void request
        .clone()
        .text()
        .then((form) => seen.push({ form, authorization: request.headers.get("authorization"), cookie: request.headers.get("cookie") }));
      return undefined;
    };
    expect((await handOut(w, token, { response_type: "token id_token" })).body).toMatchObject({ access_token: "idp-at-2", expires_in: 3600, id_token: expect.any(String) });
    expect(seen).toEqual([{ form: "grant_type=refresh_token&refresh_token=idp-rt", authorization: `Basic ${btoa("cambio:corp-client-secret")}`, cookie: null }]);
    clock.forward(100);
    const { body } = await handOut(w, token, { response_type: "id_token token" });
    expect(body).toMatchObject({ access_token: "idp-at-2", expires_in: 3500 });
    expect(payloadOf(String(body.id_token))).toMatchObject({ sub: "sub-dona.moore", exp: clock.now() + 3500 });
    expect(tokenRequests(w)).toBe(1);
  });

  it("is refreshed by one caller of fifty, and all of them get what it brought", async () => {
    const token = await expired();
    const answers = await Promise.all(Array.from({ length: 50 }, () => handOut(w, token)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.access_token}`))).toEqual(new Set(["200 idp-at-2"]));
    expect(tokenRequests(w)).toBe(1);
  });

  it("is refreshed with the refresh token that the last refresh gave", async () => {
    const token = await expired();
    w.idp.expiresIn = 60;
    for (const expected of ["idp-at-2", "idp-at-3", "idp-at-4"]) {
      expect((await handOut(w, token)).body.access_token).toBe(expected);
      clock.forward(60);
    }
  });

  it("stands for the old refresh token where the IdP gives no new one", async () => {
    const token = await expired();
    answering({ access_token: "at", token_type: "bearer", expires_in: 60 });
    expect((await handOut(w, token)).body).toMatchObject({ access_token: "at", expires_in: 60 });
    clock.forward(60);
    delete w.idp.scripts.token;
    expect((await handOut(w, token)).body.access_token).toBe("idp-at-2");
  });

  it("is no obstacle to a caller who wants the ID token alone while that lives, and the other way round", async () => {
    w.idp.expiresIn = 60;
    w.idp.claims = { exp: clock.now() + 3600 };
    const { access_token } = await login(w, "web-app");
    clock.forward(60);
    w.idp.requests.length = 0;
    expect((await handOut(w, access_token, { response_type: "id_token" })).body.expires_in).toBe(3540);
    expect(tokenRequests(w)).toBe(0);
    expect((await handOut(w, access_token)).body.access_token).toBe("idp-at-2");
  });
});

describe("a refresh that the IdP refuses", () => {
  it("is an error, never a stale token; fifty callers and all later ones ask the IdP once", async () => {
    const token = await expired();
    answering({ error: "invalid_grant", error_description: "expired, says the IdP" }, 400);
    const answers = await Promise.all(Array.from({ length: 50 }, () => handOut(w, token)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.error}`))).toEqual(new Set(["400 invalid_grant"]));
    // FED-25: what the IdP says is not passed on.
    expect(answers.map(({ body }) => body.error_description).join()).not.toContain("says the IdP");
    delete w.idp.scripts.token;
    expect(refusalOf(w, await handOut(w, token))).toEqual([400, "invalid_grant", "idp_tokens_expired"]);
    expect(tokenRequests(w)).toBe(1);
  });

  it.each([
    ["the client is unknown there", () => Response.json({ error: "invalid_client" }, { status: 401 }), 502, "idp_token_refused"],
    ["the answer is a page", () => new Response("<html>", { headers: { "content-type": "text/html" } }), 502, "idp_token_refused"],
    ["there is no access token in the answer", () => Response.json({ token_type: "Bearer" }), 502, "idp_token_refused"],
    ["the access token is of a type that we do not know", () => Response.json({ access_token: "at", token_type: "DPoP", expires_in: 60 }), 502, "idp_token_refused"],
    ["it redirects", () => new Response(null, { status: 307, headers: { location: "http://localhost:8798/token" } }), 502, "idp_token_refused"],
    [
      "CON-56 it does not answer in time",
      () => {
        throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
      },
      503,
      "idp_unreachable",
    ],
    ["it fails", () => new Response("{}", { status: 500 }), 503, "idp_unreachable"],
    ["nobody says how long the access token lives", () => Response.json({ access_token: "at", token_type: "Bearer" }), 502, "idp_tokens_unfit"],
    ["the access token has expired already", () => Response.json({ access_token: "at", token_type: "Bearer", expires_in: 0 }), 502, "idp_tokens_unfit"],
  ] as const)("is an error where %s", async (_what, answer, status, reason) => {
    const token = await expired();
    w.idp.scripts.token = answer;
    const refused = await handOut(w, token);
    expect([refused.status, refusalOf(w, refused)[2]]).toEqual([status, reason]);
    expect(JSON.stringify(refused.body)).not.toContain("idp-at");
  });

  it.each([
    ["is about another user", { sub: "sub-julie.armstrong" }, "idp_subject_differs"],
    ["is about another login", { auth_time: 1 }, "idp_id_token_invalid"],
    ["answers another nonce", { nonce: "another" }, "idp_nonce_differs"],
    ["is for another client", { aud: "somebody" }, "idp_id_token_invalid"],
    ["is of another issuer", { iss: "http://localhost:8798" }, "idp_id_token_invalid"],
    ["has expired", { exp: 1 }, "idp_id_token_invalid"],
  ] as const)("is an error where the new ID token %s", async (_what, change, reason) => {
    const token = await expired();
    answering({ access_token: "at", token_type: "Bearer", expires_in: 60, id_token: await w.idp.sign(claims(change)) });
    expect(refusalOf(w, await handOut(w, token))).toEqual([502, "server_error", reason]);
    answering({ access_token: "at", token_type: "Bearer", expires_in: 60, id_token: await w.idp.sign(claims()) });
    clock.forward(20);
    expect((await handOut(w, token)).body.access_token).toBe("at");
  });

  it("is not tried again while the lease goes on: 503, and one request in twenty seconds; then it recovers by itself", async () => {
    const token = await expired();
    w.idp.scripts.token = () => new Response("{}", { status: 503 });
    expect((await handOut(w, token)).status).toBe(503);
    delete w.idp.scripts.token;
    clock.forward(19);
    const { status, body, response } = await handOut(w, token);
    expect({ status, error: body.error, retryAfter: response.headers.get("retry-after") }).toEqual(UNAVAILABLE);
    expect(tokenRequests(w)).toBe(1);
    clock.forward(1);
    expect((await handOut(w, token)).body.access_token).toBe("idp-at-2");
  });
});

describe("while one caller is refreshing", () => {
  it("a logout is not undone: what the IdP gives then is given to nobody", async () => {
    w.idp.expiresIn = 60;
    const { id_token, cookie, access_token } = await login(w, "web-app");
    clock.forward(60);
    w.idp.scripts.token = async () => {
      await w.fetch(`/oauth2/logout?id_token_hint=${id_token}`, { headers: { cookie } });
      return Response.json({ access_token: "late", token_type: "Bearer", expires_in: 60 });
    };
    expect(refusalOf(w, await handOut(w, access_token))).toEqual([400, "invalid_request", "idp_session_absent"]);
  });

  it("those whose IdP answers late are told to come back, and the holder's tokens count all the same", async () => {
    const token = await expired();
    let arrived = () => {};
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    w.idp.scripts.token = async () => {
      arrived();
      await gate;
      return Response.json({ access_token: "slow", token_type: "Bearer", expires_in: 60 });
    };
    const holder = handOut(w, token);
    await reached;
    const other = await handOut(w, token);
    expect([other.status, other.body.error, other.response.headers.get("retry-after")]).toEqual([503, "temporarily_unavailable", "2"]);
    release();
    expect((await holder).body.access_token).toBe("slow");
    expect((await handOut(w, token)).body.access_token).toBe("slow");
    expect(tokenRequests(w)).toBe(1);
  });
});

describe("the IdP's tokens in the family", () => {
  it("are sealed again by a refresh, with the token key that is current then", async () => {
    const token = await expired();
    const before = await sealedTokens();
    await changeKeys((roles) => ({ ...roles, token: roles.token.map((key) => ({ ...key, role: key.number === 2 ? "current" : "previous" })) }));
    clock.forward(11);
    expect((await handOut(w, token)).status).toBe(200);
    const after = await sealedTokens();
    expect([before, after].map((sealed) => keyNumber(sealed))).toEqual([1, 2]);
    expect(after).not.toContain("idp-");
  });
});

/** The sealed tokens of the login session of the family that was spoken of last. */
async function sealedTokens(): Promise<string> {
  const { family } = JSON.parse(w.lines.at(-1) ?? "{}") as { readonly family: string };
  const [found] = await runSql(env.FAMILIES.get(env.FAMILIES.idFromString(family)), "SELECT row FROM sessions");
  return (JSON.parse(String(found?.row)) as { readonly idpTokens: string }).idpTokens;
}

/** Which key sealed it: the first two bytes. */
function keyNumber(sealed: string): number {
  const bytes = atob(sealed.slice(0, 4).replaceAll("-", "+").replaceAll("_", "/"));
  return (bytes.charCodeAt(0) << 8) | bytes.charCodeAt(1);
}
