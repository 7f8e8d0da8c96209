import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { generateKeyPair, importJWK, type JWTHeaderParameters, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf, randomId, sha256, toBase64url } from "../../src/protocol/bytes.ts";
import { Rejection } from "../../src/protocol/rejection.ts";
import { ISSUER, login, operatorToken, type World, world } from "../world.ts";
import { onHttps } from "./login-steps.ts";
import { bytesOfAnswer, lastLineOf, refusal } from "./wire.ts";

beforeEach(reset);
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const PATH = "/api/v1/tenant";
const variables = env as unknown as { readonly TEST_OPERATOR_KEY: string; readonly OPERATOR_KEYS: string };
const own = await importJWK(JSON.parse(variables.TEST_OPERATOR_KEY), "ES256");
const foreign = (await generateKeyPair("ES256")).privateKey;
const rsa = (await generateKeyPair("RS256")).privateKey;
const [publicKey] = JSON.parse(variables.OPERATOR_KEYS).keys as [JsonWebKey];

const get = (w: World, authorization?: string, path = PATH) => w.fetch(path, authorization === undefined ? {} : { headers: { authorization } });
const bearer = async (claims: object = {}, path = PATH) => `Bearer ${await operatorToken(ISSUER, "GET", path, "", claims)}`;
const seconds = () => Math.floor(Date.now() / 1000);

async function claimsOf(changes: object = {}): Promise<Record<string, unknown>> {
  const now = seconds();
  const good = { iss: "local", aud: `${ISSUER}/api/v1`, iat: now, exp: now + 60, jti: randomId(), htm: "GET", htu: PATH, content_digest: await sha256("") };
  return Object.fromEntries(Object.entries({ ...good, ...changes }).filter(([, value]) => value !== undefined));
}

async function signed(header: object, key: Parameters<SignJWT["sign"]>[0] = own, claims: object = {}): Promise<string> {
  const protectedHeader = { alg: "ES256", kid: "local", typ: "operator+jwt", ...header } as JWTHeaderParameters;
  return `Bearer ${await new SignJWT(await claimsOf(claims)).setProtectedHeader(protectedHeader).sign(key)}`;
}

/** Signed without a library, which would refuse some headers. */
async function byHand(header: object): Promise<string> {
  const head = toBase64url(bytesOf(JSON.stringify({ alg: "ES256", kid: "local", typ: "operator+jwt", ...header })));
  const text = `${head}.${toBase64url(bytesOf(JSON.stringify(await claimsOf())))}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, own as CryptoKey, bytesOf(text));
  return `Bearer ${text}.${toBase64url(new Uint8Array(signature))}`;
}

const unsigned = async (header: object, signature = "AAAA") =>
  `Bearer ${toBase64url(bytesOf(JSON.stringify({ kid: "local", typ: "operator+jwt", ...header })))}.${toBase64url(bytesOf(JSON.stringify(await claimsOf())))}.${signature}`;

const NOT_A_TOKEN: readonly (readonly [string, () => Promise<string | undefined>])[] = [
  ["none at all", async () => undefined],
  ["an empty one", async () => "Bearer "],
  ["another scheme", async () => (await bearer()).replace("Bearer", "DPoP")],
  ["Basic", async () => `Basic ${btoa("local:x")}`],
  ["junk", async () => "Bearer junk"],
  ["two of them", async () => `${await bearer()}, ${await bearer()}`],
  ["no signature", async () => (await bearer()).replace(/[^.]+$/, "")],
  ["alg none", () => unsigned({ alg: "none" })],
  ["alg none without a signature", () => unsigned({ alg: "none" }, "")],
  ["alg nOnE", () => unsigned({ alg: "nOnE" })],
  ["a signature of zeros", () => unsigned({ alg: "ES256" }, "A".repeat(86))],
  ["HS256 with the public key's JWK", () => signed({ alg: "HS256" }, bytesOf(JSON.stringify(publicKey)))],
  ["HS256 with the public key's x", () => signed({ alg: "HS256" }, bytesOf(publicKey.x ?? ""))],
  ["another key under a known name", () => signed({}, foreign)],
  ["RS256 under a name whose key is ES256", () => signed({ alg: "RS256" }, rsa)],
  ["an unknown name", () => signed({ kid: "nobody" }, own, { iss: "nobody" })],
  ["no kid", () => signed({ kid: undefined })],
  ["a kid that is a path", () => signed({ kid: "../../local" })],
  ["its own key in the header", () => signed({ jwk: publicKey }, foreign)],
  ["a URL of keys in the header", () => signed({ jku: "https://evil.example.com/keys" }, foreign)],
  ["a critical extension", () => byHand({ crit: ["x"], x: 1 })],
  ["typ JWT", () => signed({ typ: "JWT" })],
  ["typ at+jwt", () => signed({ typ: "at+jwt" })],
  ["no typ", () => signed({ typ: undefined })],
];

const WRONG_CLAIMS: readonly (readonly [string, () => object])[] = [
  ["another name than its key", () => ({ iss: "alice" })],
  ["no name", () => ({ iss: undefined })],
  ["another tenant's audience", () => ({ aud: "https://other.example.com/api/v1" })],
  ["the issuer as its audience", () => ({ aud: ISSUER })],
  ["a longer audience", () => ({ aud: `${ISSUER}/api/v1/tenant` })],
  ["a list of audiences", () => ({ aud: [`${ISSUER}/api/v1`] })],
  ["no audience", () => ({ aud: undefined })],
  ["an expiry that is now", () => ({ iat: seconds() - 60, exp: seconds() })],
  ["an expiry a day ago", () => ({ iat: seconds() - 86_400, exp: seconds() - 86_340 })],
  ["61 seconds of life", () => ({ exp: seconds() + 61 })],
  ["a year of life", () => ({ exp: seconds() + 31_536_000 })],
  ["a birth in the far future", () => ({ iat: seconds() + 3600, exp: seconds() + 3660 })],
  ["a birth in a minute", () => ({ iat: seconds() + 60, exp: seconds() + 90 })],
  ["no expiry", () => ({ exp: undefined })],
  ["no birth", () => ({ iat: undefined })],
  ["times that are texts", () => ({ iat: String(seconds()), exp: String(seconds() + 60) })],
  ["times that are fractions", () => ({ iat: seconds() + 0.5, exp: seconds() + 30.5 })],
  ["an endless expiry", () => ({ exp: 1e300, iat: 1e300 })],
  ["a birth before all time", () => ({ iat: -1e15 })],
  ["no jti", () => ({ jti: undefined })],
  ["a short jti", () => ({ jti: "short" })],
  ["a long jti", () => ({ jti: "j".repeat(129) })],
  ["a jti that is a list", () => ({ jti: [randomId()] })],
  ["another method", () => ({ htm: "PUT" })],
  ["its method in small letters", () => ({ htm: "get" })],
  ["no method", () => ({ htm: undefined })],
  ["another path", () => ({ htu: "/api/v1/keys" })],
  ["a query that was not sent", () => ({ htu: `${PATH}?prune=true` })],
  ["the whole URL", () => ({ htu: `${ISSUER}${PATH}` })],
  ["another spelling of its path", () => ({ htu: "/api/v1/%74enant" })],
  ["no path", () => ({ htu: undefined })],
  ["another body", () => ({ content_digest: "A".repeat(43) })],
  ["no body", () => ({ content_digest: undefined })],
];

describe("an operator's token", () => {
  it("lets its operator in, and names it in the log", async () => {
    const w = await world();
    expect((await get(w, await bearer())).status).toBe(200);
    expect(lastLineOf(w)).toMatchObject({ endpoint: PATH, operator: "local", status: 200 });
  });

  it("of any other make is no token", async () => {
    const w = await world();
    const fetched = w.idp.requests.length;
    for (const [name, make] of NOT_A_TOKEN) {
      const answer = await get(w, await make());
      expect([name, answer.headers.get("www-authenticate")]).toEqual([name, expect.stringMatching(/^Bearer realm="cambio", error="invalid_token"/)]);
      expect([name, await refusal(answer)]).toEqual([name, "401 invalid_token"]);
      expect([name, lastLineOf(w).operator]).toEqual([name, undefined]);
    }
    expect(w.idp.requests).toHaveLength(fetched);
    expect((await get(w, await byHand({}))).status).toBe(200);
  });

  it("HTTP-20 must name its operator, this issuer, its minute, and this very request", async () => {
    const w = await world();
    for (const [name, claims] of WRONG_CLAIMS) expect([name, await refusal(await get(w, await signed({}, own, claims())))]).toEqual([name, "401 invalid_token"]);
    expect((await get(w, await signed({}))).status).toBe(200);
  });

  it("lives sixty seconds at most, and a clock ahead by ten is forgiven", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = seconds();
    const w = await world();
    const token = await bearer();
    const late = await bearer({ jti: randomId() });
    const ahead = await bearer({ iat: start + 10, exp: start + 70 });
    const tooFar = await bearer({ iat: start + 11, exp: start + 71 });
    expect([(await get(w, ahead)).status, (await get(w, tooFar)).status]).toEqual([200, 401]);
    vi.setSystemTime((start + 59) * 1000);
    expect((await get(w, token)).status).toBe(200);
    vi.setSystemTime((start + 60) * 1000);
    expect((await get(w, late)).status).toBe(401);
  });

  it("is bound to the query as it is sent", async () => {
    const w = await world();
    const body = JSON.stringify({});
    const put = async (signedPath: string, sentPath: string) => {
      const authorization = `Bearer ${await operatorToken(ISSUER, "PUT", signedPath, body)}`;
      return (await w.fetch(sentPath, { method: "PUT", body, headers: { "content-type": "application/json", authorization } })).status;
    };
    expect(await put(PATH, `${PATH}?prune=true`)).toBe(401);
    expect(await put(`${PATH}?prune=true`, PATH)).toBe(401);
    expect(await put(`${PATH}?dry_run=true&prune=true`, `${PATH}?prune=true&dry_run=true`)).toBe(401);
    expect(await put(`${PATH}?prune=true`, `${PATH}?prune=true`)).toBe(400);
  });

  it("tells the caller nothing of why: every refusal is the same answer", async () => {
    const w = await world();
    const used = await bearer();
    await get(w, used);
    const refusals = [
      used,
      "Bearer junk",
      undefined,
      await signed({}, foreign),
      await signed({}, own, { aud: "x" }),
      await signed({}, own, { htm: "PUT" }),
      await signed({}, own, { exp: 1 }),
    ];
    const answers = new Set<string>();
    for (const authorization of refusals) answers.add(await bytesOfAnswer(await get(w, authorization)));
    expect(answers.size).toBe(1);
  });
});

describe("a token that was used", () => {
  it("is refused, here and in every isolate", async () => {
    const [here, there] = [await world(), await world()];
    const token = await bearer();
    expect((await get(here, token)).status).toBe(200);
    expect(await refusal(await get(here, token))).toBe("401 invalid_token");
    expect(await refusal(await get(there, token))).toBe("401 invalid_token");
    expect(lastLineOf(there)).toMatchObject({ reason: "operator_replayed" });
  });

  it("of twenty at once lets one in", async () => {
    const w = await world();
    const token = await bearer();
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await get(w, token)).status));
    expect(statuses.toSorted()).toEqual([200, ...Array.from({ length: 19 }, () => 401)]);
  });

  it("is not used up by a request that it does not fit", async () => {
    const w = await world();
    const token = await bearer();
    expect((await get(w, token, `${PATH}?x=1`)).status).toBe(401);
    expect((await w.fetch(PATH, { method: "HEAD", headers: { authorization: token } })).status).toBe(401);
    expect((await get(w, token)).status).toBe(200);
  });

  it("is 503, and nothing is done, when nobody can tell whether it was", async () => {
    const w = await world();
    const use = vi.spyOn(w.service.singleUse, "use").mockRejectedValue(new Rejection("unavailable"));
    expect(await refusal(await get(w, await bearer()))).toBe("503 temporarily_unavailable");
    expect(await refusal(await w.apply({ issuer: ISSUER }, "?prune=true"))).toBe("503 temporarily_unavailable");
    use.mockRestore();
    expect(await (await get(w, await bearer())).json()).toMatchObject({ version: 1, tenant: { realm: "demo" } });
  });
});

describe("HTTP-20 who else comes", () => {
  it("with a token of an application or of a user is refused", async () => {
    const w = await world();
    const tokens = await login(w, "web-app");
    const grant = await w.post("/oauth2/token", "grant_type=client_credentials", ["billing-worker", "billing-worker-secret"]);
    const { access_token } = (await grant.json()) as { access_token: string };
    for (const token of [access_token, tokens.access_token, tokens.id_token, tokens.refresh_token])
      expect(await refusal(await get(w, `Bearer ${token}`))).toBe("401 invalid_token");
    expect(await refusal(await w.fetch(PATH, { headers: { cookie: tokens.cookie } }))).toBe("401 invalid_token");
    expect(await refusal(await w.fetch(`${PATH}?access_token=${(await bearer()).slice(7)}`))).toBe("401 invalid_token");
  });

  it("with an operator's token where an application's belongs is refused too", async () => {
    const w = await world();
    const token = (await bearer()).slice(7);
    expect(await refusal(await w.fetch("/oauth2/userinfo", { headers: { authorization: `Bearer ${token}` } }))).toBe("401 invalid_token");
    expect(await (await w.post("/oauth2/introspect", { token }, ["web-app", "web-app-secret"])).json()).toEqual({ active: false });
    expect((await get(w, `Bearer ${token}`)).status).toBe(200);
  });

  it("from another tenant stays there: a token holds for the issuer it names, at its own host", async () => {
    const w = await world(onHttps());
    const other = "https://other.example.com";
    const read = async (issuer: string, host: string) =>
      (await w.fetch(`${host}${PATH}`, { headers: { authorization: `Bearer ${await operatorToken(issuer, "GET", PATH)}` } })).status;
    expect(await read("https://id.example.com", "https://id.example.com")).toBe(200);
    expect(await read("https://id.example.com", other)).toBe(401);
    expect(await read(other, "https://id.example.com")).toBe(401);
    expect(await read(ISSUER, "https://id.example.com")).toBe(401);
  });
});
