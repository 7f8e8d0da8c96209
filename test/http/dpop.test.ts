import { reset } from "cloudflare:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../src/protocol/bytes.ts";
import { TOKEN_TYPE } from "../../src/protocol/names.ts";
import { arrive, exchange, ISSUER, introspect, login, payloadOf, refresh, type TenantFileInput, type World, world } from "../world.ts";

const KEY = await generateKeyPair("ES256", { extractable: true });
const OTHER = await generateKeyPair("ES256", { extractable: true });
const TOKEN_URL = `${ISSUER}/oauth2/token`;

beforeEach(reset);
afterEach(() => vi.useRealTimers());

const seconds = () => Math.floor(Date.now() / 1000);

async function proof(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, pair = KEY): Promise<string> {
  const payload = { htm: "POST", htu: TOKEN_URL, iat: seconds(), jti: crypto.randomUUID(), ...claims };
  return await new SignJWT(payload).setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: await exportJWK(pair.publicKey), ...header }).sign(pair.privateKey);
}

const requiring = (value: string) => (file: TenantFileInput) => void Object.assign(file.clients["mobile-app"], { dpop: value });

async function redeemWith(
  w: World,
  headers: Record<string, string>,
  extra: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, string>; headers: Headers }> {
  const arrived = await arrive(w, "mobile-app", { authorize: extra });
  const form = { grant_type: "authorization_code", client_id: "mobile-app", code: arrived.code, redirect_uri: arrived.redirectUri, code_verifier: arrived.verifier };
  const answer = await w.post("/oauth2/token", form, undefined, headers);
  return { status: answer.status, body: await answer.json(), headers: answer.headers };
}

async function bound(w: World): Promise<Record<string, string>> {
  const { status, body } = await redeemWith(w, { dpop: await proof() });
  if (status !== 200) throw new Error(JSON.stringify([body, w.lines.at(-1)]));
  return body;
}

describe("a DPoP proof at the token endpoint", () => {
  it("binds the access token and says so", async () => {
    const w = await world();
    const body = await bound(w);
    expect(body.token_type).toBe("DPoP");
    expect(payloadOf(body.access_token ?? "").cnf).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/) });
    expect(await introspect(w, "web-app", body.access_token ?? "")).toEqual({ active: false });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>?]>([
    ["POP-04 another method", { htm: "GET" }],
    ["POP-04 another URL", { htu: `${ISSUER}/oauth2/revoke` }],
    ["POP-04 another host", { htu: "https://elsewhere.example.com/oauth2/token" }],
    ["POP-04 another scheme", { htu: TOKEN_URL.replace("http:", "https:") }],
    ["POP-04 a path that only begins so", { htu: `${TOKEN_URL}/` }],
    ["no jti", { jti: undefined }],
    ["no htm", { htm: undefined }],
    ["no htu", { htu: undefined }],
    ["no iat", { iat: undefined }],
    ["POP-07 iat an hour ago", { iat: seconds() - 3600 }],
    ["POP-07 iat an hour ahead", { iat: seconds() + 3600 }],
    ["POP-07 CON-53 iat 61 s ago", { iat: seconds() - 61 }],
    ["POP-07 CON-53 iat 61 s ahead", { iat: seconds() + 61 }],
    ["POP-07 iat in words", { iat: String(seconds()) }],
    ["another typ", {}, { typ: "JWT" }],
    ["no key", {}, { jwk: undefined }],
    ["a kid beside the key", {}, { kid: "x" }],
  ])("is refused with %s", async (_name, claims, header = {}) => {
    const w = await world();
    const { status, body } = await redeemWith(w, { dpop: await proof(claims, header) });
    expect([status, body.error]).toEqual([400, "invalid_dpop_proof"]);
  });

  it("POP-01 POP-03 is refused with a private key in it, another key's signature, two headers, and none where the client must prove a key", async () => {
    const w = await world({ tenant: requiring("required") });
    const priv = await exportJWK(KEY.privateKey);
    const swapped = await proof({}, { jwk: await exportJWK(OTHER.publicKey) });
    for (const dpop of [await proof({}, { jwk: priv }), swapped, `${await proof()}, ${await proof()}`, "not a proof"]) {
      expect((await redeemWith(w, { dpop })).body.error).toBe("invalid_dpop_proof");
    }
    expect((await redeemWith(w, {})).body.error).toBe("invalid_dpop_proof");
    expect((await redeemWith(w, { dpop: await proof({ htu: `${TOKEN_URL}?x=1#y` }) })).status).toBe(200);
  });

  it("POP-08 is used once, and of ten at once exactly one is", async () => {
    const w = await world();
    const dpop = await proof();
    const form = { grant_type: "client_credentials" };
    const answers = await Promise.all(Array.from({ length: 10 }, () => w.post("/oauth2/token", form, ["billing-worker", "billing-worker-secret"], { dpop })));
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  });

  it("needs a nonce of ours where the client's record says so, and an old one is not enough", async () => {
    const w = await world({ tenant: requiring("nonce") });
    const first = await redeemWith(w, { dpop: await proof() });
    expect([first.status, first.body.error]).toEqual([400, "use_dpop_nonce"]);
    const nonce = first.headers.get("dpop-nonce") ?? "";
    expect((await redeemWith(w, { dpop: await proof({ nonce }) })).status).toBe(200);
    expect((await redeemWith(w, { dpop: await proof({ nonce: "made-up" }) })).body.error).toBe("use_dpop_nonce");
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 301_000);
    expect((await redeemWith(w, { dpop: await proof({ nonce }) })).body.error).toBe("use_dpop_nonce");
  });

  it("POP-11 redeems a code that was bound to its key, and no other key does", async () => {
    const w = await world();
    const dpop_jkt = await thumbprint();
    expect((await redeemWith(w, { dpop: await proof({}, {}, OTHER) }, { dpop_jkt })).body.error).toBe("invalid_grant");
    expect((await redeemWith(w, {}, { dpop_jkt })).body.error).toBe("invalid_grant");
    expect((await redeemWith(w, { dpop: await proof() }, { dpop_jkt })).status).toBe(200);
  });
});

async function thumbprint(): Promise<string> {
  const { crv, kty, x, y } = await exportJWK(KEY.publicKey);
  return await sha256(JSON.stringify({ crv, kty, x, y }));
}

describe("a bound refresh token", () => {
  it("RT-12 needs the proof of its key, and a wrong one uses nothing up", async () => {
    const w = await world();
    const { refresh_token = "" } = await bound(w);
    expect((await refresh(w, "mobile-app", refresh_token)).status).toBe(400);
    const form = { grant_type: "refresh_token", client_id: "mobile-app", refresh_token };
    const foreign = await w.post("/oauth2/token", form, undefined, { dpop: await proof({}, {}, OTHER) });
    expect([foreign.status, ((await foreign.json()) as { error: string }).error]).toEqual([400, "invalid_grant"]);
    const own = await w.post("/oauth2/token", form, undefined, { dpop: await proof() });
    expect([own.status, ((await own.json()) as { token_type: string }).token_type]).toEqual([200, "DPoP"]);
  });
});

describe("a bound access token", () => {
  const userinfo = (w: World, headers: Record<string, string>) => w.fetch("/oauth2/userinfo", { headers });
  const atUserinfo = async (token: string, claims: Record<string, unknown> = {}, pair = KEY) =>
    proof({ htm: "GET", htu: `${ISSUER}/oauth2/userinfo`, ath: await sha256(token), ...claims }, {}, pair);

  it("POP-10 is taken with its own scheme and proof, and not otherwise", async () => {
    const w = await world();
    const { access_token: token = "" } = await bound(w);
    expect((await userinfo(w, { authorization: `DPoP ${token}`, dpop: await atUserinfo(token) })).status).toBe(200);
    expect((await userinfo(w, { authorization: `Bearer ${token}` })).status).toBe(401);
    expect((await userinfo(w, { authorization: `DPoP ${token}` })).status).toBe(401);
    expect((await userinfo(w, { authorization: `DPoP ${token}`, dpop: await atUserinfo(token, {}, OTHER) })).status).toBe(401);
    expect((await userinfo(w, { authorization: `DPoP ${token}`, dpop: await atUserinfo(token, { ath: await sha256("another") }) })).status).toBe(400);
    expect((await userinfo(w, { authorization: `DPoP ${token}`, dpop: await atUserinfo(token, { ath: undefined }) })).status).toBe(400);
  });

  it("an unbound one is no DPoP token", async () => {
    const w = await world();
    const { body } = await redeemWith(w, {});
    expect((await userinfo(w, { authorization: `DPoP ${body.access_token}`, dpop: await atUserinfo(body.access_token ?? "") })).status).toBe(401);
    expect((await userinfo(w, { authorization: `Bearer ${body.access_token}` })).status).toBe(200);
  });

  it("TX-34, TX-35, regression 10: is exchanged with its proof only, and what comes out is bound to the same key", async () => {
    const w = await world();
    const { access_token: subject_token = "", refresh_token = "" } = await bound(w);
    const form = { subject_token, subject_token_type: TOKEN_TYPE.access_token };
    expect((await exchange(w, "mobile-app", form)).body.error).toBe("invalid_request");
    const all = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", client_id: "mobile-app", ...form };
    expect((await w.post("/oauth2/token", all, undefined, { dpop: await proof({}, {}, OTHER) })).status).toBe(400);
    const answer = await w.post("/oauth2/token", { ...all, token_format: "jwt" }, undefined, { dpop: await proof() });
    const body = (await answer.json()) as Record<string, string>;
    expect([answer.status, body.token_type]).toEqual([200, "DPoP"]);
    expect(payloadOf(body.access_token ?? "").cnf).toEqual(payloadOf(subject_token).cnf);
    const fromRefresh = { ...all, subject_token: refresh_token, subject_token_type: TOKEN_TYPE.refresh_token };
    expect((await w.post("/oauth2/token", fromRefresh)).status).toBe(400);
    expect((await w.post("/oauth2/token", fromRefresh, undefined, { dpop: await proof() })).status).toBe(200);
  });

  it("does not lose its binding by way of the ID token beside it, nor by an SSO token, which the browser could not prove", async () => {
    const w = await world();
    const arrived = await arrive(w, "web-app");
    const code = { grant_type: "authorization_code", code: arrived.code, redirect_uri: arrived.redirectUri, code_verifier: arrived.verifier };
    const web = ["web-app", "web-app-secret"] as const;
    const given = (await (await w.post("/oauth2/token", code, web, { dpop: await proof() })).json()) as Record<string, string>;
    expect(payloadOf(given.id_token ?? "").cnf).toEqual({ jkt: await thumbprint() });
    const trade = async (extra: Record<string, string>, pair?: typeof KEY) => {
      const form = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: given.id_token ?? "", subject_token_type: TOKEN_TYPE.id_token, ...extra };
      const answer = await w.post("/oauth2/token", form, web, pair === undefined ? {} : { dpop: await proof({}, {}, pair) });
      return { status: answer.status, body: (await answer.json()) as Record<string, string> };
    };
    const refused = (reason: string) => expect(JSON.parse(w.lines.at(-1) ?? "")).toMatchObject({ status: 400, reason });
    for (const pair of [undefined, OTHER]) {
      await trade({}, pair);
      refused("subject_unproven");
    }
    const own = await trade({ token_format: "jwt" }, KEY);
    expect([own.status, own.body.token_type, payloadOf(own.body.access_token ?? "").cnf]).toEqual([200, "DPoP", { jkt: await thumbprint() }]);
    const sso = { resource: "urn:sap:identity:sso" };
    for (const [type, token = ""] of [
      [TOKEN_TYPE.id_token, given.id_token],
      [TOKEN_TYPE.access_token, given.access_token],
      [TOKEN_TYPE.refresh_token, given.refresh_token],
    ] as const) {
      await trade({ ...sso, subject_token: token, subject_token_type: type }, KEY);
      refused("subject_bound");
    }
    const { id_token } = await login(w, "web-app");
    expect((await trade({ ...sso, subject_token: id_token })).status).toBe(200);
  });

  it("INT-19 is introspected with its confirmation", async () => {
    const w = await world();
    const answer = await w.post("/oauth2/token", { grant_type: "client_credentials", audience: "orders-api" }, ["billing-worker", "billing-worker-secret"], {
      dpop: await proof(),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    expect(await introspect(w, "orders-api", access_token)).toMatchObject({ active: true, token_type: "DPoP", cnf: { jkt: await thumbprint() } });
  });
});
