// The peer: npm's oidc-provider on Node with a token exchange grant, as its documentation has grants registered. Its store
// is a Map in the process, or Redis. Arguments: port, a private JWK, Redis' port. `POST /seed` stands in for logins and is never measured.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { importJWK, type JWK, type JWTPayload, jwtVerify } from "jose";
import * as library from "oidc-provider";
import { mapStore, redisStore } from "./store.ts";

/** What the library's models do; it carries no types. */
interface Model {
  jti?: string;
  scope?: string;
  resourceServer?: unknown;
  readonly expiration: number;
  save(): Promise<string>;
}
interface Ctx {
  body: unknown;
  readonly oidc: { readonly client: unknown; readonly params: Readonly<Record<string, string>> };
}
type ModelClass = new (properties: object) => Model;
interface Library {
  readonly AccessToken: ModelClass;
  readonly RefreshToken: ModelClass;
  readonly Grant: (new (
    properties: object,
  ) => Model & { addOIDCScope(scope: string): void; addResourceScope(resource: string, scope: string): void }) & {
    find(id: string): Promise<Model | undefined>;
  };
  readonly ResourceServer: new (id: string, info: object) => unknown;
  readonly Client: { find(id: string): Promise<unknown> };
  registerGrantType(name: string, handler: (ctx: Ctx) => Promise<void>, parameters: readonly string[]): void;
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
}

const [portText = "0", keyText = "{}", redisPort] = process.argv.slice(2);
const issuer = `http://localhost:${portText}`;
const key = JSON.parse(keyText) as JWK;
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange";
const API = "https://api.example.com";
const OPAQUE_API = "https://opaque.example.com";
const SCOPE = "openid profile offline_access";
const store = redisPort === undefined ? mapStore() : redisStore(Number(redisPort));

/** The library's own interface to a store. */
class Adapter {
  readonly #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  async upsert(id: string, payload: object, seconds = 300): Promise<void> {
    await store.set(`${this.#name}:${id}`, payload, seconds);
  }
  async find(id: string): Promise<object | undefined> {
    return await store.get(`${this.#name}:${id}`);
  }
  async consume(id: string): Promise<void> {
    const known = await this.find(id);
    if (known !== undefined) await this.upsert(id, { ...known, consumed: Math.floor(Date.now() / 1000) }, 43_200);
  }
  async destroy(id: string): Promise<void> {
    await store.delete(`${this.#name}:${id}`);
  }
  async revokeByGrantId(): Promise<void> {}
}

const info = (resource: string) => ({
  scope: "profile",
  audience: resource,
  accessTokenFormat: resource === OPAQUE_API ? "opaque" : "jwt",
  accessTokenTTL: 300,
  jwt: { sign: { alg: "ES256" } },
});

const configuration = {
  adapter: Adapter,
  clients: [
    {
      client_id: "app",
      client_secret: "a-secret-of-the-peer",
      grant_types: ["authorization_code", "refresh_token", "client_credentials", GRANT_TYPE],
      redirect_uris: ["http://localhost:8789/callback"],
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...key, use: "sig" }] },
  cookies: { keys: [randomUUID()] },
  scopes: SCOPE.split(" "),
  ttl: { AccessToken: 300, ClientCredentials: 300, RefreshToken: 43_200, Grant: 43_200 },
  rotateRefreshToken: true,
  // The grant of a token, so that an exchange finds what it hangs below.
  extraTokenClaims: (_ctx: unknown, token: { readonly grantId?: string }) => (token.grantId === undefined ? {} : { grant: token.grantId }),
  findAccount: (_ctx: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: (_ctx: unknown, resource: string) => info(resource), useGrantedResource: () => true },
  },
};

const provider = new (library.Provider as unknown as new (issuer: string, configuration: object) => Library)(issuer, configuration);
const { d: _d, ...publicKey } = key;
const verificationKey = await importJWK(publicKey, "ES256");
const exchanges = new Adapter("Exchange");

provider.registerGrantType(
  GRANT_TYPE,
  async (ctx) => {
    const { client, params } = ctx.oidc;
    const { payload } = await jwtVerify<JWTPayload & { readonly grant: string }>(params.subject_token ?? "", verificationKey, { issuer, typ: "at+jwt", algorithms: ["ES256"] });
    if ((await provider.Grant.find(payload.grant)) === undefined) throw new Error("the grant has ended");
    const token = new provider.AccessToken({ accountId: payload.sub, client, grantId: payload.grant, gty: "token_exchange", scope: "profile" });
    token.resourceServer = new provider.ResourceServer(API, info(API));
    const value = await token.save();
    await exchanges.upsert(randomUUID(), { parent: payload.jti, grant: payload.grant, scope: token.scope });
    ctx.body = { access_token: value, issued_token_type: "urn:ietf:params:oauth:token-type:access_token", expires_in: token.expiration, token_type: "Bearer", scope: token.scope };
  },
  ["subject_token", "subject_token_type", "audience"],
);

async function seed(): Promise<object> {
  const client = await provider.Client.find("app");
  const grant = new provider.Grant({ accountId: "dona.moore", clientId: "app" });
  grant.addOIDCScope(SCOPE);
  for (const resource of [API, OPAQUE_API]) grant.addResourceScope(resource, "profile");
  const grantId = await grant.save();
  const common = { accountId: "dona.moore", client, grantId, gty: "authorization_code" };
  const refresh = new provider.RefreshToken({ ...common, scope: "profile offline_access", resource: API, rotations: 0 });
  const tokenFor = async (resource: string) => {
    const token = new provider.AccessToken({ ...common, scope: "profile" });
    token.resourceServer = new provider.ResourceServer(resource, info(resource));
    return await token.save();
  };
  return { jwt: await tokenFor(API), opaque: await tokenFor(OPAQUE_API), refresh_token: await refresh.save() };
}

const listener = provider.callback();
createServer((request, response) => {
  if (request.url !== "/seed") return listener(request, response);
  seed().then(
    (tokens) => response.end(JSON.stringify(tokens)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
}).listen(Number(portText), "127.0.0.1");
