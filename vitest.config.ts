import { generateKeyPairSync, randomBytes } from "node:crypto";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { newPrivateJwk } from "./cli/jwk.ts";

// Every secret is made for the run: none is read from a file, none is worth keeping.
const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const signing = JSON.stringify({ ...ec().privateKey.export({ format: "jwk" }), alg: "ES256" });
const rsa = JSON.stringify({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), alg: "RS256" });
const saml = () => JSON.stringify(newPrivateJwk("SAML"));
const foreign = JSON.stringify({ ...ec().privateKey.export({ format: "jwk" }), alg: "ES256", issuer: "https://other.example.com" });
const tokenKey = () => JSON.stringify({ kty: "oct", k: randomBytes(32).toString("base64url") });
const operator = ec();

const bindings = {
  ISSUERS: "http://localhost:8787 https://id.example.com https://other.example.com",
  OPERATOR_KEYS: JSON.stringify({ keys: [{ ...operator.publicKey.export({ format: "jwk" }), kid: "local" }] }),
  SIGNING_KEY_1: signing,
  SIGNING_KEY_2: rsa,
  SIGNING_KEY_3: foreign,
  SIGNING_KEY_4: saml(),
  TOKEN_KEY_1: tokenKey(),
  TOKEN_KEY_2: tokenKey(),
  CORP_CLIENT_SECRET: "corp-client-secret",
  PARTNER_CLIENT_SECRET: "partner-client-secret",
  OTHER_CLIENT_SECRET: "other-client-secret",
  // CAMBIO_CACHES=off npm test: nothing but the time that a token is verified in depends on what an isolate remembers of it.
  ...(process.env.CAMBIO_CACHES === "off" ? { VERIFIED_TOKENS_KEPT: "0", SHARED_ANSWERS_KEPT: "0" } : {}),
  TEST_SAML_KEYS: JSON.stringify([newPrivateJwk("SAML"), newPrivateJwk("SAML")]),
  TEST_OPERATOR_KEY: JSON.stringify(operator.privateKey.export({ format: "jwk" })),
};

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./test/wrangler.toml" }, miniflare: { bindings } })],
        test: { name: "worker", include: ["test/**/*.test.ts"], exclude: ["test/e2e/**", "test/cli/**"], isolate: false, maxWorkers: 1, testTimeout: 30_000 },
      },
      { test: { name: "cli", include: ["test/cli/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false } },
    ],
  },
});
