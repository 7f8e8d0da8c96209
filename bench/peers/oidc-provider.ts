import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { cpuMilliseconds, freePort, waitedMilliseconds } from "../../cli/size/startup.ts";
import { always, CONNECTIONS, type Contestant, type Supply } from "../contestant.ts";
import { hold } from "../core.ts";
import { get, post } from "../request.ts";
import { serveScript } from "../served.ts";
import type { Peer } from "./index.ts";

interface Seed {
  readonly jwt: string;
  readonly opaque: string;
  readonly refresh_token: string;
}

const REDIS_START_MS = 500;
const API = "https://api.example.com";

/** npm's oidc-provider on Node, its store a Map in the process: nothing it keeps is durable. */
export const oidcProvider: Peer = async () => await contestantOf("oidc-provider", "its store is a Map in the process: nothing is durable", []);

/** The same with Redis as its store, appended to a file each second: a server of two processes, on one core like every other. */
export const oidcProviderOnRedis: Peer = async (folder) => {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", ""];
  const redis = spawn("redis-server", args, { stdio: "ignore" });
  const orphaned = () => void redis.kill("SIGKILL");
  process.once("exit", orphaned);
  const missing = await new Promise<boolean>((resolve) => void redis.once("error", () => resolve(true)).once("spawn", () => resolve(false)));
  if (missing) return "oidc-provider on Redis is left out: there is no redis-server here (Debian: apt install redis-server)";
  hold(redis.pid, "server");
  await sleep(REDIS_START_MS);
  const contestant = await contestantOf("oidc-provider on Redis", "the store is appended to a file each second; Redis shares the core of its server, and its CPU time counts", [
    String(port),
  ]);
  const { served } = contestant;
  const store = redis.pid ?? 0;
  const stop = async () => {
    await contestant.stop();
    process.removeListener("exit", orphaned);
    redis.kill("SIGKILL");
  };
  return { ...contestant, served: { ...served, cpu: () => served.cpu() + cpuMilliseconds(store), waited: () => served.waited() + waitedMilliseconds(store) }, stop };
};

async function contestantOf(name: string, note: string, store: readonly string[]): Promise<Contestant> {
  const port = await freePort();
  const served = await serveScript(join(import.meta.dirname, "oidc-provider-server.ts"), port, [JSON.stringify(newPrivateJwk("ES256")), ...store], "/jwks");
  const form = (path: string, fields: Readonly<Record<string, string>>) => post(served.host, path, fields, ["app", "a-secret-of-the-peer"]);
  const seed = async () => (await (await fetch(`http://localhost:${port}/seed`, { method: "POST" })).json()) as Seed;
  const each = (toRequest: (seed: Seed) => string): Supply => {
    return async () => ({ requests: (await Promise.all(Array.from({ length: CONNECTIONS }, seed))).map(toRequest) });
  };
  const exchange = each(({ jwt }) =>
    form("/token", {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      ...{ subject_token: jwt, subject_token_type: "urn:ietf:params:oauth:token-type:access_token", audience: API },
    }),
  );
  const introspect = each(({ opaque }) => form("/token/introspection", { token: opaque }));
  return {
    name,
    note,
    served,
    supplies: {
      // It has no weaker consistency: what it does once is what it does always.
      ...{ exchange, exchangeFirst: exchange, exchangeEdge: exchange, exchangeKnown: exchange },
      ...{ introspectOpaque: introspect, introspectOpaqueEdge: introspect, introspectOpaqueKnown: introspect },
      refresh: async () => ({
        requests: [form("/token", { grant_type: "refresh_token", refresh_token: "{token}" })],
        chains: (await Promise.all(Array.from({ length: CONNECTIONS }, seed))).map(({ refresh_token }) => refresh_token),
      }),
      clientCredentials: always(form("/token", { grant_type: "client_credentials", resource: API })),
      revoke: async (count) => ({ requests: (await Promise.all(Array.from({ length: count }, seed))).map(({ opaque }) => form("/token/revocation", { token: opaque })) }),
      keySet: always(get(served.host, "/jwks")),
      discovery: always(get(served.host, "/.well-known/openid-configuration")),
    },
    stop: served.stop,
  };
}
