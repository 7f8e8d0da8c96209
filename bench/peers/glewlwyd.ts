import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { freePort, waitedMilliseconds } from "../../cli/size/startup.ts";
import { hasGlewlwyd, startGlewlwyd, USER } from "../../test/e2e/glewlwyd.ts";
import { always, CONNECTIONS, kept } from "../contestant.ts";
import { hold } from "../core.ts";
import { get, post } from "../request.ts";
import { MEMORY } from "../served.ts";
import type { Peer } from "./index.ts";

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

const CLIENT = { client_id: "app", client_secret: "a-secret-of-the-peer" } as const;

/** Debian's glewlwyd, C with SQLite in memory's files as Cambio's objects have theirs: ES256, and a refresh token is good once. It exchanges nothing. */
export const glewlwyd: Peer = async () => {
  if (!hasGlewlwyd) return "glewlwyd is left out: it is not installed here (Debian: apt install --no-install-recommends glewlwyd dbconfig-sqlite3 sqlite3)";
  const port = await freePort();
  const client = { ...CLIENT, authorization_type: ["client_credentials", "password", "refresh_token"], scope: ["profile"] };
  const running = await startGlewlwyd(port, { client, provider: provider(), ...(existsSync(MEMORY) ? { parent: MEMORY } : {}) });
  hold(running.pid, "server");
  const orphaned = () => void process.kill(running.pid, "SIGKILL");
  process.once("exit", orphaned);
  const host = `localhost:${port}`;
  const path = new URL(running.issuer).pathname;
  const form = (endpoint: string, fields: Readonly<Record<string, string>>) => post(host, `${path}/${endpoint}`, fields, [CLIENT.client_id, CLIENT.client_secret]);
  // Nobody logs in by a password at Cambio: it only gets this peer its tokens, and is not measured.
  const logIn = async (): Promise<Tokens> => {
    const headers = { authorization: `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64")}` };
    const body = new URLSearchParams({ grant_type: "password", username: USER.username, password: USER.password, scope: "profile" });
    return (await (await fetch(`${running.issuer}/token`, { method: "POST", headers, body })).json()) as Tokens;
  };
  const logIns = async () => await Promise.all(Array.from({ length: CONNECTIONS }, logIn));
  const introspect = kept(async () => ({ requests: (await logIns()).map(({ access_token }) => form("introspect", { token: access_token })) }));
  return {
    name: "glewlwyd",
    note: "exchanges nothing; JWTs of ES256 and refresh tokens that are good once, as Cambio's; an introspection looks the token up each time",
    served: { port, host, cpu: () => cpuMilliseconds(running.pid), waited: () => waitedMilliseconds(running.pid), stop: running.stop },
    supplies: {
      clientCredentials: always(form("token", { grant_type: "client_credentials", scope: "profile" })),
      refresh: async () => ({
        requests: [form("token", { grant_type: "refresh_token", refresh_token: "{token}" })],
        chains: (await logIns()).map(({ refresh_token }) => refresh_token),
      }),
      // It looks the token up each time, so that it is what `strong` is; it has nothing weaker.
      ...{ introspectJwt: introspect, introspectJwtEdge: introspect, introspectJwtKnown: introspect },
      keySet: always(get(host, `${path}/jwks`)),
      discovery: always(get(host, `${path}/.well-known/openid-configuration`)),
    },
    stop: async () => {
      process.removeListener("exit", orphaned);
      await running.stop();
    },
  };
};

function provider(): Readonly<Record<string, unknown>> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    "jwt-type": "ecdsa",
    key: privateKey.export({ format: "pem", type: "pkcs8" }),
    cert: publicKey.export({ format: "pem", type: "spki" }),
    "allow-non-oidc": true,
    "auth-type-client-enabled": true,
    "auth-type-password-enabled": true,
    "refresh-token-one-use": "always",
    "introspection-revocation-allowed": true,
    "introspection-revocation-allow-target-client": true,
  };
}

// It has a thread for each connection, whose time only /proc/PID/stat still knows when it has ended: user and system, in steps of 10 ms.
function cpuMilliseconds(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ").slice(11, 13) ?? [];
  return (Number(user) + Number(system)) * 10;
}
