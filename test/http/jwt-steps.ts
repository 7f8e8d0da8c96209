import { env } from "cloudflare:workers";
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK } from "jose";
import { randomId, sha256 } from "../../src/protocol/bytes.ts";
import type { World } from "../world.ts";
import type { Material } from "./jwt-forms.ts";

function secret(name: string): JWK {
  return JSON.parse((env as unknown as Record<string, string>)[name] ?? "");
}

async function privateKey({ kty, crv, x, y, d }: JWK): Promise<CryptoKey> {
  return (await importJWK({ kty, crv, x, y, d } as JWK, "ES256")) as CryptoKey;
}

/** What a token of ours is made of, under our own key: so that it can be made again with one thing changed. */
export async function ownMaterial(jwt: string, key = "SIGNING_KEY_1"): Promise<Material> {
  const { kty, crv, x, y, d } = secret(key);
  const header = decodeProtectedHeader(jwt) as Material["header"];
  return { claims: decodeJwt(jwt), header, privateKey: await privateKey({ kty, crv, x, y, d } as JWK), publicJwk: { kty, crv, x, y } as JWK };
}

/** What an operator's token for reading the tenant is made of. A new one each time: it is used once. */
export async function operatorMaterial(issuer: string): Promise<Material> {
  const jwk = secret("TEST_OPERATOR_KEY");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: "local", aud: `${issuer}/api/v1`, iat: now, exp: now + 60, jti: randomId(), htm: "GET", htu: "/api/v1/tenant", content_digest: await sha256("") };
  const { kty, crv, x, y } = jwk;
  return { claims, header: { alg: "ES256", kid: "local", typ: "operator+jwt" }, privateKey: await privateKey(jwk), publicJwk: { kty, crv, x, y } as JWK };
}

/** Whether an access token opens userinfo. */
export async function opensUserinfo(w: World, token: string): Promise<boolean> {
  const answer = await w.post("/oauth2/userinfo", { access_token: token });
  // Whoever sends nothing at all, and whoever sends what is no token, is told the same status.
  if (answer.status !== 200 && answer.status !== 401) throw new Error(`userinfo answered ${answer.status}`);
  return answer.status === 200;
}

/** Whether a client sees a token as active. */
export async function isActive(w: World, client: string, token: string): Promise<boolean> {
  const answer = await w.post("/oauth2/introspect", { token }, [client, `${client}-secret`]);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`introspection answered ${answer.status}: ${text}`);
  const { active } = JSON.parse(text) as { active: boolean };
  if (!active && text !== '{"active":false}') throw new Error(`an inactive token was described: ${text}`);
  return active;
}

/** Whether a hint lets a logout go on without a click. No session is touched: the hint's own has no cookie here, so an unknown state is enough to tell. */
export async function isHint(w: World, token: string): Promise<boolean> {
  const answer = await w.post("/oauth2/logout", { id_token_hint: token });
  if (answer.status >= 500) throw new Error(`logout answered ${answer.status}`);
  return answer.status !== 400;
}

/** Whether a token lets an operator read the tenant. */
export async function isOperator(w: World, token: string): Promise<boolean> {
  const answer = await w.fetch("/api/v1/tenant", { headers: { authorization: `Bearer ${token}` } });
  if (answer.status !== 200 && answer.status !== 401) throw new Error(`the operator's API answered ${answer.status}`);
  return answer.status === 200;
}
