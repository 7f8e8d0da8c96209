import { createHash } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { newPrivateJwk, publicJwk } from "../../cli/jwk.ts";
import { operatorToken } from "../../cli/operator-key.ts";

const KEY = { ...newPrivateJwk("ES256"), kid: "alice" };
const REQUEST = { issuer: "https://id.example.com", method: "PUT", target: "/api/v1/tenant?prune=true", body: '{"issuer":"https://id.example.com"}' };

test("an operator token verifies with the public half and names operator and audience", async () => {
  const token = await operatorToken(KEY, REQUEST);
  const { payload } = await jwtVerify(token, await importJWK(publicJwk(KEY), "ES256"), { issuer: "alice", audience: "https://id.example.com/api/v1" });
  expect(decodeProtectedHeader(token)).toEqual({ typ: "operator+jwt", alg: "ES256", kid: "alice" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
});

test("an operator token is bound to method, path with query, and body", async () => {
  const { htm, htu, content_digest: digest } = decodeJwt(await operatorToken(KEY, REQUEST));
  expect([htm, htu]).toEqual(["PUT", "/api/v1/tenant?prune=true"]);
  expect(digest).toBe(createHash("sha256").update(REQUEST.body).digest("base64url"));
});

test("no two operator tokens have the same jti", async () => {
  const tokens = await Promise.all([operatorToken(KEY, REQUEST), operatorToken(KEY, REQUEST)]);
  expect(new Set(tokens.map((token) => decodeJwt(token).jti)).size).toBe(2);
});
