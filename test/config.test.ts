import { describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

const SIGNING = {
  kty: "EC",
  alg: "ES256",
  crv: "P-256",
  x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
  y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
  d: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
};
const TOKEN = { kty: "oct", k: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" };
const GOOD = {
  ISSUERS: "https://id.example.com  https://other.example.com/realms/a",
  OPERATOR_KEYS: '{"keys":[{"kty":"EC","kid":"ops"}]}',
  SIGNING_KEY_7: JSON.stringify(SIGNING),
  TOKEN_KEY_12: JSON.stringify(TOKEN),
  CORP_CLIENT_SECRET: "s3cret",
  OTHER: "another",
  FAMILIES: {},
};
const signing = (change: object) => ({ SIGNING_KEY_7: JSON.stringify({ ...SIGNING, ...change }) });
const token = (change: object) => ({ TOKEN_KEY_12: JSON.stringify({ ...TOKEN, ...change }) });

describe("the variables of a deployment", () => {
  it("are read once, with defaults for what is left out", async () => {
    const config = await readConfig(GOOD);
    expect(config).toMatchObject({ issuers: ["https://id.example.com", "https://other.example.com/realms/a"], edgeStatusSeconds: 5, configOutageSeconds: 60 });
    expect(config.operatorKeys).toEqual([{ kty: "EC", kid: "ops" }]);
    expect(config.signingKeys.map(({ number, algorithm, keyId }) => ({ number, algorithm, keyId }))).toEqual([
      { number: 7, algorithm: "ES256", keyId: "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U" },
    ]);
    expect([...config.tokenKeys]).toEqual([[12, TOKEN.k]]);
    expect((await readConfig({ ISSUERS: "http://localhost:8787" })).operatorKeys).toEqual([]);
    expect(await readConfig({ ...GOOD, EDGE_STATUS_SECONDS: "0", CONFIG_OUTAGE_SECONDS: "3600", VERIFIED_TOKENS_KEPT: "0", SHARED_ANSWERS_KEPT: "10000" })).toMatchObject({
      edgeStatusSeconds: 0,
      configOutageSeconds: 3600,
      verifiedTokensKept: 0,
      sharedAnswersKept: 10_000,
    });
  });

  it("give away client secrets alone, by a name that says so", async () => {
    const { clientSecret } = await readConfig(GOOD);
    expect(["CORP_CLIENT_SECRET", "OTHER", "SIGNING_KEY_7", "TOKEN_KEY_12", "NONE_CLIENT_SECRET"].map(clientSecret)).toEqual([
      "s3cret",
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("name by issuer where its clients may show a certificate", async () => {
    const aliases = { "https://id.example.com": "https://mtls.id.example.com" };
    expect([...(await readConfig({ ...GOOD, MTLS_ALIASES: JSON.stringify(aliases) })).mtlsAliases]).toEqual(Object.entries(aliases));
    expect((await readConfig(GOOD)).mtlsAliases.size).toBe(0);
  });

  it.each(["SIGNING_KEY_0", "SIGNING_KEY_01", "SIGNING_KEY_123456", "SIGNING_KEY_", "MY_SIGNING_KEY_1", "TOKEN_KEY_-1", "TOKEN_KEY_1.5"])(
    "do not count %s among the keys",
    async (name) => {
      const config = await readConfig({ ISSUERS: "https://id.example.com", [name]: "no key" });
      expect([config.signingKeys.length, config.tokenKeys.size]).toEqual([0, 0]);
    },
  );

  it.each<[string, string, object]>([
    ["MTLS_ALIASES", "is no JSON", { MTLS_ALIASES: "https://mtls.id.example.com" }],
    ["MTLS_ALIASES", "names an issuer that is none", { MTLS_ALIASES: '{"https://id.example.org":"https://mtls.example.com"}' }],
    ["MTLS_ALIASES", "is no origin", { MTLS_ALIASES: '{"https://id.example.com":"https://mtls.example.com/x"}' }],
    ["MTLS_ALIASES", "is an issuer itself", { MTLS_ALIASES: '{"https://id.example.com":"https://other.example.com"}' }],
    ["MTLS_ALIASES", "stands for two", { MTLS_ALIASES: '{"https://id.example.com":"https://mtls.example.com","https://other.example.com/realms/a":"https://mtls.example.com"}' }],
    ["ISSUERS", "is left out", { ISSUERS: undefined }],
    ["ISSUERS", "names none", { ISSUERS: "  " }],
    ["ISSUERS", "has another scheme", { ISSUERS: "ftp://id.example.com" }],
    ["ISSUERS", "has a trailing slash", { ISSUERS: "https://id.example.com/" }],
    ["ISSUERS", "has a query", { ISSUERS: "https://id.example.com/a?b" }],
    ["ISSUERS", "is no URL", { ISSUERS: "https://" }],
    ["ISSUERS", "has a second that is wrong", { ISSUERS: "https://id.example.com nonsense" }],
    ["EDGE_STATUS_SECONDS", "is no number", { EDGE_STATUS_SECONDS: "five" }],
    ["EDGE_STATUS_SECONDS", "is empty", { EDGE_STATUS_SECONDS: "" }],
    ["EDGE_STATUS_SECONDS", "is negative", { EDGE_STATUS_SECONDS: "-1" }],
    ["CONFIG_OUTAGE_SECONDS", "is a fraction", { CONFIG_OUTAGE_SECONDS: "1.5" }],
    ["CONFIG_OUTAGE_SECONDS", "is above an hour", { CONFIG_OUTAGE_SECONDS: "3601" }],
    ["OPERATOR_KEYS", "is not JSON", { OPERATOR_KEYS: "{keys:[]}" }],
    ["OPERATOR_KEYS", "is null", { OPERATOR_KEYS: "null" }],
    ["OPERATOR_KEYS", "is no key set", { OPERATOR_KEYS: "[]" }],
    ["OPERATOR_KEYS", "holds something else", { OPERATOR_KEYS: '{"keys":["x"]}' }],
    ["OPERATOR_KEYS", "holds a key without a name", { OPERATOR_KEYS: '{"keys":[{"kty":"EC"}]}' }],
    ["OPERATOR_KEYS", "holds a key with an empty name", { OPERATOR_KEYS: '{"keys":[{"kty":"EC","kid":""}]}' }],
    ["SIGNING_KEY_7", "is not JSON", { SIGNING_KEY_7: "-----BEGIN" }],
    ["SIGNING_KEY_7", "is a list", { SIGNING_KEY_7: "[]" }],
    ["SIGNING_KEY_7", "is public", signing({ d: undefined })],
    ["SIGNING_KEY_7", "names no algorithm", signing({ alg: undefined })],
    ["SIGNING_KEY_7", "names an algorithm that we do not sign with", signing({ alg: "HS256" })],
    ["SIGNING_KEY_7", "names an algorithm of Object.prototype", signing({ alg: "constructor" })],
    ["SIGNING_KEY_7", "is of another type than its algorithm", signing({ alg: "RS256" })],
    ["SIGNING_KEY_7", "is symmetric", signing({ kty: "oct" })],
    ["SIGNING_KEY_7", "is for something that is no issuer", signing({ issuer: 1 })],
    ["TOKEN_KEY_12", "is not JSON", { TOKEN_KEY_12: TOKEN.k }],
    ["TOKEN_KEY_12", "is of another type", token({ kty: "EC" })],
    ["TOKEN_KEY_12", "is below 256 bit", token({ k: TOKEN.k.slice(1) })],
    ["TOKEN_KEY_12", "is not base64url", token({ k: `${TOKEN.k}=` })],
    ["TOKEN_KEY_12", "is a number", token({ k: 1 })],
  ])("do not start a deployment whose %s %s; the message names it and not what stands in it", async (name, _fault, change) => {
    await expect(readConfig(GOOD)).resolves.toBeDefined();
    const refused = await readConfig({ ...GOOD, ...change }).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    expect(refused).toContain(name);
    for (const value of Object.values(change)) if (typeof value === "string" && value.trim() !== "") expect(refused).not.toContain(`${value} `.trim().slice(0, 40));
  });
});
