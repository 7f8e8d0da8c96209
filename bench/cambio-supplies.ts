import { type BenchClient, type MeasuredCambio, secretOf, VERIFIED_TOKENS_KEPT } from "./cambio.ts";
import { always, CONNECTIONS, type Contestant, type Operation, type Supply, type Work } from "./contestant.ts";
import type { Generator } from "./generator.ts";
import { type Credentials, get, post } from "./request.ts";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const LONG_MS = 20_000;
// So few that each is asked for often within the seconds that `edge` remembers it.
const REPEATED = 32;
// So many that each has been forgotten when it is asked for again: its signature or MAC is verified anew, its family's answer is not.
const FORGOTTEN = VERIFIED_TOKENS_KEPT + 20;

/** Cambio as a contestant: logs in as often as there are connections, and makes the tokens that are then exchanged. */
export async function cambioContestant(cambio: MeasuredCambio, generator: Generator): Promise<Contestant> {
  const { served } = cambio;
  const form = (path: string, client: BenchClient, fields: Readonly<Record<string, string>>) => post(served.host, path, fields, credentialsOf(client));
  const chains = new Map<BenchClient, readonly string[]>();
  for (const app of ["app-strong", "app-edge", "app-opaque"] as const) {
    const tokens: string[] = [];
    for (let count = 0; count < CONNECTIONS; count++) tokens.push((await cambio.logIn(app)).refresh_token);
    chains.set(app, tokens);
  }
  const send = async (work: Work, count: number, collect: string) => {
    const result = await generator.run({ port: served.port, connections: CONNECTIONS, count, milliseconds: LONG_MS, collect, ...work });
    if (result.failures > 0) throw new Error(`cambio: ${result.failure}`);
    return result;
  };
  const refreshing = (app: BenchClient): Work => ({
    requests: [form("/oauth2/token", app, { grant_type: "refresh_token", refresh_token: "{token}", scope: "profile" })],
    chains: chains.get(app) ?? [],
  });
  // New access tokens of live logins, none of which the server has been shown yet.
  const fresh = async (app: BenchClient, count: number) => {
    const { collected, chains: now } = await send(refreshing(app), count, "access_token");
    chains.set(app, now);
    return collected;
  };
  const credentialsForm = { grant_type: "client_credentials" };
  const ownTokens = async (client: BenchClient, count: number) => (await send({ requests: [form("/oauth2/token", client, credentialsForm)] }, count, "access_token")).collected;

  const exchanging = (app: BenchClient, audience: BenchClient, subject: string, actor?: string) =>
    form("/oauth2/token", app, {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      ...{ subject_token: subject, subject_token_type: ACCESS_TOKEN, audience },
      ...(actor === undefined ? {} : { actor_token: actor, actor_token_type: ACCESS_TOKEN }),
    });
  const once =
    (app: BenchClient, toRequest: (token: string) => string): Supply =>
    async (count) => ({ requests: (await fresh(app, count)).map(toRequest) });
  // The first look is strong; what is measured comes after it.
  const again =
    (app: BenchClient, toRequest: (token: string) => string, tokens = REPEATED): Supply =>
    async () => {
      const requests = (await fresh(app, tokens)).map(toRequest);
      const { failures, failure } = await generator.run({ port: served.port, connections: CONNECTIONS, count: tokens, milliseconds: LONG_MS, requests });
      if (failures > 0) throw new Error(`cambio: ${failure}`);
      return { requests };
    };
  const introspecting = (client: BenchClient, consistency: string) => (token: string) => form("/oauth2/introspect", client, { token, consistency });
  const supplies: Record<Exclude<Operation, "samlAssertion">, Supply> = {
    exchange: once("app-strong", (token) => exchanging("app-strong", "api-strong", token)),
    exchangeFirst: once("app-edge", (token) => exchanging("app-edge", "api-edge", token)),
    exchangeEdge: again("app-edge", (token) => exchanging("app-edge", "api-edge", token), FORGOTTEN),
    exchangeKnown: again("app-edge", (token) => exchanging("app-edge", "api-edge", token)),
    exchangeToOpaque: once("app-strong", (token) => exchanging("app-strong", "api-opaque", token)),
    exchangeFromOpaque: once("app-opaque", (token) => exchanging("app-opaque", "api-strong", token)),
    exchangeWithActor: async (count) => {
      const [subjects, actors] = [await fresh("app-strong", count), await ownTokens("app-strong", count)];
      return { requests: subjects.map((subject, index) => exchanging("app-strong", "api-strong", subject, actors[index])) };
    },
    refresh: async () => ({ ...refreshing("app-strong"), took: (result) => void chains.set("app-strong", result.chains) }),
    clientCredentials: always(form("/oauth2/token", "app-strong", credentialsForm)),
    introspectOpaque: once("app-opaque", introspecting("app-opaque", "strong")),
    introspectOpaqueEdge: again("app-opaque", introspecting("app-opaque", "edge"), FORGOTTEN),
    introspectOpaqueKnown: again("app-opaque", introspecting("app-opaque", "edge")),
    introspectJwt: once("app-edge", introspecting("app-edge", "strong")),
    introspectJwtEdge: again("app-edge", introspecting("app-edge", "edge"), FORGOTTEN),
    introspectJwtKnown: again("app-edge", introspecting("app-edge", "edge")),
    revoke: once("app-strong", (token) => form("/oauth2/revoke", "app-strong", { token })),
    keySet: always(get(served.host, "/oauth2/certs")),
    discovery: always(get(served.host, "/.well-known/openid-configuration")),
  };
  return { name: "cambio", served, supplies, stop: cambio.stop };
}

function credentialsOf(client: BenchClient): Credentials {
  return [client, secretOf(client)];
}
