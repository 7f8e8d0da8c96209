import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CookieJar } from "../../demo/cookie-jar.ts";

const MODULES = "/usr/lib/glewlwyd";
const SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
/** What the package's schema brings; good for this database alone, which ends with the test. */
const ADMINISTRATOR = { username: "admin", password: "password" };

/** Whether Debian's `glewlwyd` is on this machine. */
export const hasGlewlwyd = existsSync(SCHEMA) && existsSync(`${MODULES}/plugin/libprotocol_oidc.so`) && spawnSync("sqlite3", ["--version"]).status === 0;

/** The user whom this Glewlwyd knows. */
export const USER = { username: "emma.stone", password: "a-password-of-emma", name: "Emma Stone", email: "emma.stone@example.com", groups: ["employees", "auditors"] } as const;

/** What is particular about a Glewlwyd, in the words of its own API. */
export interface GlewlwydSettings {
  /** Its one client. */
  readonly client: { readonly client_id: string; readonly client_secret: string; readonly [property: string]: unknown };
  /** Parameters of its OpenID provider. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** Where the folder of its database is made. */
  readonly parent?: string;
}

/** A Glewlwyd on this machine, with one OpenID provider, one client and one user. */
export interface RunningGlewlwyd {
  readonly origin: string;
  readonly issuer: string;
  readonly pid: number;
  /** Its log so far, for whoever has to find out why something fails. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts Glewlwyd on a port with a database of its own; when it rejects, nothing is left running. */
export async function startGlewlwyd(port: number, settings: GlewlwydSettings): Promise<RunningGlewlwyd> {
  const folder = mkdtempSync(join(settings.parent ?? tmpdir(), "cambio-glewlwyd-"));
  const origin = `http://localhost:${port}`;
  const issuer = `${origin}/api/oidc`;
  spawnSync("sqlite3", [join(folder, "database")], { input: readFileSync(SCHEMA) });
  writeFileSync(join(folder, "glewlwyd.conf"), configuration(folder, port));
  const process = spawn("glewlwyd", [`--config-file=${join(folder, "glewlwyd.conf")}`], { stdio: "ignore" });
  const ended = once(process, "exit");
  const log = () => (existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "it has logged nothing");
  const stop = async () => {
    process.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let count = 0; count < 100 && (await fetch(`${origin}/config`).catch(() => undefined)) === undefined; count++) await sleep(100);
    await configure(origin, issuer, settings);
    return { origin, issuer, pid: process.pid ?? 0, log, stop };
  } catch (error) {
    const why = log();
    await stop();
    throw new Error(`Glewlwyd did not start:\n${why}`, { cause: error });
  }
}

function configuration(folder: string, port: number): string {
  const paths = { user_module: "user", client_module: "client", user_auth_scheme_module: "scheme", plugin_module: "plugin" };
  return `port=${port}
bind_address="127.0.0.1"
external_url="http://localhost:${port}"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="WARNING"
log_file="${folder}/log"
cookie_secure=0
admin_scope="g_admin"
profile_scope="g_profile"
hash_algorithm="SHA512"
${Object.entries(paths)
  .map(([name, path]) => `${name}_path="${MODULES}/${path}"`)
  .join("\n")}
database={ type="sqlite3"; path="${folder}/database"; };
`;
}

/** A browser's calls of Glewlwyd's own API, as its pages make them. */
export async function call(jar: CookieJar, method: string, url: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json", cookie: jar.header(new URL(url)) };
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  jar.take(new URL(url), response);
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
}

async function configure(origin: string, issuer: string, { client, provider = {} }: GlewlwydSettings): Promise<void> {
  const jar = new CookieJar();
  const set = (method: string, path: string, body: unknown) => call(jar, method, `${origin}/api/${path}`, body);
  await set("POST", "auth/", ADMINISTRATOR);
  const groups = { multiple: true, read: true, write: true };
  await set("PUT", "mod/user/database", { module: "database", display_name: "database", parameters: { "use-glewlwyd-connection": true, "data-format": { groups } } });
  await set("PUT", "mod/user/database/reset/", undefined);
  for (const name of ["profile", "email"]) await set("POST", "scope/", { name, display_name: name, password_required: true });
  await set("POST", "mod/plugin/", { module: "oidc", name: "oidc", display_name: "OpenID", parameters: { ...openIdProvider(issuer), ...provider } });
  await set("POST", "client/", { name: client.client_id, confidential: true, enabled: true, token_endpoint_auth_method: ["client_secret_basic"], scope: [], ...client });
  await set("POST", "user/", { ...USER, enabled: true, scope: ["openid", "profile", "email"] });
}

function openIdProvider(issuer: string): object {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const claim = (name: string, property: string) => ({ name, "user-property": property, type: "string", mandatory: false, scope: ["profile"] });
  return {
    iss: issuer,
    "jwt-type": "rsa",
    "jwt-key-size": "256",
    key: privateKey.export({ format: "pem", type: "pkcs8" }),
    cert: publicKey.export({ format: "pem", type: "spki" }),
    "jwks-show": true,
    "access-token-duration": 3600,
    "refresh-token-duration": 86_400,
    "code-duration": 60,
    "refresh-token-rolling": true,
    "auth-type-code-enabled": true,
    "auth-type-refresh-enabled": true,
    "allowed-scope": ["openid", "profile", "email"],
    "subject-type": "public",
    "name-claim": "on-demand",
    "name-claim-scope": ["profile"],
    "email-claim": "on-demand",
    "email-claim-scope": ["email"],
    claims: [claim("preferred_username", "username"), claim("groups", "groups")],
    "pkce-allowed": true,
    "pkce-required": true,
    "oauth-as-iss-id": true,
    "session-management-allowed": true,
    "session-cookie-name": "GLEWLWYD2_OIDC_SID",
    "session-cookie-expiration": 86_400,
    "back-channel-logout-allowed": true,
  };
}
