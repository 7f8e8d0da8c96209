import { join } from "node:path";
import { newPrivateJwk } from "../../cli/jwk.ts";
import { freePort } from "../../cli/size/startup.ts";
import { always, CONNECTIONS, type Supply } from "../contestant.ts";
import { get, post } from "../request.ts";
import { serveScript } from "../served.ts";
import type { Peer } from "./index.ts";

interface Seed {
  readonly jwt: string;
  readonly opaque: string;
  readonly refresh_token: string;
}

const API = "https://api.example.com";

/** npm's oidc-provider on Node, its store a Map in the process: nothing it keeps is durable. */
export const oidcProvider: Peer = async () => {
  const port = await freePort();
  const served = await serveScript(join(import.meta.dirname, "oidc-provider-server.ts"), port, [JSON.stringify(newPrivateJwk("ES256"))], "/jwks");
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
    name: "oidc-provider",
    served,
    supplies: {
      // It has no weaker consistency: what it does once is what it does always.
      ...{ exchange, exchangeEdge: exchange, exchangeKnown: exchange },
      ...{ introspectOpaque: introspect, introspectOpaqueEdge: introspect },
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
};
