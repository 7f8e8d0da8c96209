import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../cli/size/bundle.ts";
import { compatibilityDate, freePort } from "../../cli/size/startup.ts";
import { CONNECTIONS, kept } from "../contestant.ts";
import { get, post } from "../request.ts";
import { serveWorkers } from "../served.ts";
import type { Peer } from "./index.ts";

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const REDIRECT_URI = "http://localhost:8789/callback";
const VERIFIER = "a-verifier-of-the-benchmark-that-is-long-enough";

/** @cloudflare/workers-oauth-provider on workerd; what it exchanges is opaque on both sides, and all of it lies in KV. */
export const workersOauthProvider: Peer = async (folder) => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const built = (name: string, file: string) => {
    const config = join(folder, `${name}.json`);
    writeFileSync(
      config,
      JSON.stringify({ name, main: join(import.meta.dirname, "workers", file), compatibility_date: compatibilityDate(), define: { ORIGIN: JSON.stringify(origin) } }),
    );
    return { name, bundleFile: bundle(config, join(folder, name)).file, date: compatibilityDate() };
  };
  const provider = { ...built("workers-oauth-provider", "oauth-provider-worker.ts"), bindings: ['(name = "OAUTH_KV", kvNamespace = "kv")'] };
  const served = await serveWorkers([provider, built("kv", "kv-worker.ts")], port, "/");
  const { clientId, clientSecret } = (await (await fetch(`${origin}/seed`, { method: "POST" })).json()) as { readonly clientId: string; readonly clientSecret: string };
  const form = (fields: Readonly<Record<string, string>>) => post(served.host, "/token", fields, [clientId, clientSecret]);

  const logIn = async (): Promise<Tokens> => {
    const challenge = createHash("sha256").update(VERIFIER).digest("base64url");
    const query = {
      response_type: "code",
      client_id: clientId,
      redirect_uri: REDIRECT_URI,
      scope: "profile",
      state: "s",
      code_challenge: challenge,
      code_challenge_method: "S256",
    };
    const { redirectTo } = (await (await fetch(`${origin}/authorize?${new URLSearchParams(query)}`)).json()) as { readonly redirectTo: string };
    const code = new URL(redirectTo).searchParams.get("code") ?? "";
    const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER });
    const headers = { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` };
    return (await (await fetch(`${origin}/token`, { method: "POST", body, headers })).json()) as Tokens;
  };
  const logIns = async () => await Promise.all(Array.from({ length: CONNECTIONS }, logIn));
  const exchange = kept(async () => ({
    requests: (await logIns()).map(({ access_token }) =>
      form({
        grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token: access_token,
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      }),
    ),
  }));
  // It has no introspection endpoint: what an API of its own is asked with a token is the nearest thing.
  const introspect = kept(async () => ({
    requests: (await logIns()).map(({ access_token }) => get(served.host, "/api/").replace("\r\n\r\n", `\r\nauthorization: Bearer ${access_token}\r\n\r\n`)),
  }));
  return {
    name: "workers-oauth-provider",
    note: "its tokens are opaque on both sides and lie in KV, here a Map; it introspects nothing, so a call of an API of its own stands for that",
    served,
    supplies: {
      ...{ exchange, exchangeFirst: exchange, exchangeEdge: exchange, exchangeKnown: exchange },
      ...{ introspectOpaque: introspect, introspectOpaqueEdge: introspect, introspectOpaqueKnown: introspect, introspectJwtEdge: introspect, introspectJwtKnown: introspect },
      refresh: async () => ({
        requests: [form({ grant_type: "refresh_token", refresh_token: "{token}" })],
        chains: (await logIns()).map(({ refresh_token }) => refresh_token),
      }),
    },
    stop: served.stop,
  };
};
