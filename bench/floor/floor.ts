import { createCipheriv, createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { importJWK, SignJWT } from "jose";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { ROOT } from "../../cli/root.ts";
import { bundle } from "../../cli/size/bundle.ts";
import { compatibilityDate, freePort, quote } from "../../cli/size/startup.ts";
import { always, type Contestant, type Operation, type Supply } from "../contestant.ts";
import { get, post } from "../request.ts";
import { serveWorkers } from "../served.ts";

const SECRET = "a-secret-of-the-floor";
const FAMILIES = 8;
const BODY_BYTES = 87;
const MAC_BYTES = 16;
const NONCE_BYTES = 12;

const PATHS = {
  exchange: "/exchange",
  // The first look at a token is `strong`.
  exchangeFirst: "/exchange",
  exchangeEdge: "/exchange-edge",
  exchangeKnown: "/exchange-known",
  exchangeToOpaque: "/exchange-to-opaque",
  exchangeFromOpaque: "/exchange-from-opaque",
  exchangeWithActor: "/exchange-with-actor",
  refresh: "/refresh",
  clientCredentials: "/client-credentials",
  introspectOpaque: "/introspect-opaque",
  introspectOpaqueEdge: "/introspect-opaque-edge",
  // A token that was verified before needs no cryptography, whatever its format.
  introspectOpaqueKnown: "/introspect-known",
  introspectJwt: "/introspect-jwt",
  introspectJwtEdge: "/introspect-jwt-edge",
  introspectJwtKnown: "/introspect-known",
  revoke: "/revoke",
} as const satisfies Partial<Record<Operation, string>>;

const OPAQUE: readonly Operation[] = ["exchangeFromOpaque", "refresh", "introspectOpaque", "introspectOpaqueEdge"];

/** A bare Worker that does only what each operation cannot do without. */
export async function startFloor(folder: string): Promise<Contestant> {
  const configFile = join(folder, "floor.json");
  writeFileSync(configFile, JSON.stringify({ name: "floor", main: join(ROOT, "bench", "floor", "worker.ts"), compatibility_date: compatibilityDate() }));
  const key = newPrivateJwk("ES256");
  const [macKey, sealKey] = [randomBytes(32), randomBytes(32)];
  const port = await freePort();
  const texts = {
    SIGNING_KEY: JSON.stringify(key),
    MAC_KEY: macKey.toString("base64"),
    SEAL_KEY: sealKey.toString("base64"),
    SECRET_HASH: createHash("sha256").update(SECRET).digest("base64url"),
  };
  const bindings = [...Object.entries(texts).map(([name, value]) => `(name = ${quote(name)}, text = ${quote(value)})`), '(name = "ROWS", durableObjectNamespace = "Rows")'];
  const { file } = bundle(configFile, join(folder, "floor"));
  const served = await serveWorkers([{ name: "floor", bundleFile: file, date: compatibilityDate(), bindings, objects: ["Rows"] }], port, "/");
  const tokens = { jwt: await jwtOf(key, sealKey), opaque: opaqueOf(macKey) };
  const supply = (operation: keyof typeof PATHS): Supply => {
    const token = OPAQUE.includes(operation) ? tokens.opaque : tokens.jwt;
    const request = (family: string) =>
      post(served.host, PATHS[operation], { ...BASE_FORM, token, actor: operation === "exchangeWithActor" ? tokens.jwt : "", family }, ["app", SECRET]);
    return always(...Array.from({ length: FAMILIES }, (_none, index) => request(String(index))));
  };
  const posts = Object.fromEntries((Object.keys(PATHS) as (keyof typeof PATHS)[]).map((operation) => [operation, supply(operation)]));
  return { name: "floor", served, supplies: { ...posts, keySet: always(get(served.host, "/")), discovery: always(get(served.host, "/")) }, stop: served.stop };
}

// As much to parse as the real thing has.
const BASE_FORM = { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token_type: "urn:ietf:params:oauth:token-type:access_token", audience: "api" };

async function jwtOf(jwk: object, sealKey: Buffer): Promise<string> {
  const lineage = [randomBytes(32).toString("hex"), [randomUUID()], randomUUID(), randomUUID(), "login", 1_700_000_000];
  const claims = { client_id: "app", scope: "openid profile email groups", jti: randomUUID(), lin: sealed(JSON.stringify(lineage), sealKey) };
  const token = new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "floor", typ: "at+jwt" }).setIssuer("http://localhost").setSubject("dona.moore").setAudience("app");
  return await token
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(await importJWK(jwk, "ES256"));
}

function sealed(text: string, key: Buffer): string {
  const iv = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

function opaqueOf(key: Buffer): string {
  const body = randomBytes(BODY_BYTES);
  return Buffer.concat([body, createHmac("sha256", key).update(body).digest().subarray(0, MAC_BYTES)]).toString("base64url");
}
